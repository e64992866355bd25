import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import JarvisNet

/// What the proxy asked its rules for.
final class Asked: Sendable {
    let targets = Mutex<[ForwardProxyTarget]>([])
}

/// A proxy that leads every name to `port` of this host, except names that begin with `no`.
func withProxy(
    to port: Int, admits: Bool = true, limits: ForwardProxyLimits = ForwardProxyLimits(), asked: Asked = Asked(),
    _ body: (ForwardProxy) async throws -> Void
) async throws {
    let rules = ForwardProxyRules(
        admits: { peer, local in admits && peer.ipAddress == "127.0.0.1" && local.ipAddress == "127.0.0.1" },
        route: { target in
            asked.targets.withLock { $0.append(target) }
            if target.host.hasPrefix("no") { throw ForwardProxyRefusal(status: 403, message: "not that way") }
            return [try SocketAddress(ipAddress: "127.0.0.1", port: port)]
        })
    let proxy = try await ForwardProxy.start(group: testGroup, rules: rules, limits: limits)
    do {
        try await body(proxy)
    } catch {
        await proxy.close()
        throw error
    }
    await proxy.close()
}

/// A server that hands each of its connections, as a raw client, to the test.
final class RawServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let accepted: AsyncStream<RawClient>

    init() async throws {
        let (stream, accept) = AsyncStream.makeStream(of: RawClient.self, bufferingPolicy: .bufferingNewest(64))
        accepted = stream
        channel = try await ServerBootstrap(group: testGroup)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    accept.yield(try RawClient.adopt(channel))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func next() async throws -> RawClient {
        for await client in accepted { return client }
        throw CancellationError()
    }

    func close() async { try? await channel.close().get() }  // it may be closed
}

@Suite("Forward proxy", .timeLimit(.minutes(1)))
struct ForwardProxyTests {
    @Test("A request is forwarded without the fields of its connection, and nothing is added")
    func forwards() async throws {
        let server = try await RawServer()
        let asked = Asked()
        try await withProxy(to: server.port, asked: asked) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send(
                """
                GET http://Site.example:8080/a/b?c=d|e HTTP/1.1\r\nHost: other.example\r\nX-One: 1\r\nConnection: x-two, keep-alive\r
                X-Two: 2\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic c2VjcmV0\r\nTE: trailers\r\nUpgrade: h2c\r
                Keep-Alive: 5\r\nCookie: a=b\r\n\r\n
                """)
            let upstream = try await server.next()
            let head = await upstream.read(until: "\r\n\r\n")
            #expect(head == "GET /a/b?c=d|e HTTP/1.1\r\nHost: Site.example:8080\r\nX-One: 1\r\nCookie: a=b\r\n\r\n")
            try await upstream.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Three: 3\r\nKeep-Alive: 9\r\nConnection: keep-alive\r\n\r\nhello"
            )
            let answer = await client.read(until: "hello")
            #expect(answer == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Three: 3\r\n\r\nhello")
            #expect(
                asked.targets.withLock { $0 } == [
                    ForwardProxyTarget(host: "site.example", port: 8080, url: "http://Site.example:8080/a/b?c=d|e")
                ])
            // The next request to the same place uses the same connection, one to another place does not.
            try await client.send("GET http://site.example:8080/2 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await upstream.read(until: "GET /2 HTTP/1.1\r\n").contains("GET /2"))
            try await upstream.send("HTTP/1.1 204 No Content\r\n\r\n")
            #expect(await client.read(until: "204 No Content\r\n\r\n").contains("204"))
            try await client.send("GET http://elsewhere.example/3 HTTP/1.1\r\nHost: x\r\n\r\n")
            let other = try await server.next()
            #expect(await other.read(until: "\r\n\r\n").hasPrefix("GET /3 HTTP/1.1\r\nHost: elsewhere.example\r\n"))
            #expect(await upstream.readToEnd().contains("GET /2"), "the first connection was not ended")
            try await other.send("HTTP/1.0 200 OK\r\n\r\nuntil the end")
            try await other.close()
            #expect(await client.read(until: "0\r\n\r\n").hasSuffix("d\r\nuntil the end\r\n0\r\n\r\n"))
            try await client.close()
        }
        await server.close()
    }

    @Test("Bodies of requests are streamed in the framing they came in")
    func streamsBodies() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send(
                "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\n12345")
            let upstream = try await server.next()
            #expect(await upstream.read(until: "12345").hasSuffix("Host: a.example\r\nContent-Length: 10\r\n\r\n12345"))
            try await client.send(
                "67890POST http://a.example/c HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
            )
            #expect(await upstream.read(until: "67890").hasSuffix("67890"))
            try await upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
            #expect(await client.read(until: "hi").hasSuffix("2\r\nhi\r\n"))
            try await upstream.send("0\r\n\r\n")
            #expect(await upstream.read(until: "abc").hasSuffix("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"))
            try await client.send("0\r\n\r\n")
            #expect(await upstream.read(until: "abc\r\n0\r\n\r\n").hasSuffix("0\r\n\r\n"))
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            _ = await client.read(until: "Content-Length: 0\r\n\r\n")
            // The answer to HEAD has a length and no body.
            try await client.send("HEAD http://a.example/h HTTP/1.1\r\nHost: a.example\r\n\r\n")
            _ = await upstream.read(until: "HEAD /h")
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
            #expect(await client.read(until: "Content-Length: 7\r\n\r\n").hasSuffix("Content-Length: 7\r\n\r\n"))
            try await client.send("GET http://a.example/g HTTP/1.1\r\nHost: a.example\r\n\r\n")
            #expect(await upstream.read(until: "GET /g").contains("GET /g"))
            try await client.close()
        }
        await server.close()
    }

    @Test("A tunnel carries bytes both ways, each end on its own")
    func tunnels() async throws {
        let server = try await RawServer()
        let asked = Asked()
        try await withProxy(to: server.port, asked: asked) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("CONNECT [2606:4700::1]:443 HTTP/1.1\r\nHost: x\r\n\r\nearly")
            let upstream = try await server.next()
            #expect(await upstream.read(until: "early") == "early")
            #expect(await client.read(until: "\r\n\r\n") == "HTTP/1.1 200 Connection established\r\n\r\n")
            try await upstream.send("down")
            _ = await client.read(until: "down")
            try await client.halfClose()
            #expect(await upstream.readToEnd() == "early")
            try await upstream.send("after the end")
            _ = await client.read(until: "after the end")
            try await upstream.close()
            #expect(await client.readToEnd().hasSuffix("downafter the end"))
            #expect(asked.targets.withLock { $0 } == [ForwardProxyTarget(host: "2606:4700::1", port: 443, url: nil)])
        }
        await server.close()
    }

    @Test("A slow reader slows the writer: what waits between them is bounded")
    func backPressure() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("CONNECT a.example:443 HTTP/1.1\r\n\r\n")
            let upstream = try await server.next()
            _ = await client.read(until: "\r\n\r\n")
            let piece = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<24 { try await upstream.send(piece) }
            try await upstream.close()
            let all = await client.readToEnd()
            #expect(all.utf8.count == 24 << 20 + 39)
        }
        await server.close()
    }

    @Test(
        "What is refused is answered with the reason, and connects nowhere",
        arguments: [
            ("GET http://no.example/ HTTP/1.1\r\nHost: x\r\n\r\n", 403, "not that way"),
            ("CONNECT no.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", 403, "not that way"),
            ("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400, "not a server"),
            ("GET https://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400, "not a server"),
            ("GET http://a.example@no.example/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "not a server"),
            ("GET http://127.1/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "not a server"),
            ("CONNECT a.example HTTP/1.1\r\n\r\n", 400, "a host and a port"),
            ("CONNECT a.example:443@no.example:1 HTTP/1.1\r\n\r\n", 400, "a host and a port"),
            ("CONNECT a.example:443 HTTP/2\r\n\r\n", 400, "a host and a port"),
            ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", 400, "no HTTP/1.1"),
            (
                "GET http://a.example/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                400, "no HTTP/1.1"
            ),
            ("CONNECT \(String(repeating: "a", count: 20_000))", 400, "too large"),
            (
                "GET http://a.example/ HTTP/1.1\r\nX: \(String(repeating: "a", count: 200_000))\r\n\r\n", 400,
                "too large"
            ),
        ])
    func refuses(request: String, status: Int, words: String) async throws {
        let server = try await RawServer()
        let asked = Asked()
        try await withProxy(to: server.port, asked: asked) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try? await client.send(request)  // it may hang up before the end
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(answer.prefix(300))")
            #expect(answer.contains(words), "\(answer.prefix(300))")
            #expect(asked.targets.withLock { $0.filter { !$0.host.hasPrefix("no") }.isEmpty })
        }
        await server.close()
    }

    @Test("Strangers are turned away")
    func turnsStrangersAway() async throws {
        try await withProxy(to: 1, admits: false) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            #expect(await client.readToEnd().hasPrefix("HTTP/1.1 403 "))
        }
        var limits = ForwardProxyLimits()
        limits.connections = 1
        try await withProxy(to: 1, limits: limits) { proxy in
            let first = try await RawClient.connect(port: proxy.port)
            try await first.send("CONNECT ")
            let second = try await RawClient.connect(port: proxy.port)
            #expect(await second.readToEnd().hasPrefix("HTTP/1.1 503 "))
            try await first.close()
        }
    }

    @Test("A server that is not there, or goes, is told")
    func tellsOfServers() async throws {
        let server = try await RawServer()
        let port = server.port
        try await withProxy(to: port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("GET http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await server.next()
            _ = await upstream.read(until: "\r\n\r\n")
            try await upstream.close()
            let answer = await client.readToEnd()
            #expect(
                answer.hasPrefix("HTTP/1.1 502 ") && answer.contains("before the answer")
                    || answer.contains("without an answer"))
            let half = try await RawClient.connect(port: proxy.port)
            try await half.send("GET http://a.example/ HTTP/1.1\r\nHost: a\r\n\r\n")
            let breaking = try await server.next()
            _ = await breaking.read(until: "\r\n\r\n")
            try await breaking.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            _ = await half.read(until: "half")
            try await breaking.close()
            #expect(await half.readToEnd().hasSuffix("half"))
            await server.close()
            let late = try await RawClient.connect(port: proxy.port)
            try await late.send("CONNECT a.example:443 HTTP/1.1\r\n\r\n")
            let refused = await late.readToEnd()
            #expect(refused.hasPrefix("HTTP/1.1 502 ") && refused.contains("Connection refused"))
        }
    }

    @Test("Connections are dropped when the rules change, and with the proxy")
    func drops() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("CONNECT a.example:443 HTTP/1.1\r\n\r\n")
            let upstream = try await server.next()
            _ = await client.read(until: "\r\n\r\n")
            proxy.dropConnections()
            _ = await client.readToEnd()
            #expect(await upstream.readToEnd().isEmpty)
        }
        await server.close()
    }
}
