import NIOCore
import Synchronization
import Testing

@testable import JarvisNet

/// Records what a socket says, on its loop, and lets a test wait for it.
final class RecordingHandler: WebSocketHandler, Sendable {
    enum Entry: Equatable {
        case opened
        case text(String)
        case binary([UInt8])
        case closed(UInt16?, String)
    }

    private let onOpen: @Sendable (WebSocket) -> Void
    private let entries = Mutex<[Entry]>([])
    private let waiters = Mutex<[(count: Int, continuation: CheckedContinuation<Void, Never>)]>([])
    private let handle = Mutex<WebSocket?>(nil)

    init(onOpen: @escaping @Sendable (WebSocket) -> Void = { _ in }) { self.onOpen = onOpen }

    var socket: WebSocket? { handle.withLock { $0 } }

    func opened(_ socket: WebSocket) {
        handle.withLock { $0 = socket }
        add(.opened)
        onOpen(socket)
    }

    func received(text: ByteBuffer) { add(.text(String(buffer: text))) }

    func received(binary: ByteBuffer) { add(.binary(Array(binary.readableBytesView))) }

    func closed(code: UInt16?, reason: String) { add(.closed(code, reason)) }

    /// The first `count` entries once they are there.
    func first(_ count: Int) async -> [Entry] {
        await withCheckedContinuation { continuation in
            waiters.withLock { $0.append((count, continuation)) }
            release()
        }
        return entries.withLock { Array($0.prefix(count)) }
    }

    private func add(_ entry: Entry) {
        entries.withLock { $0.append(entry) }
        release()
    }

    private func release() {
        let count = entries.withLock { $0.count }
        let ready = waiters.withLock { waiters in
            let ready = waiters.filter { $0.count <= count }
            waiters.removeAll { $0.count <= count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }
}

@Suite(.timeLimit(.minutes(1))) struct WebSocketSocketTests {
    private let upgrade =
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    private func onLoop(_ socket: WebSocket, _ work: @escaping @Sendable (WebSocket) -> Void) async throws {
        try await socket.eventLoop.submit { work(socket) }.get()
    }

    @Test func shakesHandsAsTheStandardSays() async throws {
        try await withListener { listener in
            let client = try await RawClient.connect(port: listener.port)
            // A frame right behind the request, before the answer: text "a", masked with zeros.
            try await client.send(Array(upgrade.utf8) + [0x81, 0x81, 0, 0, 0, 0, 0x61])
            let answer = await client.read(until: "\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            #expect(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
            let all = await client.read(count: 0)
            let end = all.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound ?? 0
            #expect(await client.read(count: end + 3).suffix(3) == [0x81, 0x01, 0x61])
            try await client.close()
        }
    }

    @Test(arguments: [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", "426"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: c2hvcnQ=", "400"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400"),
        ("Connection: keep-alive, Upgrade", "Connection: keep-alive", "400"),
        ("GET /ws", "POST /ws", "400"),
        ("Host: localhost", "Host: localhost\r\nContent-Length: 1", "400"),
    ])
    func refusesBrokenHandshakes(_ from: String, _ to: String, _ status: String) async throws {
        try await withListener { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send(upgrade.replacing(from, with: to))
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
            #expect(status != "426" || answer.contains("Sec-WebSocket-Version: 13\r\n"))
        }
    }

    @Test func echoesEveryKindOfMessage() async throws {
        try await withListener { listener in
            let handler = RecordingHandler()
            let socket = try await WebSocketClient.connect(
                url: "ws://127.0.0.1:\(listener.port ?? 0)/any/path", group: testGroup, handler: handler)
            let large = String(repeating: "0123456789", count: 30_000)
            try await onLoop(socket) { socket in
                socket.send(text: "hello é")
                socket.send(binary: ByteBuffer(bytes: [0, 255]))
                socket.send(PreparedFrame(text: Array("prepared".utf8)))
                socket.send(text: large)
            }
            #expect(
                await handler.first(5) == [
                    .opened, .text("hello é"), .binary([0, 255]), .text("prepared"), .text(large),
                ])
        }
    }

    @Test func deliversInOrderBeforeTheClose() async throws {
        let server = RecordingHandler()
        try await withListener(TestDelegate(onUpgrade: { _ in .accept(server) })) { listener in
            let handler = RecordingHandler()
            let socket = try await WebSocketClient.connect(
                url: "ws://127.0.0.1:\(listener.port ?? 0)/", group: testGroup, handler: handler)
            try await onLoop(socket) { socket in
                for index in 0..<100 { socket.send(text: "\(index)") }
                socket.close(code: 4001, reason: "done")
                socket.send(text: "dropped")
            }
            let entries = await server.first(102)
            #expect(entries == [.opened] + (0..<100).map { .text("\($0)") } + [.closed(4001, "done")])
            #expect(await handler.first(2) == [.opened, .closed(4001, "")])
        }
    }

    @Test func broadcastsOneFrameToMany() async throws {
        let sockets = Mutex<[WebSocket]>([])
        let delegate = TestDelegate(onUpgrade: { _ in
            .accept(
                RecordingHandler { socket in
                    socket.markAuthenticated()
                    sockets.withLock { $0.append(socket) }
                })
        })
        try await withListener(delegate) { listener in
            var clients: [RecordingHandler] = []
            for _ in 0..<20 {
                let handler = RecordingHandler()
                _ = try await WebSocketClient.connect(
                    url: "ws://127.0.0.1:\(listener.port ?? 0)/", group: testGroup, handler: handler)
                clients.append(handler)
            }
            let frame = PreparedFrame(text: Array(repeating: 0x61, count: 300))
            try await testGroup.next().submit { for socket in sockets.withLock({ $0 }) { socket.send(frame) } }.get()
            for client in clients {
                #expect(await client.first(2).last == .text(String(repeating: "a", count: 300)))
            }
        }
    }

    @Test func enforcesTheMessageLimitBeforeAndAfterAuthentication() async throws {
        let server = RecordingHandler()
        try await withListener(TestDelegate(onUpgrade: { _ in .accept(server) })) { listener in
            let handler = RecordingHandler()
            let url = "ws://127.0.0.1:\(listener.port ?? 0)/"
            let socket = try await WebSocketClient.connect(url: url, group: testGroup, handler: handler)
            try await onLoop(socket) { $0.send(binary: ByteBuffer(repeating: 1, count: 65_536)) }
            _ = await server.first(2)
            try await onLoop(socket) { $0.send(binary: ByteBuffer(repeating: 1, count: 65_537)) }
            let entries = await handler.first(2)
            guard case .closed(1009, _) = entries[1] else {
                Issue.record("\(entries)")
                return
            }
        }
    }

    @Test func endsSocketsThatDoNotAuthenticate() async throws {
        let handler = RecordingHandler()
        // Only this deadline is short: the opening handshake may take its time on a busy machine.
        var limits = ServerLimits()
        limits.wsHandshakeDeadline = .milliseconds(200)
        limits.sweepInterval = .milliseconds(20)
        try await withListener(
            TestDelegate(onUpgrade: { _ in .accept(RecordingHandler()) }), limits: limits
        ) { listener in
            _ = try await WebSocketClient.connect(
                url: "ws://127.0.0.1:\(listener.port ?? 0)/", group: testGroup, handler: handler)
            #expect(await handler.first(2) == [.opened, .closed(1008, "handshake timeout")])
        }
    }

    @Test func capsSocketsBeforeAuthentication() async throws {
        var limits = ServerLimits()
        limits.preAuthSocketsPerAddress = 2
        let server = Mutex<[WebSocket]>([])
        let delegate = TestDelegate(onUpgrade: { _ in
            .accept(RecordingHandler { socket in server.withLock { $0.append(socket) } })
        })
        try await withListener(delegate, limits: limits) { listener in
            let url = "ws://127.0.0.1:\(listener.port ?? 0)/"
            for _ in 0..<2 {
                _ = try await WebSocketClient.connect(url: url, group: testGroup, handler: RecordingHandler())
            }
            await #expect {
                _ = try await WebSocketClient.connect(url: url, group: testGroup, handler: RecordingHandler())
            } throws: {
                ($0 as? HTTPClientError)?.kind == .refused && ($0 as? HTTPClientError)?.status == 429
            }
            // Authentication frees a slot, and so does going away.
            let sockets = server.withLock { $0 }
            try await onLoop(sockets[0]) { $0.markAuthenticated() }
            _ = try await WebSocketClient.connect(url: url, group: testGroup, handler: RecordingHandler())
            try await onLoop(sockets[1]) { $0.abort() }
            _ = try await WebSocketClient.connect(url: url, group: testGroup, handler: RecordingHandler())
        }
    }

    @Test func cutsAConsumerThatDoesNotRead() async throws {
        var limits = ServerLimits()
        limits.wsMaxBuffered = 1 << 20
        let server = RecordingHandler { $0.markAuthenticated() }
        try await withListener(TestDelegate(onUpgrade: { _ in .accept(server) }), limits: limits) { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send(upgrade)
            _ = await server.first(1)
            let socket = try #require(server.socket)
            // One message larger than every socket buffer, handed over before the loop can write any of it.
            let counted = try await socket.eventLoop.submit {
                socket.send(binary: ByteBuffer(repeating: 0, count: 1 << 19))
                return socket.bufferedBytes
            }.get()
            #expect(counted >= 1 << 19)
            try await onLoop(socket) { socket in
                for _ in 0..<8 where socket.isOpen { socket.send(binary: ByteBuffer(repeating: 0, count: 1 << 20)) }
            }
            #expect(await server.first(2).last == .closed(1008, "slow consumer"))
            try await client.close()
        }
    }

    @Test func tellsWhenTheConnectionIsLost() async throws {
        let server = RecordingHandler { $0.markAuthenticated() }
        try await withListener(TestDelegate(onUpgrade: { _ in .accept(server) })) { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send(upgrade)
            _ = await server.first(1)
            try await client.close()
            #expect(await server.first(2).last == .closed(1006, "the connection was lost"))
        }
    }

    @Test func reportsARefusedUpgrade() async throws {
        let delegate = TestDelegate(onUpgrade: { _ in .refuse(.text("no", status: 403)) })
        try await withListener(delegate) { listener in
            await #expect {
                _ = try await WebSocketClient.connect(
                    url: "ws://127.0.0.1:\(listener.port ?? 0)/", group: testGroup, handler: RecordingHandler())
            } throws: {
                ($0 as? HTTPClientError)?.status == 403
            }
        }
    }

    @Test func reportsThatNobodyListens() async throws {
        let listener = try await Listener.tcp(
            host: "127.0.0.1", port: 0, group: testGroup, delegate: TestDelegate())
        let port = listener.port ?? 0
        await listener.close()
        await #expect {
            _ = try await WebSocketClient.connect(
                url: "ws://127.0.0.1:\(port)/", group: testGroup, handler: RecordingHandler())
        } throws: {
            ($0 as? HTTPClientError)?.kind == .connect
        }
    }

    @Test func connectsOverAUnixSocket() async throws {
        let path = "/tmp/jarvis-net-\(UInt64.random(in: 0...UInt64.max)).sock"
        let listener = try await Listener.unix(path: path, group: testGroup, delegate: TestDelegate())
        let handler = RecordingHandler { $0.send(text: "over unix") }
        _ = try await WebSocketClient.connect(
            url: "ws://localhost/", unixSocketPath: path, group: testGroup, handler: handler)
        #expect(await handler.first(2).last == .text("over unix"))
        await listener.close()
        guard case .closed = await handler.first(3).last else {
            Issue.record("the socket must be closed with its listener")
            return
        }
    }
}
