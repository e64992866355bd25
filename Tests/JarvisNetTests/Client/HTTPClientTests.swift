import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import JarvisNet

/// A server that sends exactly the bytes a test gives it, and tells when its peer has gone.
private final class ScriptedServer: Sendable {
    let channel: any Channel
    let peerGone: EventLoopPromise<Void>

    init(answer: [(after: TimeAmount, bytes: String)], close: Bool) async throws {
        let gone = testGroup.next().makePromise(of: Void.self)
        peerGone = gone
        channel = try await ServerBootstrap(group: testGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(answer: answer, close: close, gone: gone))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/v1/x" }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let answer: [(after: TimeAmount, bytes: String)]
        let close: Bool
        let gone: EventLoopPromise<Void>
        var started = false

        init(answer: [(after: TimeAmount, bytes: String)], close: Bool, gone: EventLoopPromise<Void>) {
            self.answer = answer
            self.close = close
            self.gone = gone
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !started else { return }
            started = true
            let channel = context.channel
            var time = TimeAmount.zero
            for step in answer {
                time = time + step.after
                channel.eventLoop.scheduleTask(in: time) {
                    channel.writeAndFlush(ByteBuffer(string: step.bytes), promise: nil)
                }
            }
            if close { channel.eventLoop.scheduleTask(in: time + .milliseconds(1)) { channel.close(promise: nil) } }
        }

        func channelInactive(context: ChannelHandlerContext) { gone.succeed(()) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}

@Suite(.timeLimit(.minutes(1))) struct HTTPClientTests {
    private let client = HTTPClient(group: testGroup)

    private func fetch(_ server: ScriptedServer, idle: Duration = .seconds(60), first: Duration = .seconds(60))
        async throws -> (Int, String)
    {
        let request = HTTPClientRequest(url: server.url, firstByteTimeout: first, idleTimeout: idle)
        return try await client.withResponse(request) { response in
            (response.status, String(decoding: try await response.collect(limit: 1 << 20), as: UTF8.self))
        }
    }

    private func kind(_ work: () async throws -> Void) async -> HTTPClientError.Kind? {
        do {
            try await work()
            return nil
        } catch {
            return (error as? HTTPClientError)?.kind
        }
    }

    @Test func talksToOurOwnServer() async throws {
        let delegate = TestDelegate(onRequest: { request, loop in
            let shown = ["host", "content-length", "x-a", "connection", "user-agent"].map { request.header($0) ?? "-" }
            return loop.makeSucceededFuture(
                .text("\(request.method) \(request.target) \(shown) \(String(decoding: request.body, as: UTF8.self))"))
        })
        try await withListener(delegate) { listener in
            let port = listener.port ?? 0
            let request = HTTPClientRequest(
                method: "POST", url: "http://localhost:\(port)/a/b?c=d#frag",
                headers: [("X-A", "1"), ("Host", "evil")],
                body: Array("body".utf8))
            let text = try await client.withResponse(request) { response in
                #expect(response.status == 200)
                #expect(response.header("content-type") == "text/plain; charset=utf-8")
                return String(decoding: try await response.collect(limit: 1000), as: UTF8.self)
            }
            #expect(text == #"POST /a/b?c=d ["localhost:\#(port)", "4", "1", "close", "jarvis"] body"#)
        }
    }

    @Test func readsEveryFraming() async throws {
        let length = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), (.milliseconds(2), "lo")], close: false
        )
        #expect(try await fetch(length) == (200, "hello"))
        let chunked = try await ScriptedServer(
            answer: [
                (.zero, "HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n3\r"),
                (.milliseconds(2), "\nabc\r\n2\r\nde\r\n"),
                (.milliseconds(2), "0\r\n\r\n"),
            ], close: false)
        #expect(try await fetch(chunked) == (201, "abcde"))
        let untilClose = try await ScriptedServer(answer: [(.zero, "HTTP/1.1 200 OK\r\n\r\nall of it")], close: true)
        #expect(try await fetch(untilClose) == (200, "all of it"))
        let informational = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n")], close: false)
        #expect(try await fetch(informational) == (204, ""))
    }

    @Test func doesNotFollowRedirects() async throws {
        let server = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")],
            close: false)
        #expect(try await fetch(server) == (302, ""))
    }

    @Test func tellsAStreamThatBreaksOff() async throws {
        for head in ["Content-Length: 50", "Transfer-Encoding: chunked"] {
            let server = try await ScriptedServer(
                answer: [(.zero, "HTTP/1.1 200 OK\r\n\(head)\r\n\r\n5\r\nabcde\r\n")], close: true)
            let pieces = Mutex("")
            let kind = await kind {
                try await client.withResponse(HTTPClientRequest(url: server.url)) { response in
                    for try await piece in response.body { pieces.withLock { $0 += String(buffer: piece) } }
                }
            }
            #expect(kind == .closedEarly)
            // What arrived before is not lost.
            #expect(pieces.withLock { $0 }.contains("abcde"))
        }
    }

    @Test func tellsGarbageAndEarlyCloses() async throws {
        let garbage = try await ScriptedServer(answer: [(.zero, "SSH-2.0-x\r\n")], close: false)
        #expect(await kind { _ = try await fetch(garbage) } == .malformed)
        let nothing = try await ScriptedServer(answer: [], close: true)
        #expect(await kind { _ = try await fetch(nothing) } == .closedEarly)
        let large = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 200_000))\r\n\r\n")], close: false)
        #expect(await kind { _ = try await fetch(large) } == .tooLarge)
    }

    @Test func limitsWhatItCollects() async throws {
        let server = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")], close: false)
        let kind = await kind {
            _ = try await client.withResponse(HTTPClientRequest(url: server.url)) { try await $0.collect(limit: 4) }
        }
        #expect(kind == .tooLarge)
    }

    @Test func timesOut() async throws {
        let silent = try await ScriptedServer(answer: [], close: false)
        #expect(await kind { _ = try await fetch(silent, first: .milliseconds(50)) } == .timeout(.firstByte))
        try await silent.peerGone.futureResult.get()
        let stalled = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")], close: false)
        #expect(await kind { _ = try await fetch(stalled, idle: .milliseconds(50)) } == .timeout(.idle))
        try await stalled.peerGone.futureResult.get()
        let never = Resolver { _, _ in [try SocketAddress(ipAddress: "192.0.2.1", port: 9)] }
        let kind = await kind {
            let request = HTTPClientRequest(url: "http://slow.example/", connectTimeout: .milliseconds(50))
            try await HTTPClient(group: testGroup, resolver: never).withResponse(request) { _ in }
        }
        #expect(kind == .timeout(.connect) || kind == .connect)
    }

    @Test func cancellationClosesTheSocketAtOnce() async throws {
        let server = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")], close: false)
        let client = client
        let started = testGroup.next().makePromise(of: Void.self)
        let task = Task {
            try await client.withResponse(HTTPClientRequest(url: server.url)) { response in
                for try await _ in response.body { started.succeed(()) }
            }
        }
        try await started.futureResult.get()
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try await server.peerGone.futureResult.get()
    }

    @Test func closesTheSocketWhenTheBodyIsNotWanted() async throws {
        let server = try await ScriptedServer(
            answer: [(.zero, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")], close: false)
        let status = try await client.withResponse(HTTPClientRequest(url: server.url)) { $0.status }
        #expect(status == 200)
        try await server.peerGone.futureResult.get()
    }

    @Test func leavesWhatIsNotPulledWithTheServer() async throws {
        let sent = Mutex(0)
        let delegate = TestDelegate(onRequest: { _, loop in
            loop.makeSucceededFuture(
                .stream(contentType: "text/plain") { writer in
                    writer.write(ByteBuffer(repeating: 0x61, count: 64 << 20))
                    sent.withLock { $0 = writer.bufferedBytes }
                    writer.end()
                })
        })
        try await withListener(delegate) { listener in
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(listener.port ?? 0)/")
            let count = try await client.withResponse(request) { response in
                // Nobody pulls; 64 MiB do not fit into the socket buffers.
                try await testGroup.next().scheduleTask(in: .milliseconds(50)) {}.futureResult.get()
                var count = 0
                for try await piece in response.body { count += piece.readableBytes }
                return count
            }
            #expect(count == 64 << 20)
            #expect(sent.withLock { $0 } > 32 << 20)
        }
    }

    @Test func refusesOddURLs() async throws {
        for url in [
            "", "x", "//a", "ftp://a/", "http://", "http://a b/", "http://127.0.0.1%00.evil/",
            "http://evil\\@127.0.0.1/",
            "http://u:p@a/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://a.:80/", "http://é/",
            "http://[::1", "http://a:99999/", "http://a/\u{0}", "http://①.0.0.1/", "javascript:alert(1)",
        ] {
            #expect(throws: HTTPClientError.self) { _ = try ClientURL(url) }
        }
        #expect(try ClientURL("https://Example.com:8443?x#y").target == "/?x")
        #expect(try ClientURL("HTTP://[::1]/").hostHeader == "[::1]")
    }

    @Test func obeysTheEgressPolicy() async throws {
        try await withListener { listener in
            let port = listener.port ?? 0
            let answers = Mutex([["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"]])
            let resolver = Resolver { _, port in
                try answers.withLock { $0.removeFirst() }.map { try SocketAddress(ipAddress: $0, port: port) }
            }
            let careful = HTTPClient(group: testGroup, policy: .publicOnly, resolver: resolver)
            for _ in 0..<3 {
                let kind = await kind {
                    try await careful.withResponse(HTTPClientRequest(url: "http://name.example:\(port)/")) { _ in }
                }
                #expect(kind == .blocked)
            }
            for host in ["127.0.0.1", "[::1]", "[::ffff:7f00:1]"] {
                let kind = await kind {
                    try await careful.withResponse(HTTPClientRequest(url: "http://\(host):\(port)/")) { _ in }
                }
                #expect(kind == .blocked)
            }
            let socket = await kind {
                try await careful.withResponse(HTTPClientRequest(url: "http://a/", unixSocketPath: "/tmp/x")) { _ in }
            }
            #expect(socket == .blocked)
        }
    }

    @Test func triesEveryAddress() async throws {
        try await withListener { listener in
            let resolver = Resolver { _, port in
                [
                    try SocketAddress(ipAddress: "127.0.0.9", port: 1),
                    try SocketAddress(ipAddress: "127.0.0.1", port: port),
                ]
            }
            let request = HTTPClientRequest(url: "http://two.example:\(listener.port ?? 0)/")
            let status = try await HTTPClient(group: testGroup, resolver: resolver).withResponse(request) { $0.status }
            #expect(status == 200)
        }
        let closed = HTTPClientRequest(url: "http://127.0.0.1:1/")
        #expect(await kind { try await client.withResponse(closed) { _ in } } == .connect)
    }

    @Test func refusesHeadersThatCanNotBeSent() async throws {
        let request = HTTPClientRequest(url: "http://127.0.0.1:1/", headers: [("X-A", "1\r\nX-B: 2")])
        #expect(await kind { try await client.withResponse(request) { _ in } } == .malformed)
    }
}
