import JarvisCore
import JarvisNet
import NIOCore
import NIOPosix
import Synchronization

/// The debugging protocol over a WebSocket. Messages are handled on a loop that serves such connections only, so that a
/// large one delays nobody else and a slow handler slows down its own browser.
final class WebSocketTransport: CDPTransport {
    private struct State {
        var socket: WebSocket?
        var receive: (@Sendable ([UInt8]) -> Void)?
        var closed: (@Sendable (String) -> Void)?
        var ended: String?
        var reason: String?
        /// Messages that came before `start`, at most `earlyLimit` bytes of them.
        var early: [[UInt8]] = []
        var earlyBytes = 0
    }

    // Nothing is asked before `start`, so a browser has nothing to say.
    private static let earlyLimit = 1 << 20

    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let state = Mutex(State())

    private init() {}

    /// Connects and shakes hands.
    ///
    /// - Throws: as `WebSocketClient.connect`.
    static func connect(
        url: String, headers: [(String, String)], timeout: Duration, check: ConnectionCheck?
    ) async throws -> WebSocketTransport {
        let transport = WebSocketTransport()
        // No Origin header is ever sent: a browser refuses those it was not told of.
        _ = try await WebSocketClient.connect(
            url: url, headers: headers, group: group, check: check, connectTimeout: timeout,
            maximumMessageBytes: CDPFrames.defaultLimit, handler: Handler(transport))
        return transport
    }

    func start(
        receive: @escaping @Sendable ([UInt8]) -> Void, closed: @escaping @Sendable (_ reason: String) -> Void
    ) {
        onLoop { [self] in
            let (early, ended) = state.withLock { state in
                state.receive = receive
                state.closed = closed
                defer { state.early = [] }
                return (state.early, state.ended)
            }
            for message in early { receive(message) }
            if let ended { finish(ended) }
        }
    }

    func send(_ message: [UInt8]) {
        guard let socket = state.withLock({ $0.ended == nil ? $0.socket : nil }) else { return }
        socket.eventLoop.execute { socket.send(text: message) }
    }

    func close() { close("closed here") }

    private func close(_ reason: String) {
        guard
            let socket = state.withLock({ state in
                if state.reason == nil { state.reason = reason }
                return state.socket
            })
        else { return }
        socket.eventLoop.execute { socket.close(code: 1000, reason: "") }
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) { Self.group.any().execute(work) }

    private func finish(_ said: String) {
        let closed = state.withLock { state -> (@Sendable (String) -> Void)? in
            state.ended = state.reason ?? said
            state.socket = nil
            state.receive = nil
            defer { state.closed = nil }
            return state.closed
        }
        closed?(state.withLock { $0.ended ?? said })
    }

    private func take(_ message: ByteBuffer) {
        let bytes = Array(message.readableBytesView)
        let (receive, isFlood) = state.withLock { state -> ((@Sendable ([UInt8]) -> Void)?, Bool) in
            if let receive = state.receive { return (receive, false) }
            state.earlyBytes += bytes.count
            if state.earlyBytes > Self.earlyLimit { return (nil, true) }
            state.early.append(bytes)
            return (nil, false)
        }
        if isFlood { close("it talks before it is asked") }
        receive?(bytes)
    }

    private final class Handler: WebSocketHandler {
        private let transport: WebSocketTransport
        init(_ transport: WebSocketTransport) { self.transport = transport }

        func opened(_ socket: WebSocket) { transport.state.withLock { $0.socket = socket } }
        func received(text: ByteBuffer) { transport.take(text) }
        func received(binary: ByteBuffer) { transport.close("it sent a binary message") }
        func closed(code: UInt16?, reason: String) {
            switch (code, reason) {
            case (1008, "slow consumer"): transport.finish("the browser takes no commands: 50 MiB wait for it")
            case (1006, _): transport.finish("the connection was lost")
            default:
                let words = reason.isEmpty ? "" : ": \(VisibleText.escaped(reason, limit: 120))"
                transport.finish("the browser closed the connection (\(code ?? 1005)\(words))")
            }
        }
    }
}
