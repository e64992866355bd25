import JarvisCore
import JarvisKit
import Synchronization

/// What every `Provider` must keep. Each function returns the breaches it saw; a test expects none.
package enum ProviderContract {
    /// A provider that answers: text or calls come, `finished` is the last event and comes once.
    package static func answers(_ provider: any Provider, request: ModelRequest = request()) async -> [String] {
        var breaches: [String] = []
        if provider.id.isEmpty { breaches.append("id is empty") }
        let events = Mutex<[ProviderEvent]>([])
        do {
            try await provider.respond(to: request) { event in events.withLock { $0.append(event) } }
        } catch {
            return breaches + ["threw \(error)"]
        }
        let seen = events.withLock { $0 }
        let ends = seen.filter { if case .finished = $0 { true } else { false } }
        if ends.count != 1 { breaches.append("finished came \(ends.count) times") }
        if case .finished = seen.last {} else { breaches.append("the last event is not finished") }
        let hasContent = seen.contains { event in
            switch event {
            case .textDelta(let text): !text.isEmpty
            case .toolCall: true
            default: false
            }
        }
        if !hasContent { breaches.append("neither text nor a tool call came") }
        let ids = seen.compactMap { if case .toolCall(let call) = $0 { call.id } else { nil } }
        if Set(ids).count != ids.count || ids.contains("") { breaches.append("tool calls without ids of their own") }
        for case .toolCall(let call) in seen where call.arguments.objectValue == nil {
            breaches.append("the arguments of \(call.name) are no object")
        }
        let asks = seen.contains { if case .finished(.toolUse) = $0 { true } else { false } }
        if asks != !ids.isEmpty { breaches.append("finished(toolUse) and tool calls don't match") }
        return breaches
    }

    /// A provider that fails: it throws `reason`, tells no `finished`, and its message shows none of `secrets`.
    package static func fails(
        _ provider: any Provider, reason: ProviderError.Reason, secrets: [String] = [],
        request: ModelRequest = request()
    ) async -> [String] {
        let finished = Mutex(false)
        do {
            try await provider.respond(to: request) { event in
                if case .finished = event { finished.withLock { $0 = true } }
            }
            return ["did not throw"]
        } catch {
            var breaches: [String] = []
            if error.reason != reason { breaches.append("threw \(error) instead of \(reason)") }
            if finished.withLock({ $0 }) { breaches.append("told finished and threw") }
            if error.message.isEmpty { breaches.append("no message") }
            if error.message.count > 500 { breaches.append("a message of \(error.message.count) characters") }
            for secret in secrets where error.description.contains(secret) { breaches.append("shows a secret") }
            return breaches
        }
    }

    /// A provider that is silent: cancelling the task ends it with `cancelled` and without `finished`. The test's time
    /// limit catches one that stays.
    package static func stopsWhenCancelled(
        _ provider: any Provider, request: ModelRequest = request()
    ) async -> [String] {
        await withTaskGroup(of: [String].self) { group in
            group.addTask {
                do throws(ProviderError) {
                    try await provider.respond(to: request) { _ in }
                    return ["did not throw"]
                } catch {
                    return error.reason == .cancelled ? [] : ["threw \(error) instead of cancelled"]
                }
            }
            await Task.yield()
            group.cancelAll()
            return await group.reduce(into: []) { $0 += $1 }
        }
    }

    /// A plain request.
    package static func request(
        _ text: String = "hello", model: ModelDescriptor? = nil, tools: [ToolDefinition] = []
    ) -> ModelRequest {
        ModelRequest(
            model: model ?? ModelDescriptor(provider: "test", id: "model", api: "test"), system: "Be short.",
            messages: [.user(content: [.text(text)], timestamp: 1)], tools: tools, runId: "run-1",
            sessionKey: .main())
    }
}
