import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import JarvisNet

@Suite(.timeLimit(.minutes(1))) struct HTTPServerTests {
    private func exchange(
        _ text: String, _ delegate: TestDelegate = TestDelegate(), limits: ServerLimits = ServerLimits()
    ) async throws -> String {
        var answer = ""
        try await withListener(delegate, limits: limits) { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send(text)
            answer = await client.readToEnd()
            try await client.close()
        }
        return answer
    }

    private func status(_ text: String) -> Int { Int(text.dropFirst(9).prefix(3)) ?? 0 }

    @Test func answersWithItsOwnHeaders() async throws {
        let answer = try await exchange("GET /a%20b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.contains("X-Content-Type-Options: nosniff\r\n"))
        #expect(answer.contains("Referrer-Policy: no-referrer\r\n"))
        #expect(answer.contains("Connection: close\r\n"))
        #expect(answer.hasSuffix("\r\n\r\nGET /a b 0"))
    }

    @Test func answersHeadWithoutABody() async throws {
        let answer = try await exchange("HEAD /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        #expect(answer.contains("Content-Length: 9\r\n"))
        #expect(answer.hasSuffix("\r\n\r\n"))
    }

    @Test func refusesHeaderInjection() async throws {
        let delegate = TestDelegate(onRequest: { _, loop in
            loop.makeSucceededFuture(
                .text(
                    "x", headers: [("X-A", "1\r\nX-Evil: 1"), ("X-B\r\n", "2"), ("Content-Length", "9"), ("X-C", "3")]))
        })
        let answer = try await exchange("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", delegate)
        #expect(!answer.contains("Evil"))
        #expect(!answer.contains("X-B"))
        #expect(answer.contains("X-C: 3\r\n"))
        #expect(answer.contains("Content-Length: 1\r\n"))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost.\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("GARBAGE\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    ])
    func refuses(_ request: String, _ expected: Int) async throws {
        let answer = try await exchange(request)
        #expect(status(answer) == expected, "\(answer)")
        #expect(answer.contains("Connection: close\r\n"))
    }

    @Test func takesTheAbsoluteFormOfItsOwnHost() async throws {
        let answer = try await exchange("GET http://a:80/x?y=1 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n")
        #expect(answer.hasSuffix("GET /x 0"))
    }

    @Test func limitsHeaders() async throws {
        let many = (0..<101).map { "X-\($0): 1\r\n" }.joined()
        #expect(status(try await exchange("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n")) == 431)
        let large = "X: " + String(repeating: "a", count: 17_000) + "\r\n"
        #expect(status(try await exchange("GET / HTTP/1.1\r\nHost: a\r\n\(large)\r\n")) == 431)
        let path = "/" + String(repeating: "a", count: 100_000)
        #expect(status(try await exchange("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")) == 431)
        let fine = (0..<98).map { "X-\($0): 1\r\n" }.joined()
        #expect(status(try await exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(fine)\r\n")) == 200)
    }

    @Test func limitsChunkedBodies() async throws {
        let chunk = "200\r\n" + String(repeating: "a", count: 512) + "\r\n"
        let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        let fine = try await exchange(head + chunk + chunk + "0\r\n\r\n")
        #expect(fine.contains("POST / 1024"))
        #expect(status(try await exchange(head + chunk + chunk + chunk)) == 413)
    }

    @Test func refusesBeforeTheBodyIsSent() async throws {
        let delegate = TestDelegate(onHead: { _ in .refuse(.text("no", status: 401)) })
        let answer = try await exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", delegate)
        #expect(status(answer) == 401)
    }

    @Test func keepsTheConnectionWhenARefusedRequestHasNoBody() async throws {
        let delegate = TestDelegate(onHead: {
            $0.path == "/no" ? .refuse(.text("no", status: 401)) : .accept(bodyLimit: 0)
        })
        let answer = try await exchange(
            "GET /no HTTP/1.1\r\nHost: a\r\n\r\nGET /yes HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", delegate)
        #expect(answer.contains("401"))
        #expect(answer.hasSuffix("GET /yes 0"))
    }

    @Test func saysContinueOnce() async throws {
        try await withListener { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n")
            #expect(await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("abc")
            #expect(await client.readToEnd().hasSuffix("POST / 3"))
        }
    }

    @Test func answersPipelinedRequestsInOrder() async throws {
        // Every second answer comes late.
        let delegate = TestDelegate(onRequest: { request, loop in
            let answer = HTTPServerResponse.text("<\(request.path)>")
            let number = Int(request.path.dropFirst()) ?? 0
            return number % 2 == 0
                ? loop.makeSucceededFuture(answer) : loop.scheduleTask(in: .milliseconds(2)) { answer }.futureResult
        })
        let requests = (0..<40).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        let answer = try await exchange(
            requests + "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", delegate)
        let order = answer.split(separator: "<").dropFirst().compactMap { $0.split(separator: ">").first }
        #expect(order == (0..<40).map { "/\($0)" } + ["/last"])
    }

    @Test func answersThoseBeforeABrokenRequest() async throws {
        let delegate = TestDelegate(onRequest: { request, loop in
            loop.scheduleTask(in: .milliseconds(5)) { .text("<\(request.path)>") }.futureResult
        })
        let answer = try await exchange("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nBROKEN\r\n\r\n", delegate)
        #expect(answer.contains("</1>"))
        #expect(answer.contains("HTTP/1.1 400"))
    }

    @Test func answersAClientThatHasFinishedSending() async throws {
        let delegate = TestDelegate(onRequest: { _, loop in
            loop.scheduleTask(in: .milliseconds(20)) { .text("late") }.futureResult
        })
        try await withListener(delegate) { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.halfClose()
            #expect(await client.readToEnd().hasSuffix("late"))
        }
    }

    @Test func answersAFailedFutureWithoutDetail() async throws {
        struct Secret: Error { var text = "hunter2" }
        let delegate = TestDelegate(onRequest: { _, loop in loop.makeFailedFuture(Secret()) })
        let answer = try await exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", delegate)
        #expect(status(answer) == 500)
        #expect(!answer.contains("hunter2"))
    }

    @Test func cutsSlowHeadsAndBodies() async throws {
        #expect(status(try await exchange("GET / HT", limits: quickLimits())) == 408)
        #expect(
            status(
                try await exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", limits: quickLimits()))
                == 408)
        var idleLimits = ServerLimits()
        idleLimits.keepAliveIdle = .milliseconds(50)
        idleLimits.sweepInterval = .milliseconds(20)
        // Idle after an answer: closed without a word.
        let idle = try await exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n", limits: idleLimits)
        #expect(idle.hasSuffix("GET / 0"))
    }

    @Test func streams() async throws {
        let delegate = TestDelegate(onRequest: { _, loop in
            loop.makeSucceededFuture(
                .stream(contentType: "text/event-stream") { writer in
                    writer.write(Array("data: 1\n\n".utf8))
                    loop.scheduleTask(in: .milliseconds(5)) {
                        writer.write(Array("data: 2\n\n".utf8))
                        writer.end()
                        writer.end()
                    }
                })
        })
        let answer = try await exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", delegate)
        #expect(answer.hasSuffix("\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"))
    }

    @Test func streamsWhatItPromised() async throws {
        let delegate = TestDelegate(onRequest: { request, loop in
            loop.makeSucceededFuture(
                .stream(contentType: "text/plain", length: 10) { writer in
                    writer.write(Array("12345".utf8))
                    if request.path == "/long" { writer.write(Array("67890 and more".utf8)) }
                    writer.whenTaken { writer.end() }
                })
        })
        let whole = try await exchange(
            "GET /long HTTP/1.1\r\nHost: a\r\n\r\nHEAD /long HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", delegate
        )
        let answers = whole.components(separatedBy: "HTTP/1.1 200 OK\r\n")
        #expect(answers.count == 3 && answers[1].hasSuffix("\r\n\r\n1234567890") && answers[2].hasSuffix("\r\n\r\n"))
        #expect(whole.components(separatedBy: "Content-Length: 10\r\n").count == 3 && !whole.contains("chunked"))
        // What is shorter than promised ends the connection: the second request has no answer.
        let short = try await exchange(
            "GET /short HTTP/1.1\r\nHost: a\r\n\r\nGET /long HTTP/1.1\r\nHost: a\r\n\r\n", delegate)
        #expect(short.hasSuffix("\r\n\r\n12345"))
    }

    @Test func waitsForASlowReader() async throws {
        let most = Mutex(0)
        let delegate = TestDelegate(onRequest: { _, loop in
            loop.makeSucceededFuture(
                .stream(contentType: "text/plain", length: 32 << 20) { writer in
                    @Sendable func more(_ left: Int) {
                        guard left > 0 else { return writer.end() }
                        writer.write([UInt8](repeating: 7, count: 1 << 18))
                        most.withLock { $0 = max($0, writer.bufferedBytes) }
                        writer.whenTaken { loop.execute { more(left - 1) } }
                    }
                    more(128)
                })
        })
        let answer = try await exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", delegate)
        #expect(answer.utf8.count > 32 << 20)
        #expect(most.withLock { $0 } <= 1 << 20)
    }

    @Test func tellsAStreamThatThePeerIsGone() async throws {
        let gone = testGroup.next().makePromise(of: Void.self)
        let delegate = TestDelegate(onRequest: { _, loop in
            loop.makeSucceededFuture(
                .stream(contentType: "text/plain") { writer in
                    writer.write(Array("x".utf8))
                    writer.onPeerGone { gone.succeed(()) }
                })
        })
        try await withListener(delegate) { listener in
            let client = try await RawClient.connect(port: listener.port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await client.read(until: "x\r\n")
            try await client.close()
            try await gone.futureResult.get()
        }
    }

    @Test(arguments: [
        ("localhost", "", true), ("127.0.0.1:1", "", true), ("[::1]", "", true), ("evil.example", "", false),
        ("localhost", "X-Forwarded-For: 127.0.0.1\r\n", false), ("localhost", "forwarded: for=1.2.3.4\r\n", false),
        ("localhost", "X-Real-IP: 127.0.0.1\r\n", false), ("localhost", "Tailscale-User-Login: a\r\n", false),
    ])
    func knowsLocalDirectRequests(_ host: String, _ header: String, _ local: Bool) async throws {
        let delegate = TestDelegate(onRequest: { request, loop in
            loop.makeSucceededFuture(.text(request.isLocalDirect ? "local" : "remote"))
        })
        let answer = try await exchange(
            "GET / HTTP/1.1\r\nHost: \(host)\r\n\(header)Connection: close\r\n\r\n", delegate)
        #expect(answer.hasSuffix(local ? "local" : "remote"))
    }

    @Test func closesEverythingAndSaysWhoHoldsThePort() async throws {
        let listener = try await Listener.tcp(host: "127.0.0.1", port: 0, group: testGroup, delegate: TestDelegate())
        let port = try #require(listener.port)
        await #expect {
            _ = try await Listener.tcp(host: "127.0.0.1", port: port, group: testGroup, delegate: TestDelegate())
        } throws: {
            "\($0)".hasPrefix("net.bind.in_use") && "\($0)".contains("127.0.0.1:\(port)")
        }
        let client = try await RawClient.connect(port: listener.port)
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = await client.read(until: "GET / 0")
        await listener.close()
        _ = await client.readToEnd()
    }

    @Test func servesUnixSocketsAndKnowsThePeer() async throws {
        let path = "/tmp/jarvis-net-\(UInt64.random(in: 0...UInt64.max)).sock"
        let delegate = TestDelegate(onRequest: { request, loop in
            loop.makeSucceededFuture(.text("\(request.peer) \(request.isLocalDirect)"))
        })
        let listener = try await Listener.unix(path: path, group: testGroup, delegate: delegate)
        let client = HTTPClient(group: testGroup)
        let request = HTTPClientRequest(url: "http://localhost/", unixSocketPath: path)
        let body = try await client.withResponse(request) { try await $0.collect(limit: 1000) }
        let text = String(decoding: body, as: UTF8.self)
        #expect(text.hasPrefix("unix(uid: ") && text.hasSuffix("true"), "\(text)")
        await #expect(throws: (any Error).self) {
            _ = try await Listener.unix(path: path, group: testGroup, delegate: delegate)
        }
        await listener.close()
        // A path that is no socket is left alone.
        await #expect(throws: (any Error).self) {
            _ = try await Listener.unix(path: "/tmp", group: testGroup, delegate: delegate)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct HTTPBackPressureTests {
    @Test func doesNotAnswerAheadOfAPeerThatDoesNotRead() async throws {
        let answered = Mutex(0)
        let delegate = TestDelegate(onRequest: { _, loop in
            answered.withLock { $0 += 1 }
            return loop.makeSucceededFuture(.bytes(Array(repeating: 0x61, count: 1 << 20), contentType: "text/plain"))
        })
        try await withListener(delegate) { listener in
            // A connection that never reads: its channel reads only when asked.
            let channel = try await ClientBootstrap(group: testGroup)
                .channelOption(.autoRead, value: false)
                .connect(host: "127.0.0.1", port: listener.port ?? 0).get()
            let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            for _ in 0..<200 {
                // One request a write, so that they arrive in many reads.
                channel.writeAndFlush(ByteBuffer(string: request), promise: nil)
                try await testGroup.next().submit {}.get()
            }
            try await testGroup.next().scheduleTask(in: .milliseconds(50)) {}.futureResult.get()
            let first = answered.withLock { $0 }
            #expect(first > 0 && first < 200, "\(first)")
            try await channel.close().get()
        }
    }
}
