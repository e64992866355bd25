import Testing

@testable import JarvisNet

@Suite("Forward proxy under attack", .timeLimit(.minutes(1)))
struct ForwardProxyAttackTests {
    @Test("The field Connection takes neither length nor host out of a message")
    func keepsFraming() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send(
                """
                POST http://a.example/1 HTTP/1.1\r\nHost: a.example\r\nConnection: Content-Length, host\r\nContent-Length: 37\r
                \r\nGET /smuggled HTTP/1.1\r\nHost: inside\r\n\r\n
                """)
            let upstream = try await server.next()
            let head = await upstream.read(until: "inside")
            #expect(head.hasPrefix("POST /1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 37\r\n\r\nGET /smuggled"))
            try await upstream.send(
                "HTTP/1.1 200 OK\r\nConnection: content-length, keep-alive\r\nContent-Length: 2\r\n\r\nok")
            #expect(await client.read(until: "\r\n\r\nok") == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            try await client.send("GET http://a.example/2 HTTP/1.1\r\nHost: a.example\r\n\r\n")
            #expect(await upstream.read(until: "/2 ").hasSuffix("GET /2 HTTP/1.1\r\nHost: a.example\r\n\r\n"))
            try await client.close()
        }
        await server.close()
    }

    @Test(
        "A message whose end two readers would see in two places goes no further",
        arguments: [
            "Content-Length: 3\r\nContent-Length: 4", "Content-Length: 3, 4", "Content-Length: +3",
            "Content-Length: 0x3",
            "Content-Length: 3\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Content-Length : 3",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", " Transfer-Encoding: chunked",
            "X: a\r\n Transfer-Encoding: chunked", "X: a\nTransfer-Encoding: chunked\n", "X: \u{0}", "X\u{1}: a",
        ])
    func refusesAmbiguousRequests(fields: String) async throws {
        let server = try await RawServer()
        let asked = Asked()
        try await withProxy(to: server.port, asked: asked) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send(
                "POST http://a.example/ HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n0\r\n\r\nGET http://b.example/ HTTP/1.1\r\n\r\n"
            )
            try await client.halfClose()
            _ = await client.readToEnd()
            #expect(asked.targets.withLock { $0.contains { $0.host == "b.example" } } == false, "\(fields)")
        }
        await server.close()
    }

    @Test("Answers that nobody asked for reach nobody")
    func dropsUnsolicitedAnswers() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("GET http://a.example/1 HTTP/1.1\r\nHost: a.example\r\n\r\n")
            let upstream = try await server.next()
            _ = await upstream.read(until: "\r\n\r\n")
            try await upstream.send(
                """
                HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nownHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfor a bad\
                HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnext one
                """)
            #expect(await client.read(until: "own").hasSuffix("own"))
            // That connection is done with; the next request has one of its own.
            #expect(await upstream.readToEnd().hasSuffix("\r\n\r\n"))
            try await client.send("GET http://b.example/2 HTTP/1.1\r\nHost: b.example\r\n\r\n")
            let other = try await server.next()
            #expect(await other.read(until: "\r\n\r\n").hasPrefix("GET /2 "))
            try await other.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright")
            let all = await client.read(until: "right")
            #expect(!all.contains("bad") && !all.contains("next one"), "\(all)")
            try await client.close()
        }
        await server.close()
    }

    @Test(
        "A server without measure is cut off",
        arguments: [
            ("HTTP/1.1 200 ", "a"), ("HTTP/1.1 200 OK\r\nX: ", "a"), ("HTTP/1.1 200 OK\r\n", "X: a\r\n"),
            ("HTTP/1.1 200 OK\r\n", "aaaaaaaa"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: a\r\n"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "f"),
            ("HTTP/1.1 100 Continue\r\nX: ", "a"), ("", "a"), ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        ])
    func boundsServers(start: String, again: String) async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n")
            let upstream = try await server.next()
            _ = await upstream.read(until: "\r\n\r\n")
            await sendUntilCutOff(upstream, start: start, again: again)
            let answer = await client.readToEnd()
            #expect(answer.hasPrefix("HTTP/1.1 502 ") || answer.hasPrefix("HTTP/1.1 200 "), "\(answer.prefix(200))")
        }
        await server.close()
    }

    @Test(
        "A client without measure is cut off",
        arguments: [
            ("", "A"), ("GET http://a.example/", "a"), ("GET http://a.example/ HTTP/1.1\r\nHost: a\r\nX: ", "a"),
            ("GET http://a.example/ HTTP/1.1\r\nHost: a\r\n", "X: a\r\n"), ("CONNECT ", "a"),
            ("CONNECT a.example:443 HTTP/1.1\r\n", "X: a\r\n"),
            ("POST http://a.example/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: a\r\n"),
            ("POST http://a.example/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "f"),
        ])
    func boundsClients(start: String, again: String) async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            await sendUntilCutOff(client, start: start, again: again)
            _ = await client.readToEnd()
        }
        await server.close()
    }

    /// Sends the same again and again until the other end hangs up.
    private func sendUntilCutOff(_ sender: RawClient, start: String, again: String) async {
        let piece = Array(String(repeating: again, count: (256 << 10) / again.utf8.count).utf8)
        do {
            try await sender.send(start)
            while true { try await sender.send(piece) }
        } catch {
            // As it should be.
        }
    }

    @Test("A server can't speak with the proxy's voice")
    func keepsItsMark() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n")
            let upstream = try await server.next()
            _ = await upstream.read(until: "\r\n\r\n")
            try await upstream.send(
                "HTTP/1.1 403 Forbidden\r\nX-Jarvis-Refusal: 1\r\nx-jarvis-refusal: 2\r\nContent-Length: 4\r\n\r\nlies")
            let answer = await client.read(until: "lies")
            #expect(answer == "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nlies")
            try await client.close()
        }
        await server.close()
    }

    @Test("A client that ends its side gets its answer, and its connection ends with it")
    func answersHalfClosed() async throws {
        let server = try await RawServer()
        try await withProxy(to: server.port) { proxy in
            let client = try await RawClient.connect(port: proxy.port)
            try await client.send("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n")
            let upstream = try await server.next()
            _ = await upstream.read(until: "\r\n\r\n")
            try await client.halfClose()
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            #expect(await client.readToEnd().hasSuffix("\r\n\r\nok"))
            #expect(await upstream.readToEnd().hasSuffix("\r\n\r\n"))
        }
        await server.close()
    }
}
