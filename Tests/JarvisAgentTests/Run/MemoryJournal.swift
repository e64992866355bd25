import JarvisCore
import JarvisKit
import Synchronization

@testable import JarvisAgent

/// A journal in memory that records what happened in which order.
final class MemoryJournal: RunJournal {
    struct State {
        var entries: [SessionKey: [ContextEntry]] = [:]
        var finished: [String: RunOutcome] = [:]
        var begun: [String] = []
        var log: [String] = []
        var failures = 0
    }

    let state = Mutex(State())

    var log: [String] { state.withLock(\.log) }
    var finished: [String: RunOutcome] { state.withLock(\.finished) }

    /// What the gateway does before it submits a run.
    func accept(_ runId: String, _ text: String, key: SessionKey = .main()) {
        state.withLock { state in
            let entry = ContextEntry(
                id: "u-\(runId)", runId: runId, kind: .message(.user(content: [.text(text)], timestamp: 1)))
            state.entries[key, default: []].append(entry)
        }
    }

    func note(_ text: String) { state.withLock { $0.log.append(text) } }

    func texts(_ key: SessionKey = .main()) -> [String] {
        state.withLock { state in
            (state.entries[key] ?? []).compactMap { entry in
                guard case .message(let message) = entry.kind else { return nil }
                switch message {
                case .user: return "user:\(message.plainText)"
                case .assistant: return "assistant:\(message.plainText)"
                case .toolResult: return "tool:\(message.plainText)"
                }
            }
        }
    }

    func failNextFinishes(_ count: Int) { state.withLock { $0.failures = count } }

    func beginRun(_ runId: String) async throws {
        try state.withLock { state in
            if state.finished[runId] != nil { throw JarvisError("run.ended", "The run \(runId) has ended.") }
            state.begun.append(runId)
            state.log.append("begin \(runId)")
        }
    }

    func context(runId: String, sessionKey: SessionKey) async throws -> [ContextEntry] {
        state.withLock { $0.entries[sessionKey] ?? [] }
    }

    func append(_ messages: [Message], runId: String, sessionKey: SessionKey) async throws {
        state.withLock { state in
            state.log.append("append \(runId) \(messages.count)")
            add(messages, runId: runId, key: sessionKey, to: &state)
        }
    }

    func toolBegins(_ record: ToolBeginning, runId: String, sessionKey: SessionKey) async throws {
        note("begins \(record.tool) \(record.risk.rawValue): \(record.why)")
        noteBeginning(record.callId, runId: runId, key: sessionKey)
    }

    func noteBeginning(_ callId: String, runId: String, key: SessionKey = .main()) {
        state.withLock { state in
            let entry = ContextEntry(id: "b-\(callId)", runId: runId, kind: .toolBegan(callId: callId))
            state.entries[key, default: []].append(entry)
        }
    }

    func finishRun(_ runId: String, outcome: RunOutcome, entries: [Message]) async throws {
        try state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw JarvisError("store.failed", "The disk is full.")
            }
            guard state.finished[runId] == nil else { return }
            state.finished[runId] = outcome
            state.log.append("finish \(runId) \(outcome.status.rawValue)")
            let key = state.entries.first { $0.value.contains { $0.runId == runId } }?.key ?? .main()
            add(entries, runId: runId, key: key, to: &state)
        }
    }

    private func add(_ messages: [Message], runId: String, key: SessionKey, to state: inout State) {
        for message in messages {
            let id = "e-\(state.entries[key]?.count ?? 0)"
            state.entries[key, default: []].append(ContextEntry(id: id, runId: runId, kind: .message(message)))
        }
    }
}

/// What a listener heard.
final class EventLog: Sendable {
    private let seen = Mutex<[RunEvent]>([])
    let onEvent: @Sendable (RunEvent) -> Void

    init(onEvent: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.onEvent = onEvent }

    var events: [RunEvent] { seen.withLock { $0 } }

    var listener: RunListener {
        { event in
            self.seen.withLock { $0.append(event) }
            self.onEvent(event)
        }
    }

    var names: [String] {
        events.map { event in
            switch event {
            case .started: "started"
            case .assistant(_, let delta): "assistant \(delta)"
            case .thinking: "thinking"
            case .toolStarted(let call): "tool \(call.name)"
            case .toolFinished(let call, _): "tool-end \(call.name)"
            case .notice: "notice"
            case .ended(let outcome): "ended \(outcome.status.rawValue)"
            }
        }
    }
}
