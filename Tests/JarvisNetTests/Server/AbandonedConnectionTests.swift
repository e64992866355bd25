import Foundation
import NIOCore
import Synchronization
import Testing

@testable import JarvisNet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Clients that die: killed with events under way, or closed with answers unread.
///
/// One after the other, because a test holds the loop and its own thread.
@Suite(.timeLimit(.minutes(1)), .serialized) struct AbandonedConnectionTests {
    private let upgrade =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    /// The text message "a", masked with zeros.
    private let message: [UInt8] = [0x81, 0x81, 0, 0, 0, 0, 0x61]

    @Test func aWebSocketThatDiesWithEventsUnderWay() async throws {
        let sockets = Mutex<[WebSocket]>([])
        let delegate = TestDelegate(onUpgrade: { _ in
            .accept(
                Broadcaster(
                    onOpen: { socket in sockets.withLock { $0.append(socket) } },
                    onText: { for socket in sockets.withLock({ $0 }) { socket.send(text: "event") } }))
        })
        try await withUnixListener(delegate) { path in
            let speaker = try BlockingClient(path: path)
            let victim = try BlockingClient(path: path)
            for client in [speaker, victim] {
                client.send(Array(upgrade.utf8))
                client.read(until: "\r\n\r\n")
            }
            // One poll of the server's loop sees both: first the message that writes to the victim, then its end.
            whileLoopWaits {
                speaker.send(message)
                victim.close()
            }
            #expect(speaker.read(until: "event").contains("event"))
            speaker.close()
        }
    }

    @Test func aRequestAndTheEndOfItsSenderInOneBurst() async throws {
        try await withUnixListener(TestDelegate()) { path in
            // As long as the first read buffer, so that the server reads on and meets the end in the same burst.
            let head = "GET /x HTTP/1.1\r\nHost: localhost\r\nX-Pad: "
            let request = head + String(repeating: "x", count: 2048 - head.utf8.count - 4) + "\r\n\r\n"
            let dead = try BlockingClient(path: path)
            whileLoopWaits {
                dead.send(Array(request.utf8))
                dead.close()
            }
            let client = try BlockingClient(path: path)
            client.send(Array("GET /y HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
            #expect(client.read(until: "GET /y 0").hasSuffix("GET /y 0"))
            client.close()
        }
    }

    @Test(arguments: [false, true]) func aResetWithUnreadAndUnsentData(webSocket: Bool) async throws {
        let large = String(repeating: "0123456789", count: 1_000_000)
        let delegate = TestDelegate(
            onRequest: { _, loop in loop.makeSucceededFuture(.text(large)) },
            onUpgrade: { _ in .accept(Broadcaster(onOpen: { $0.send(text: large) }, onText: {})) })
        try await withListener(delegate) { listener in
            let client = try BlockingClient(port: listener.port ?? 0)
            client.send(Array((webSocket ? upgrade : "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").utf8))
            client.read(until: "\r\n\r\n")
            whileLoopWaits {
                client.send(webSocket ? message : Array("GET / HTTP/1.1\r\n".utf8))
                client.reset()
            }
            let next = try await RawClient.connect(port: listener.port)
            try await next.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(await next.readToEnd().hasSuffix("0123456789"))
        }
    }

    @Test func aClientThatHasFinishedSendingGetsALongAnswer() async throws {
        let large = String(repeating: "0123456789", count: 1_000_000)
        let delegate = TestDelegate(onRequest: { _, loop in loop.makeSucceededFuture(.text(large)) })
        try await withListener(delegate) { listener in
            let client = try BlockingClient(port: listener.port ?? 0)
            whileLoopWaits {
                client.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
                client.finishSending()
            }
            #expect(client.readToEnd().utf8.count > large.utf8.count)
            client.close()
        }
    }

    @Test func aSlowReaderOfTheLastAnswerIsNotCutOff() async throws {
        let large = String(repeating: "0123456789", count: 1_000_000)
        let delegate = TestDelegate(onRequest: { _, loop in loop.makeSucceededFuture(.text(large)) })
        var limits = quickLimits()
        limits.keepAliveIdle = .seconds(30)
        limits.lingerDeadline = .milliseconds(1)
        try await withListener(delegate, limits: limits) { listener in
            let client = try BlockingClient(port: listener.port ?? 0)
            client.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
            try await testGroup.next().scheduleTask(in: .milliseconds(100)) {}.futureResult.get()
            #expect(client.readToEnd().utf8.count > large.utf8.count)
            client.close()
        }
    }

    /// Runs `body` while the server's loop does nothing, so that the loop sees all of its effects at once.
    private func whileLoopWaits(_ body: () -> Void) {
        let blocked = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        testGroup.next().execute {
            blocked.signal()
            release.wait()
        }
        blocked.wait()
        body()
        release.signal()
    }

    private func withUnixListener(
        _ delegate: TestDelegate, _ body: (_ path: String) async throws -> Void
    ) async throws {
        let path = "/tmp/jarvis-net-\(UInt32.random(in: .min ... .max)).sock"
        let listener = try await Listener.unix(path: path, group: testGroup, delegate: delegate)
        do {
            try await body(path)
        } catch {
            await listener.close()
            throw error
        }
        await listener.close()
    }
}

private final class Broadcaster: WebSocketHandler, Sendable {
    private let onOpen: @Sendable (WebSocket) -> Void
    private let onText: @Sendable () -> Void

    init(onOpen: @escaping @Sendable (WebSocket) -> Void, onText: @escaping @Sendable () -> Void) {
        self.onOpen = onOpen
        self.onText = onText
    }

    func opened(_ socket: WebSocket) { onOpen(socket) }
    func received(text: ByteBuffer) { onText() }
    func received(binary: ByteBuffer) {}
    func closed(code: UInt16?, reason: String) {}
}

/// A socket without a loop behind it, so that a test decides in which order things reach the server.
private final class BlockingClient {
    private struct Failed: Error { let number: Int32 }

    private let descriptor: Int32

    init(path: String) throws { descriptor = try Self.connect(SocketAddress(unixDomainSocketPath: path), AF_UNIX) }

    init(port: Int) throws {
        descriptor = try Self.connect(SocketAddress(ipAddress: "127.0.0.1", port: port), AF_INET)
    }

    private static func connect(_ address: SocketAddress, _ family: Int32) throws -> Int32 {
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(family, kind, 0)
        let connected = address.withSockAddr { pointer, size in
            systemConnect(descriptor, pointer, socklen_t(size))
        }
        guard connected == 0 else { throw Failed(number: errno) }
        return descriptor
    }

    func send(_ bytes: [UInt8]) { #expect(write(descriptor, bytes, bytes.count) == bytes.count) }

    /// What came until `text` is in it, or until the end.
    @discardableResult func read(until text: String) -> String {
        receive { String(decoding: $0.suffix(64 << 10), as: UTF8.self).contains(text) }
    }

    func readToEnd() -> String { receive { _ in false } }

    private func receive(until enough: ([UInt8]) -> Bool) -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while !enough(all) {
            let count = systemRead(descriptor, &chunk, chunk.count)
            guard count > 0 else { break }
            all += chunk[..<count]
        }
        return String(decoding: all, as: UTF8.self)
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() { _ = systemClose(descriptor) }

    /// Closes with a reset instead of an end.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
private func systemConnect(_ descriptor: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t) -> Int32 {
    connect(descriptor, address, size)
}
