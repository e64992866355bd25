import JarvisCore
import JarvisKit
import JarvisTestSupport
import Synchronization
import Testing

@testable import JarvisProviders

/// Plays frames instead of a network.
final class FakeTransport: CompletionsTransport {
    private let frames: [CompletionsFrame]
    private let failure: ProviderError?
    private let hangs: Bool
    private let seen = Mutex<[(url: String, headers: [(String, String)], body: [UInt8])]>([])

    init(_ frames: [CompletionsFrame], failure: ProviderError? = nil, hangs: Bool = false) {
        self.frames = frames
        self.failure = failure
        self.hangs = hangs
    }

    var posts: [(url: String, headers: [(String, String)], body: [UInt8])] { seen.withLock { $0 } }

    func post(
        url: String, headers: [(String, String)], body: [UInt8],
        receive: @Sendable (CompletionsFrame) async -> Bool
    ) async throws(ProviderError) {
        seen.withLock { $0.append((url, headers, body)) }
        for frame in frames {
            if await !receive(frame) { return }
        }
        if hangs {
            try? await Task.sleep(for: .seconds(3600))
            throw ProviderError(.cancelled, "stopped")
        }
        if let failure { throw failure }
    }
}

@Suite struct OpenAICompletionsProviderTests {
    private let sse = CompletionsFrame.head(status: 200, contentType: "text/event-stream", retryAfter: nil)

    private func provider(_ transport: FakeTransport, headers: [(name: String, value: Credential)] = [])
        -> OpenAICompletionsProvider
    {
        OpenAICompletionsProvider(
            id: "p",
            settings: CompletionsSettings(
                baseURL: "http://h/v1", apiKey: Credential("sk-verysecretkey"), headers: headers),
            transport: transport, clock: WallClock { 0 })
    }

    @Test func keepsTheContractOnSuccess() async {
        let transport = FakeTransport([
            sse, .event(#"{"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]}"#), .event("[DONE]"),
        ])
        #expect(await ProviderContract.answers(provider(transport)) == [])
        #expect(transport.posts[0].url == "http://h/v1/chat/completions")
        #expect(transport.posts[0].headers.contains { $0 == ("Authorization", "Bearer sk-verysecretkey") })
    }

    @Test func keepsTheContractOnFailure() async {
        let secrets = ["sk-verysecretkey"]
        let cases: [(FakeTransport, ProviderError.Reason)] = [
            (FakeTransport([]), .network),
            (FakeTransport([], failure: ProviderError(.network, "refused")), .network),
            (FakeTransport([.head(status: 500, contentType: nil, retryAfter: nil)]), .overloaded),
            (
                FakeTransport([
                    .head(status: 401, contentType: "application/json", retryAfter: nil),
                    .body(Array(#"{"error":{"message":"Incorrect API key provided: sk-verysecretkey"}}"#.utf8)),
                ]), .auth
            ),
            (FakeTransport([sse]), .malformed),
            (FakeTransport([sse, .event(#"{"choices":[{"delta":{"content":"hi"}}]}"#)]), .malformed),
            (
                FakeTransport([
                    .head(status: 200, contentType: "text/html", retryAfter: nil), .body(Array("<html>".utf8)),
                ]), .malformed
            ),
            (FakeTransport([.head(status: 200, contentType: nil, retryAfter: nil), .body([])]), .malformed),
        ]
        for (transport, reason) in cases {
            #expect(await ProviderContract.fails(provider(transport), reason: reason, secrets: secrets) == [])
        }
    }

    @Test(.timeLimit(.minutes(1))) func keepsTheContractOnCancellation() async {
        #expect(await ProviderContract.stopsWhenCancelled(provider(FakeTransport([sse], hangs: true))) == [])
    }

    @Test func readsAServerThatDoesNotStream() async {
        let transport = FakeTransport([
            .head(status: 200, contentType: "application/json; charset=utf-8", retryAfter: nil),
            .body(Array(#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#.utf8)),
        ])
        #expect(await ProviderContract.answers(provider(transport)) == [])
    }

    @Test func ownAuthorizationHeaderReplacesTheKey() async {
        let transport = FakeTransport([])
        _ = await ProviderContract.fails(
            provider(transport, headers: [("authorization", Credential("Basic abc"))]), reason: .network)
        let sent = transport.posts[0].headers.filter { $0.0.lowercased() == "authorization" }
        #expect(sent.map(\.1) == ["Basic abc"])
    }

    @Test func passesRetryAfterOn() async {
        let transport = FakeTransport([.head(status: 429, contentType: nil, retryAfter: "5")])
        await #expect(throws: ProviderError.self) {
            do throws(ProviderError) {
                try await provider(transport).respond(to: ProviderContract.request()) { _ in }
            } catch {
                #expect(error.retryAfter == .seconds(5))
                throw error
            }
        }
    }
}
