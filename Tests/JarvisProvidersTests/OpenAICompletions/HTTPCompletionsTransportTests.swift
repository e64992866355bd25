import JarvisCore
import JarvisKit
import JarvisNet
import JarvisTestSupport
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import JarvisProviders

/// Answers every request with one canned response, or never.
private final class CannedServer: ServerDelegate {
    private let response: HTTPServerResponse?
    let paths = Mutex<[String]>([])

    init(_ response: HTTPServerResponse?) { self.response = response }

    func head(_ request: HTTPServerRequest) -> HeadDecision { .accept(bodyLimit: 1 << 20) }

    func respond(_ request: HTTPServerRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPServerResponse> {
        paths.withLock { $0.append(request.path) }
        if let response { return loop.makeSucceededFuture(response) }
        let promise = loop.makePromise(of: HTTPServerResponse.self)
        loop.scheduleTask(in: .seconds(30)) { promise.succeed(.text("late")) }
        return promise.futureResult
    }

    func upgrade(_ request: HTTPServerRequest) -> UpgradeDecision { .refuse(.text("no", status: 400)) }
}

@Suite(.timeLimit(.minutes(1))) struct HTTPCompletionsTransportTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func withProvider(
        _ response: HTTPServerResponse?, _ body: (OpenAICompletionsProvider, CannedServer) async throws -> Void
    ) async throws {
        let server = CannedServer(response)
        let listener = try await Listener.tcp(host: "127.0.0.1", port: 0, group: group, delegate: server)
        let port = try #require(listener.port)
        let provider = OpenAICompletionsProvider(
            id: "p",
            settings: CompletionsSettings(baseURL: "http://127.0.0.1:\(port)/v1", apiKey: Credential("sk-test-secret")),
            transport: HTTPCompletionsTransport(client: HTTPClient(group: group)))
        try await body(provider, server)
        await listener.close()
    }

    @Test func streamsOverASocket() async throws {
        let stream = """
            : comment\r
            data: {"choices":[{"delta":{"content":"hi"}}]}\r
            \r
            data: {"choices":[{"delta":{},"finish_reason":"stop"}]}

            data: [DONE]


            """
        let response = HTTPServerResponse.bytes(Array(stream.utf8), contentType: "text/event-stream")
        try await withProvider(response) { provider, server in
            #expect(await ProviderContract.answers(provider) == [])
            #expect(server.paths.withLock { $0 } == ["/v1/chat/completions"])
        }
    }

    @Test func mapsFailures() async throws {
        let refused = HTTPServerResponse.json(["error": ["message": "bad key sk-test-secret"]], status: 401)
        try await withProvider(refused) { provider, _ in
            #expect(await ProviderContract.fails(provider, reason: .auth, secrets: ["sk-test-secret"]) == [])
        }
        let cut = HTTPServerResponse.bytes(
            Array("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n".utf8), contentType: "text/event-stream")
        try await withProvider(cut) { provider, _ in
            #expect(await ProviderContract.fails(provider, reason: .malformed) == [])
        }
        try await withProvider(.text("hello")) { provider, _ in
            #expect(await ProviderContract.fails(provider, reason: .malformed) == [])
        }
    }

    @Test func nobodyListens() async throws {
        let provider = OpenAICompletionsProvider(
            id: "p", settings: CompletionsSettings(baseURL: "http://127.0.0.1:1/v1"),
            transport: HTTPCompletionsTransport(client: HTTPClient(group: group)))
        #expect(await ProviderContract.fails(provider, reason: .network) == [])
        let nonsense = OpenAICompletionsProvider(
            id: "p", settings: CompletionsSettings(baseURL: "no url"),
            transport: HTTPCompletionsTransport(client: HTTPClient(group: group)))
        #expect(await ProviderContract.fails(nonsense, reason: .format) == [])
    }

    @Test func cancellingClosesTheConnection() async throws {
        try await withProvider(nil) { provider, _ in
            #expect(await ProviderContract.stopsWhenCancelled(provider) == [])
        }
    }
}
