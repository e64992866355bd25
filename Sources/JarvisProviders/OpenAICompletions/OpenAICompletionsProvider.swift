import JarvisCore
import JarvisKit
import Synchronization

/// The provider for every server that speaks `openai-completions`.
package struct OpenAICompletionsProvider: Provider {
    /// The dialect's name in the configuration.
    package static let api = "openai-completions"

    /// The id in the configuration.
    package let id: String
    private let settings: CompletionsSettings
    private let transport: any CompletionsTransport
    private let clock: WallClock

    /// A provider `id` with `settings`, which sends through `transport`.
    package init(
        id: String, settings: CompletionsSettings, transport: any CompletionsTransport, clock: WallClock = .system
    ) {
        self.id = id
        self.settings = settings
        self.transport = transport
        self.clock = clock
    }

    /// Runs one turn.
    package func respond(
        to request: ModelRequest, emit: @Sendable (ProviderEvent) async -> Void
    ) async throws(ProviderError) {
        let body = JSONWriter.encode(CompletionsRequestBody.make(request, settings: settings))
        let reading = Mutex(CompletionsReading(settings: settings, runId: request.runId, clock: clock))
        do {
            try await transport.post(url: settings.endpoint, headers: headers, body: body) { frame in
                let step = reading.withLock { $0.receive(frame) }
                for event in step.events { await emit(event) }
                return step.continues
            }
        } catch {
            // Some servers drop the connection right behind the last event; the answer is complete nevertheless.
            guard error.reason == .network, reading.withLock(\.isComplete) else { throw error }
        }
        if Task.isCancelled { throw ProviderError(.cancelled, "The request was stopped.") }
        for event in try reading.withLock({ (reading) throws(ProviderError) in try reading.end() }) {
            await emit(event)
        }
    }

    private var headers: [(String, String)] {
        var headers = [("Content-Type", "application/json"), ("Accept", "text/event-stream")]
        let replaced = settings.headers.contains { $0.name.lowercased() == "authorization" }
        if settings.sendsAuthorization, !replaced, let key = settings.apiKey {
            headers.append(("Authorization", "Bearer \(key.secret)"))
        }
        return headers + settings.headers.map { ($0.name, $0.value.secret) }
    }
}

/// Decides frame by frame what an HTTP answer means: status first, then content type, then the stream. No I/O.
struct CompletionsReading: Sendable {
    private var machine: CompletionsStreamMachine
    private let secrets: [String]
    private let clock: WallClock
    private var status: Int?
    private var contentType = ""
    private var retryAfter: String?
    private var failure: ProviderError?

    init(settings: CompletionsSettings, runId: String, clock: WallClock) {
        secrets = settings.secrets
        let unique = Identifiers.randomHex(bytes: 6)
        machine = CompletionsStreamMachine(callPrefix: "call_\(unique)", secrets: secrets)
        self.clock = clock
    }

    /// Whether the answer says that it is complete, even if the stream doesn't.
    var isComplete: Bool { failure == nil && machine.sawFinishReason }

    /// What one frame brings; `continues` is false when nothing more needs to be read.
    mutating func receive(_ frame: CompletionsFrame) -> (events: [ProviderEvent], continues: Bool) {
        do throws(ProviderError) {
            let events = try read(frame)
            return (events, !machine.isFinished)
        } catch {
            failure = error
            return ([], false)
        }
    }

    /// The answer is over.
    ///
    /// - Throws: Why it is no complete answer.
    mutating func end() throws(ProviderError) -> [ProviderEvent] {
        if let failure { throw failure }
        guard let status else { throw ProviderError(.network, "The provider closed the connection without an answer.") }
        guard (200..<300).contains(status) else { throw statusFailure(status, body: []) }
        return try machine.end()
    }

    private mutating func read(_ frame: CompletionsFrame) throws(ProviderError) -> [ProviderEvent] {
        switch frame {
        case .head(let status, let contentType, let retryAfter):
            self.status = status
            self.contentType = contentType?.lowercased() ?? ""
            self.retryAfter = retryAfter
            return []
        case .event(let data):
            return try machine.receive(data)
        case .body(let bytes):
            let status = status ?? 0
            guard (200..<300).contains(status) else { throw statusFailure(status, body: bytes) }
            if contentType.contains("json") || bytes.isEmpty { return try machine.document(bytes) }
            let kind = contentType.isEmpty ? "no content type" : contentType.prefix(80)
            throw ProviderError(
                .malformed, "The provider answered with \(kind) instead of an event stream. Check its base URL.",
                status: status)
        }
    }

    private func statusFailure(_ status: Int, body: [UInt8]) -> ProviderError {
        CompletionsFailure.status(status, body: body, retryAfter: retryAfter, now: clock.now(), secrets: secrets)
    }
}
