import JarvisAgent
import JarvisCore
import JarvisKit
import JarvisProtocol
import JarvisStore
import JarvisTools

/// `agent`, `agent.wait`.
enum AgentMethods {
    static let handlers: [String: MethodHandler] = [
        "agent": .ordered { gateway, call in try await gateway.startAgent(call) },
        "agent.wait": .concurrent { gateway, call in
            try await gateway.waitForRun(
                call.string("runId") ?? "", timeout: .milliseconds(call.int("timeoutMs") ?? 30_000))
        },
    ]
}

extension Gateway {
    /// Starts a run and answers `accepted`; the end is a second answer to the same request.
    fileprivate func startAgent(_ call: MethodCall) async throws -> JSONValue {
        let runId = call.string("idempotencyKey") ?? ""
        guard runId.utf8.count <= 256 else {
            throw WireError.invalidRequest("invalid agent params: 'idempotencyKey' must have at most 256 bytes")
        }
        let (key, agent) = try await agentTarget(call)
        let images = try Attachments.images(call.params["attachments"])
        if images.isEmpty, let command = ApproveCommand(call.string("message") ?? "") {
            let text = await approveInChat(command, from: call.connection)
            return [
                "runId": .string(runId), "status": "ok", "summary": "completed",
                "result": ["payloads": [["text": .string(text), "mediaUrl": .null]], "meta": ["durationMs": 0]],
            ]
        }
        var request: JSONObject = [:]
        for name in ["thinking", "extraSystemPrompt", "label", "inputProvenance"] { request[name] = call.params[name] }
        if let seconds = call.params["timeout"]?.doubleValue, seconds > 0, seconds < 86_400 {
            request["timeoutMs"] = JSONValue(Int(seconds * 1000))
        }
        let result = try await startRun(
            NewRun(
                id: runId, key: key, agentId: agent, method: "agent",
                content: [.text(call.string("message") ?? "")] + images, request: request, starter: call.connection))
        switch result {
        case .started(let record):
            runs[runId]?.waiters.append((call.connection, call.id))
            return ["runId": .string(runId), "status": "accepted", "acceptedAt": .int(record.acceptedAt)]
        case .duplicate(let record):
            if let live = runs[runId], live.waiters.count < Policy.maxOpenRequests {
                runs[runId]?.waiters.append((call.connection, call.id))
                return ["runId": .string(runId), "status": "accepted", "acceptedAt": .int(record.acceptedAt)]
            }
            return duplicateAnswer(record)
        }
    }

    private func agentTarget(_ call: MethodCall) async throws -> (SessionKey, String) {
        if let spelling = call.string("sessionKey"), !spelling.isEmpty {
            let key = try sessionKey(spelling)
            if let asked = call.string("agentId"), let owner = key.agentId, asked.lowercased() != owner {
                throw WireError.invalidRequest("agent \"\(asked.prefix(64))\" does not own session \"\(key.text)\"")
            }
            return (key, key.agentId ?? defaultAgentId())
        }
        if let sessionId = call.string("sessionId"), !sessionId.isEmpty {
            guard let session = try await store.session(sessionId: sessionId) else {
                throw WireError.invalidRequest("no session found with sessionId \"\(sessionId.prefix(64))\"")
            }
            return (session.key, session.agentId)
        }
        let agent = try agentId(call.string("agentId"))
        return (.main(agent: agent, mainKey: config.config.session.mainKey), agent)
    }

    fileprivate func waitForRun(_ runId: String, timeout: Duration) async throws -> JSONValue {
        if let lanes, runs[runId] != nil {
            switch await lanes.wait(runId: runId, timeout: timeout) {
            case .ended(let outcome):
                return .members([
                    "runId": .string(runId), "status": outcome.status == .error ? "error" : "ok",
                    "startedAt": .int(outcome.startedAt), "endedAt": .int(outcome.endedAt),
                    "error": outcome.errorMessage.map(JSONValue.string),
                ])
            case .timeout, .unfinished: return ["runId": .string(runId), "status": "timeout"]
            case .unknown: break
            }
        }
        guard let record = try await store.run(runId) else {
            throw WireError.invalidRequest("unknown run \"\(runId.prefix(64))\"")
        }
        let status: String =
            switch record.state {
            case .ok, .aborted: "ok"
            case .error: "error"
            case .accepted, .running: "timeout"
            }
        return .members([
            "runId": .string(runId), "status": .string(status), "startedAt": record.startedAt.map(JSONValue.int),
            "endedAt": record.endedAt.map(JSONValue.int), "error": record.errorMessage.map(JSONValue.string),
        ])
    }
}
