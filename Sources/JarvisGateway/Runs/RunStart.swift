import JarvisAgent
import JarvisCore
import JarvisKit
import JarvisProtocol
import JarvisStore

/// From a message to a run in its lane.
extension Gateway {
    /// What became of a new message.
    enum StartResult {
        /// Durable and in its lane.
        case started(RunRecord)
        /// The same message came before.
        case duplicate(RunRecord)
    }

    /// Makes a message durable, then puts its run into the session's lane. When this returns, the message will be
    /// answered exactly once, whatever happens to the process.
    @discardableResult
    func startRun(_ new: NewRun) async throws -> StartResult {
        guard phase == .ready, let lanes else {
            throw WireError.unavailable(
                "the gateway is \(phase == .draining ? "stopping" : "starting")", retryAfterMs: 1500)
        }
        let message = Message.user(content: new.content, timestamp: clock.now())
        var request = new.request
        if OperatorCommands.answers(message.plainText) { request["operatorOnly"] = true }
        let accepted = try await store.accept(
            InboundRequest(
                runId: new.id, sessionKey: new.key, agentId: new.agentId, method: new.method, message: message,
                request: request, dedupeScope: new.method))
        switch accepted {
        case .duplicate(let record): return .duplicate(record)
        case .accepted(let record, let entry, _):
            enlist(record, starter: new.starter)
            submit(record, to: lanes)
            lastMessageAt = clock.now()
            announceSession(new.key, reason: "message")
            announceMessage(new.key, message: message.json, messageId: entry.id)
            return .started(record)
        }
    }

    /// Puts a stored run into its lane.
    func submit(_ record: RunRecord, to lanes: LaneScheduler) {
        let request = RunRequest(
            runId: record.runId, sessionKey: record.sessionKey, agentId: record.agentId, timeout: timeout(of: record),
            extraSystemPrompt: record.request["extraSystemPrompt"]?.stringValue,
            thinking: record.request["thinking"]?.stringValue)
        let runId = record.runId
        _ = lanes.submit(request) { [weak self] event in await self?.handle(event, of: runId) }
    }

    /// Remembers a run while it lives.
    func enlist(_ record: RunRecord, starter: Int?) {
        var run = LiveRun(id: record.runId, key: record.sessionKey, agentId: record.agentId, method: record.method)
        if let starter, connections[starter]?.session?.caps.contains("tool-events") == true {
            run.toolListeners = [starter]
        }
        if let starter { run.mayAdminister = scopes(of: starter).allows(.admin) }
        runs[record.runId] = run
    }

    private func timeout(of record: RunRecord) -> Duration {
        if let milliseconds = record.request["timeoutMs"]?.intValue, milliseconds > 0 {
            return .milliseconds(milliseconds)
        }
        return .seconds(config.config.agents.defaults.timeoutSeconds)
    }

    /// Repeats what a crash interrupted, oldest first, and ends what was tried too often with a word to the user.
    func recoverRuns() async throws {
        guard let lanes else { return }
        let unfinished = try await store.unfinishedRuns()
        guard !unfinished.isEmpty else { return }
        let byId = Dictionary(unfinished.map { ($0.runId, $0) }, uniquingKeysWith: { first, _ in first })
        let plan = RunRecovery.plan(
            unfinished.map {
                UnfinishedRun(
                    runId: $0.runId, sessionKey: $0.sessionKey, agentId: $0.agentId, attempts: $0.attempts,
                    acceptedAt: $0.acceptedAt)
            }, maximumAttempts: 8, now: clock.now())
        for tombstone in plan.tombstones {
            _ = try await store.repairOrphanToolCalls(runId: tombstone.run.runId)
            try await store.finishRun(
                RunFinish(runId: tombstone.run.runId, outcome: tombstone.outcome, entries: tombstone.entries))
        }
        for run in plan.repeated {
            guard let record = byId[run.runId] else { continue }
            enlist(record, starter: nil)
            submit(record, to: lanes)
        }
        logger.notice(
            "unfinished runs found",
            metadata: ["repeated": "\(plan.repeated.count)", "given-up": "\(plan.tombstones.count)"])
    }
}
