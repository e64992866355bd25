import JarvisCore
import JarvisKit
import Synchronization

@testable import JarvisProviders

/// A gateway of dictionaries that counts what was done to it.
final class FakeOperatorHost: OperatorHost {
    struct State {
        var health = FakeOperatorHost.quietHealth
        var authority = OperatorAuthority.full
        var values: [String: String] = ["gateway.port": "18789"]
        var errors: [OperatorLogLine] = []
        var lines: [OperatorLogLine] = []
        var problems: [String] = []
        var change: OperatorChange?
        var sessions: [OperatorSession] = []
        var failure: JarvisError?
        var log: [String] = []
    }

    static let now: EpochMilliseconds = 1_795_359_845_000

    static let quietHealth = OperatorHealth(
        displayName: "rescue", profile: "rescue", instanceId: "3f1c0000-0000-4000-8000-000000000001", version: "0.1.0",
        now: now, startedAt: now - 7_500_000, port: 19789, pid: 4242, memoryBytes: 22 * 1_048_576, sessionCount: 2,
        activeRuns: 1, configPath: "/home/ada/.jarvis-rescue/jarvis.json", dashboardURL: "http://127.0.0.1:19789/")

    let state = Mutex(State())

    init(_ change: (inout sending State) -> Void = { _ in }) { state.withLock { change(&$0) } }

    var log: [String] { state.withLock { $0.log } }

    private func check() throws {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func health() async -> OperatorHealth { state.withLock { $0.health } }

    func authority(runId: String, sessionKey: SessionKey) async -> OperatorAuthority { state.withLock { $0.authority } }

    func recentErrors(limit: Int) async throws -> [OperatorLogLine] {
        try check()
        return state.withLock { Array($0.errors.prefix(limit)) }
    }

    func logLines(limit: Int, level: String?) async throws -> [OperatorLogLine] {
        try check()
        return state.withLock { Array($0.lines.filter { level == nil || $0.level == level }.suffix(limit)) }
    }

    func configValue(path: String) async throws -> OperatorConfigValue {
        try check()
        return state.withLock { state in
            state.values[path].map { .value($0, isDefault: false) } ?? .notFound(suggestions: ["gateway.port"])
        }
    }

    func proposeConfigChange(path: String, valueText: String?) async throws -> OperatorConfigPreview {
        try check()
        return state.withLock {
            OperatorConfigPreview(
                oldText: $0.values[path], newText: valueText, needsRestart: path.hasPrefix("gateway."),
                problems: $0.problems)
        }
    }

    func applyConfigChange(path: String, valueText: String?) async throws -> OperatorConfigResult {
        try check()
        return state.withLock { state in
            state.log.append("apply \(path) \(valueText ?? "nil")")
            let id = "u\(state.log.count)"
            state.change = OperatorChange(
                id: id, path: path, oldText: state.values[path], newText: valueText, at: Self.now, actor: "operator")
            state.values[path] = valueText
            return OperatorConfigResult(
                path: path, effectiveText: valueText, needsRestart: path.hasPrefix("gateway."), undoId: id)
        }
    }

    func lastChange() async throws -> OperatorChange? {
        try check()
        return state.withLock { $0.change }
    }

    func undoChange(id: String) async throws -> OperatorConfigResult {
        try check()
        return state.withLock { state in
            state.log.append("undo \(id)")
            let path = state.change?.path ?? ""
            state.values[path] = state.change?.oldText
            state.change = OperatorChange(
                id: "undo-of-\(id)", path: path, oldText: state.change?.newText, newText: state.change?.oldText,
                at: Self.now, actor: "operator")
            return OperatorConfigResult(
                path: path, effectiveText: state.values[path], needsRestart: false, undoId: "undo-of-\(id)")
        }
    }

    func requestRestart(reason: String) async throws {
        try check()
        state.withLock { $0.log.append("restart") }
    }

    func sessions(limit: Int) async throws -> [OperatorSession] {
        try check()
        return state.withLock { Array($0.sessions.prefix(limit)) }
    }
}

/// A conversation with the operator, as the gateway would store it.
struct OperatorTalk {
    let host: FakeOperatorHost
    var messages: [Message] = []
    var time = FakeOperatorHost.now
    var sessionKey = SessionKey.main()
    var runId = "run-1"

    init(_ host: FakeOperatorHost = FakeOperatorHost()) { self.host = host }

    /// Says `text` and returns the answer, both added to the conversation.
    @discardableResult mutating func say(_ text: String, after milliseconds: Int64 = 1000) async throws -> String {
        time += milliseconds
        messages.append(.user(content: [.text(text)], timestamp: time))
        let events = Mutex<[ProviderEvent]>([])
        try await OperatorProvider(host: host).respond(
            to: ModelRequest(
                model: OperatorProvider.model, system: "", messages: messages, tools: [], runId: runId,
                sessionKey: sessionKey)
        ) { event in events.withLock { $0.append(event) } }
        let answer = Self.text(events.withLock { $0 })
        time += 1
        add(answer: answer)
        return answer
    }

    mutating func add(answer: String, provider: String = "operator", api: String = "operator") {
        messages.append(
            .assistant(
                AssistantMessage(
                    content: [.text(answer)], api: api, provider: provider, model: "operator", timestamp: time)))
    }

    static func text(_ events: [ProviderEvent]) -> String {
        events.reduce(into: "") { text, event in
            if case .textDelta(let delta) = event { text += delta }
        }
    }
}
