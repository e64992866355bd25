import NIOCore
import NIOPosix
import Synchronization

@testable import JarvisNet

/// The loop group of this test target.
let testGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

/// A bare TCP client: says exactly the bytes that a test wants, and collects what comes back.
final class RawClient: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var ended = false
        var waiters:
            [(condition: @Sendable ([UInt8], Bool) -> Bool, continuation: CheckedContinuation<[UInt8], Never>)] =
                []
    }

    private let state = Mutex(State())
    private let channel = Mutex<(any Channel)?>(nil)

    static func connect(port: Int?) async throws -> RawClient {
        let client = RawClient()
        let channel = try await ClientBootstrap(group: testGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(client: client))
                }
            }
            .connect(host: "127.0.0.1", port: port ?? 0).get()
        client.channel.withLock { $0 = channel }
        return client
    }

    /// The other end of a connection that a server accepted; called on its loop.
    static func adopt(_ channel: any Channel) throws -> RawClient {
        let client = RawClient()
        try channel.pipeline.syncOperations.addHandler(Collector(client: client))
        client.channel.withLock { $0 = channel }
        return client
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        guard let channel = channel.withLock({ $0 }) else { return }
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    func halfClose() async throws {
        guard let channel = channel.withLock({ $0 }) else { return }
        try await channel.close(mode: .output).get()
    }

    /// Everything received when `text` is in it, or when the peer is done.
    func read(until text: String) async -> String {
        let bytes = await wait { bytes, ended in ended || String(decoding: bytes, as: UTF8.self).contains(text) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Everything received when there are `count` bytes, or when the peer is done.
    func read(count: Int) async -> [UInt8] { await wait { bytes, ended in ended || bytes.count >= count } }

    /// Everything received until the peer is done.
    func readToEnd() async -> String {
        String(decoding: await wait { _, ended in ended }, as: UTF8.self)
    }

    func close() async throws {
        guard let channel = channel.withLock({ $0 }) else { return }
        try? await channel.close().get()
    }

    private func wait(_ condition: @escaping @Sendable ([UInt8], Bool) -> Bool) async -> [UInt8] {
        await withCheckedContinuation { continuation in
            let now: [UInt8]? = state.withLock { state in
                if condition(state.bytes, state.ended) { return state.bytes }
                state.waiters.append((condition, continuation))
                return nil
            }
            if let now { continuation.resume(returning: now) }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let ready = state.withLock { state in
            change(&state)
            var ready: [(CheckedContinuation<[UInt8], Never>, [UInt8])] = []
            state.waiters.removeAll { waiter in
                guard waiter.condition(state.bytes, state.ended) else { return false }
                ready.append((waiter.continuation, state.bytes))
                return true
            }
            return ready
        }
        for (continuation, bytes) in ready { continuation.resume(returning: bytes) }
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let client: RawClient
        init(client: RawClient) { self.client = client }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            client.update { $0.bytes.append(contentsOf: bytes.readableBytesView) }
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if let event = event as? ChannelEvent, event == .inputClosed { client.update { $0.ended = true } }
        }

        func channelInactive(context: ChannelHandlerContext) { client.update { $0.ended = true } }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

/// A delegate made of closures.
struct TestDelegate: ServerDelegate {
    var onHead: @Sendable (HTTPServerRequest) -> HeadDecision = { _ in .accept(bodyLimit: 1024) }
    var onRequest: @Sendable (HTTPServerRequest, any EventLoop) -> EventLoopFuture<HTTPServerResponse> = {
        request, loop in
        loop.makeSucceededFuture(.text("\(request.method) \(request.path) \(request.body.count)"))
    }
    var onUpgrade: @Sendable (HTTPServerRequest) -> UpgradeDecision = { _ in .accept(EchoHandler()) }

    func head(_ request: HTTPServerRequest) -> HeadDecision { onHead(request) }
    func respond(_ request: HTTPServerRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPServerResponse> {
        onRequest(request, loop)
    }
    func upgrade(_ request: HTTPServerRequest) -> UpgradeDecision { onUpgrade(request) }
}

/// Runs `body` against a listener on a free loopback port.
func withListener(
    _ delegate: TestDelegate = TestDelegate(), limits: ServerLimits = ServerLimits(),
    _ body: (Listener) async throws -> Void
) async throws {
    let listener = try await Listener.tcp(
        host: "127.0.0.1", port: 0, group: testGroup, delegate: delegate, limits: limits)
    do {
        try await body(listener)
    } catch {
        await listener.close()
        throw error
    }
    await listener.close()
}

/// Limits with deadlines short enough for a test.
func quickLimits() -> ServerLimits {
    var limits = ServerLimits()
    limits.headerDeadline = .milliseconds(200)
    limits.bodyDeadline = .milliseconds(200)
    limits.keepAliveIdle = .milliseconds(200)
    limits.wsHandshakeDeadline = .milliseconds(200)
    limits.wsCloseDeadline = .milliseconds(200)
    limits.lingerDeadline = .milliseconds(200)
    limits.sweepInterval = .milliseconds(20)
    return limits
}
