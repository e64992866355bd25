import JarvisCore
import JarvisKit
import JarvisProtocol
import NIOCore

/// A run's progress to the clients: `agent` events as they come, `chat` deltas at most every 150 ms with the whole text
/// so far, and the end, which is told only after it is stored.
extension Gateway {
    private static var deltaIntervalMs: Int64 { 150 }

    func handle(_ event: RunEvent, of runId: String) {
        guard runs[runId] != nil else { return }
        switch event {
        case .started(let at):
            sendAgent(runId, stream: "lifecycle", ["phase": "start", "startedAt": .int(at)])
        case .assistant(let text, let delta):
            runs[runId]?.text = text
            sendAgent(runId, stream: "assistant", ["text": .string(text), "delta": .string(delta)])
            scheduleDelta(runId)
        case .thinking(let text, let delta):
            sendAgent(runId, stream: "thinking", ["text": .string(text), "delta": .string(delta)])
        case .toolStarted(let call):
            sendTool(
                runId,
                [
                    "phase": "start", "name": .string(call.name), "toolCallId": .string(call.id),
                    "args": call.arguments,
                ])
        case .toolFinished(let call, let result):
            sendTool(
                runId,
                [
                    "phase": "result", "name": .string(call.name), "toolCallId": .string(call.id),
                    "isError": .bool(result.isError),
                ])
        case .notice(let text):
            sendAgent(runId, stream: "notice", ["text": .string(text)])
        case .ended(let outcome): finish(runId, outcome)
        }
    }

    private func sendAgent(_ runId: String, stream: String, _ data: JSONValue) {
        guard let seq = runs[runId]?.nextAgentSeq(), let key = runs[runId]?.key else { return }
        broadcast(
            "agent",
            [
                "runId": .string(runId), "seq": JSONValue(seq), "stream": .string(stream), "ts": .int(clock.now()),
                "data": data, "sessionKey": .string(key.text),
            ])
    }

    private func sendTool(_ runId: String, _ data: JSONValue) {
        guard let seq = runs[runId]?.nextAgentSeq(), let run = runs[runId] else { return }
        send(
            "agent",
            [
                "runId": .string(runId), "seq": JSONValue(seq), "stream": "tool", "ts": .int(clock.now()), "data": data,
                "sessionKey": .string(run.key.text),
            ], to: run.toolListeners)
    }

    private func scheduleDelta(_ runId: String) {
        guard let run = runs[runId], run.pendingDelta == nil else { return }
        let due = run.lastDeltaAt + Self.deltaIntervalMs - clock.now()
        if due <= 0 {
            sendDelta(runId)
            return
        }
        runs[runId]?.pendingDelta = loop.scheduleTask(in: .milliseconds(due)) { [self] in
            assumeIsolated { $0.sendDelta(runId) }
        }
    }

    private func sendDelta(_ runId: String) {
        guard runs[runId] != nil else { return }
        runs[runId]?.pendingDelta = nil
        runs[runId]?.lastDeltaAt = clock.now()
        let text = runs[runId]?.text ?? ""
        sendChat(runId, state: "delta", message: Self.assistantMessage(text, at: clock.now()))
    }

    private func sendChat(
        _ runId: String, state: String, message: JSONValue?, errorMessage: String? = nil, usage: JSONValue? = nil,
        stopReason: String? = nil
    ) {
        guard let seq = runs[runId]?.nextChatSeq(), let key = runs[runId]?.key else { return }
        broadcast(
            "chat",
            .members([
                "runId": .string(runId), "sessionKey": .string(key.text), "seq": JSONValue(seq),
                "state": .string(state),
                "message": message, "errorMessage": errorMessage.map(JSONValue.string), "usage": usage,
                "stopReason": stopReason.map(JSONValue.string),
            ]))
    }

    private static func assistantMessage(_ text: String, at time: EpochMilliseconds) -> JSONValue {
        ["role": "assistant", "content": [["type": "text", "text": .string(text)]], "timestamp": .int(time)]
    }

    private func finish(_ runId: String, _ outcome: RunOutcome) {
        runs[runId]?.pendingDelta?.cancel()
        let text = outcome.message?.content.plainText ?? ""
        let message: JSONValue? = text.isEmpty ? nil : Self.assistantMessage(text, at: outcome.endedAt)
        let state: String =
            switch outcome.status {
            case .ok: "final"
            case .error: "error"
            case .aborted: "aborted"
            }
        sendChat(
            runId, state: state, message: message, errorMessage: outcome.errorMessage, usage: outcome.usage.json,
            stopReason: outcome.message?.stopReason.rawValue)
        if outcome.status == .error {
            sendAgent(
                runId, stream: "lifecycle",
                [
                    "phase": "error", "error": .string(outcome.errorMessage ?? "the run failed"),
                    "endedAt": .int(outcome.endedAt),
                ])
        } else {
            sendAgent(
                runId, stream: "lifecycle",
                .members([
                    "phase": "end", "endedAt": .int(outcome.endedAt),
                    "aborted": outcome.status == .aborted ? true : nil,
                ]))
        }
        guard let run = runs.removeValue(forKey: runId) else { return }
        for waiter in run.waiters {
            respond(waiter.connection, waiter.requestId, .success(Self.finalAnswer(runId, outcome)))
        }
        if let stored = outcome.message.map(Message.assistant) {
            announceMessage(run.key, message: stored.json, messageId: nil)
        }
        announceSession(run.key, reason: "message")
        healthCache = nil
        restartIfIdle()
    }

    /// The second answer of `agent`.
    static func finalAnswer(_ runId: String, _ outcome: RunOutcome) -> JSONValue {
        let text = outcome.message?.content.plainText ?? ""
        return .members([
            "runId": .string(runId), "status": outcome.status == .error ? "error" : "ok",
            "summary": .string(
                outcome.status == .error
                    ? (outcome.errorMessage ?? "failed") : outcome.status == .aborted ? "aborted" : "completed"),
            "result": [
                "payloads": text.isEmpty ? [] : [["text": .string(text), "mediaUrl": .null]],
                "meta": .members([
                    "durationMs": .int(outcome.endedAt - outcome.startedAt),
                    "aborted": outcome.status == .aborted ? true : nil,
                    "agentMeta": .members([
                        "provider": outcome.message.map { .string($0.provider) },
                        "model": outcome.message.map { .string($0.model) }, "usage": outcome.usage.json,
                    ]),
                ]),
            ],
        ])
    }
}
