import JarvisCore
import JarvisKit
import Synchronization

/// A provider that plays one script a turn and remembers what it was asked.
package final class ScriptedProvider: Provider, TurnRunner {
    /// One step of a script.
    package enum Step: Sendable {
        /// Tell this.
        case event(ProviderEvent)
        /// Fail.
        case fail(ProviderError)
        /// Wait until the task is cancelled, then fail as a provider must.
        case hang
        /// Wait and ignore cancellation, as no provider should, until the test calls `release`.
        case hangHard
    }

    private struct State {
        var scripts: [[Step]]
        var requests: [ModelRequest] = []
        var held: [CheckedContinuation<Void, Never>] = []
        var isReleased = false
    }

    /// The id in the configuration.
    package let id: String
    private let state: Mutex<State>

    /// Plays `scripts` turn by turn; the last one is repeated.
    package init(_ scripts: [[Step]], id: String = "scripted") {
        self.id = id
        state = Mutex(State(scripts: scripts))
    }

    /// Always answers `text`.
    package convenience init(text: String, id: String = "scripted") {
        self.init([Self.answer(text)], id: id)
    }

    /// The script of a plain answer.
    package static func answer(_ text: String, usage: Usage = Usage(input: 3, output: 2)) -> [Step] {
        [.event(.textDelta(text)), .event(.usage(usage)), .event(.finished(.stop))]
    }

    /// The script of a turn that asks for tools.
    package static func calls(_ calls: ToolCall..., text: String? = nil) -> [Step] {
        let said = text.map { [Step.event(.textDelta($0))] } ?? []
        return said + calls.map { .event(.toolCall($0)) }
            + [.event(.usage(Usage(input: 5, output: 1))), .event(.finished(.toolUse))]
    }

    /// What was asked so far.
    package var requests: [ModelRequest] { state.withLock(\.requests) }

    /// Lets `hangHard` go on.
    package func release() {
        let held = state.withLock { state in
            state.isReleased = true
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Plays the next script.
    package func respond(
        to request: ModelRequest, emit: @Sendable (ProviderEvent) async -> Void
    ) async throws(ProviderError) {
        let steps = state.withLock { state in
            state.requests.append(request)
            return state.scripts.count > 1 ? state.scripts.removeFirst() : state.scripts.first ?? []
        }
        for step in steps {
            if case .hangHard = step {
                await hold()
                continue
            }
            if Task.isCancelled { throw ProviderError(.cancelled, "stopped") }
            switch step {
            case .event(let event): await emit(event)
            case .fail(let error): throw error
            case .hang:
                try? await Task.sleep(for: .seconds(3600))  // it ends by cancellation only
                throw ProviderError(.cancelled, "stopped")
            case .hangHard: break
            }
        }
    }

    /// Plays the next script as a turn without failover.
    package func runTurn(
        _ request: ModelRequest, mayShrink: Bool, emit: @escaping @Sendable (TurnEvent) async -> Void
    ) async throws(ProviderError) {
        await emit(.answering(request.model))
        try await respond(to: request) { await emit(.provider($0)) }
    }

    private func hold() async {
        await withCheckedContinuation { continuation in
            let isReleased = state.withLock { state in
                if !state.isReleased { state.held.append(continuation) }
                return state.isReleased
            }
            if isReleased { continuation.resume() }
        }
    }
}
