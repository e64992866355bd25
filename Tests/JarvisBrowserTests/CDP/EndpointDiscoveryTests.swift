import JarvisCore
import JarvisNet
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import JarvisBrowser

/// An HTTP server that answers every connection with the same bytes and keeps what it was asked.
private final class CannedServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let asked: Asked

    final class Asked: Sendable { let text = Mutex("") }

    private init(channel: any Channel, asked: Asked) {
        self.channel = channel
        self.asked = asked
        port = channel.localAddress?.port ?? 0
    }

    var request: String { asked.text.withLock { $0 } }

    /// - Parameter drips: a byte every 20 ms, without end.
    static func start(_ answer: String, drips: Bool = false) async throws -> CannedServer {
        let asked = Asked()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answer(answer, drips, asked))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CannedServer(channel: channel, asked: asked)
    }

    func stop() async throws { try await channel.close() }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: String
        private let drips: Bool
        private let asked: Asked

        init(_ answer: String, _ drips: Bool, _ asked: Asked) {
            self.answer = answer
            self.drips = drips
            self.asked = asked
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            asked.text.withLock { $0 += String(decoding: buffer.readableBytesView, as: UTF8.self) }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            guard drips else { return }
            let channel = context.channel
            channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { task in
                guard channel.isActive else { return task.cancel() }
                channel.writeAndFlush(ByteBuffer(string: " "), promise: nil)
            }
        }
    }
}

private func json(_ body: String, status: String = "200 OK", more: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
}

@Suite("Asking a debugging endpoint")
struct EndpointDiscoveryTests {
    private func door(
        _ answer: String, drips: Bool = false, address: String = "http://HOST/", timeout: Duration = .seconds(10)
    ) async throws -> (door: Result<EndpointDiscovery.Door, BrowserError>, request: String, host: String) {
        let server = try await CannedServer.start(answer, drips: drips)
        let host = "127.0.0.1:\(server.port)"
        let parts = address.split(separator: "HOST", maxSplits: 1, omittingEmptySubsequences: false)
        let discovery = EndpointDiscovery(
            address: try CDPAddress(parts.joined(separator: host)), timeout: timeout,
            group: MultiThreadedEventLoopGroup.singleton, check: nil)
        let result: Result<EndpointDiscovery.Door, BrowserError>
        do {
            result = .success(try await discovery.door())
        } catch let error as BrowserError {
            result = .failure(error)
        }
        let request = server.request
        try await server.stop()
        return (result, request, host)
    }

    @Test(
        "Whatever host the answer names, we stay with the one that is configured",
        arguments: [
            "ws://127.0.0.1:1/devtools/browser/a", "wss://evil.example/devtools/browser/a",
            "ws://[::1]:9/devtools/browser/a",
        ])
    func authority(_ named: String) async throws {
        let (result, request, host) = try await door(json(#"{"Browser":"X/1","webSocketDebuggerUrl":"\#(named)"}"#))
        let door = try result.get()
        #expect(door.url == "ws://\(host)/devtools/browser/a" && door.headers.isEmpty && door.product == "X/1")
        #expect(request.hasPrefix("GET /json/version HTTP/1.1\r\n") && !request.lowercased().contains("\norigin:"))
    }

    @Test("User, password and query go where they are configured for, and into no message")
    func credentials() async throws {
        let (result, request, host) = try await door(
            json(#"{"webSocketDebuggerUrl":"ws://x/devtools/browser/a"}"#),
            address: "http://u:p%40ss@HOST/base?token=canary")
        let door = try result.get()
        #expect(request.hasPrefix("GET /base/json/version?token=canary HTTP/1.1\r\n"))
        #expect(request.contains("Basic dTpwQHNz"))
        #expect(door.url == "ws://\(host)/devtools/browser/a?token=canary")
        #expect(door.headers.map(\.1) == ["Basic dTpwQHNz"])
        let (refused, _, _) = try await self.door(
            json("{}", status: "401 No"), address: "http://u:p%40ss@HOST/?token=canary")
        guard case .failure(let error) = refused else {
            Issue.record("it was let in")
            return
        }
        #expect(!error.message.contains("canary") && !error.message.contains("ss@") && error.message.contains("401"))
    }

    @Test(
        "A hostile answer is an error with the reason",
        arguments: [
            (json("", status: "302 Found", more: "Location: http://169.254.169.254/\r\n"), "redirect"),
            (json("<html>"), "no JSON object"), (json("[]"), "no JSON object"), (json("{}"), "webSocketDebuggerUrl"),
            (json(#"{"webSocketDebuggerUrl":"file:///etc/passwd"}"#), "no WebSocket address"),
            (json(#"{"webSocketDebuggerUrl":"ws://u:p@h/"}"#), "no WebSocket address"),
            (json("{}", status: "500 No"), "HTTP 500"), ("SSH-2.0-OpenSSH\r\n", "can't be connected to"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + String(repeating: "x", count: 2 << 20),
                "can't be connected to"
            ),
        ])
    func hostile(_ answer: String, _ words: String) async throws {
        let (result, _, _) = try await door(answer)
        guard case .failure(let error) = result else {
            Issue.record("it was let in")
            return
        }
        #expect(error.message.contains(words), "\(error.message)")
    }

    @Test("One that drips keeps nobody longer than the limit for all of it")
    func drip() async throws {
        let (result, _, _) = try await door(
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{", drips: true, timeout: .milliseconds(300))
        #expect { try result.get() } throws: { ($0 as? BrowserError)?.code == "timeout" }
    }
}
