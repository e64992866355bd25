import JarvisCore
import JarvisKit
import JarvisProtocol
import JarvisStore
import JarvisTools

/// `chat.*`.
enum ChatMethods {
    static let handlers: [String: MethodHandler] = [
        "chat.send": .ordered { gateway, call in try await gateway.chatSend(call) },
        "chat.history": .concurrent { gateway, call in
            let key = try gateway.sessionKey(call.string("sessionKey") ?? "")
            return try await gateway.chatHistory(key, limit: call.int("limit") ?? 200)
        },
        "chat.abort": .ordered { gateway, call in
            let key = try gateway.sessionKey(call.string("sessionKey") ?? "")
            return gateway.abort(key, runId: call.string("runId"))
        },
        "chat.inject": .ordered { gateway, call in
            let key = try gateway.sessionKey(call.string("sessionKey") ?? "")
            let text = call.string("message") ?? ""
            if let label = call.string("label"), label.count > 100 {
                throw WireError.invalidRequest("invalid chat.inject params: 'label' must have at most 100 characters")
            }
            let id = try await gateway.inject(call.string("label").map { "[\($0)]\n\n\(text)" } ?? text, into: key)
            return ["ok": true, "messageId": .string(id)]
        },
    ]
}

extension Gateway {
    private static var stopPhrases: Set<String> { ["/stop", "stop", "/abort", "abort", "/cancel"] }

    fileprivate func chatSend(_ call: MethodCall) async throws -> JSONValue {
        let key = try sessionKey(call.string("sessionKey") ?? "")
        let text = call.string("message") ?? ""
        let runId = call.string("idempotencyKey") ?? ""
        guard runId.utf8.count <= 256 else {
            throw WireError.invalidRequest("invalid chat.send params: 'idempotencyKey' must have at most 256 bytes")
        }
        let images = try Attachments.images(call.params["attachments"])
        let word = Self.command(text)
        if images.isEmpty, Self.stopPhrases.contains(word) { return abort(key, runId: nil) }
        if images.isEmpty, config.config.session.resetTriggers.contains(word) {
            return try await chatReset(key, runId: runId, word: word)
        }
        if images.isEmpty, let command = ApproveCommand(text) {
            answer(runId, key, await approveInChat(command, from: call.connection), to: call.connection)
            return ["runId": .string(runId), "status": "started"]
        }
        guard !text.isEmpty || !images.isEmpty else {
            throw WireError.invalidRequest("message or attachment required: 'message' is empty")
        }
        var request: JSONObject = [:]
        for name in ["thinking", "timeoutMs"] { request[name] = call.params[name] }
        let result = try await startRun(
            NewRun(
                id: runId, key: key, agentId: key.agentId ?? defaultAgentId(), method: "chat.send",
                content: (text.isEmpty ? [] : [.text(text)]) + images, request: request, starter: call.connection))
        switch result {
        case .started: return ["runId": .string(runId), "status": "started"]
        case .duplicate(let record): return duplicateAnswer(record)
        }
    }

    /// The answer to a repeated message.
    func duplicateAnswer(_ record: RunRecord) -> JSONValue {
        let status: String =
            switch record.state {
            case .accepted, .running: "in_flight"
            case .ok, .aborted: "ok"
            case .error: "error"
            }
        return .members([
            "runId": .string(record.runId), "status": .string(status),
            "summary": (record.errorMessage ?? record.summary).map(JSONValue.string),
        ])
    }

    /// A short text as a command word: trimmed, lower-case.
    private static func command(_ text: String) -> String {
        guard text.utf8.count <= 64 else { return "" }
        return text.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
    }

    private func chatReset(_ key: SessionKey, runId: String, word: String) async throws -> JSONValue {
        _ = try await resetSession(key, reason: word == "/new" ? "new" : "reset")
        let text = "New conversation. The old one is kept in the archive."
        _ = try await inject(text, into: key, runId: runId)
        return ["runId": .string(runId), "status": "started"]
    }

    /// Answers one client in the chat, without a run and without a trace in the conversation.
    private func answer(_ runId: String, _ key: SessionKey, _ text: String, to connection: Int) {
        send(
            "chat",
            [
                "runId": .string(runId), "sessionKey": .string(key.text), "seq": 1, "state": "final",
                "message": [
                    "role": "assistant", "content": [["type": "text", "text": .string(text)]],
                    "timestamp": .int(clock.now()),
                ],
            ], to: [connection])
    }

    /// Writes an assistant message that no run made, and tells everyone.
    @discardableResult
    func inject(_ text: String, into key: SessionKey, runId: String? = nil) async throws -> String {
        let message = Message.assistant(
            AssistantMessage(
                content: [.text(text)], api: "gateway", provider: "jarvis", model: "gateway-injected",
                timestamp: clock.now()))
        _ = try await store.ensureSession(key, agentId: key.agentId ?? defaultAgentId())
        let entry = try await store.inject(message, into: key)
        broadcast(
            "chat",
            [
                "runId": .string(runId ?? "inject-\(entry.id)"), "sessionKey": .string(key.text), "seq": 1,
                "state": "final",
                "message": [
                    "role": "assistant", "content": [["type": "text", "text": .string(text)]],
                    "timestamp": .int(clock.now()),
                ],
            ])
        announceMessage(key, message: message.json, messageId: entry.id)
        return entry.id
    }

    /// Stops one run or all of a session.
    func abort(_ key: SessionKey, runId: String?) -> JSONValue {
        guard let lanes else { return ["ok": true, "aborted": false, "runIds": []] }
        var stopped: [String] = []
        if let runId {
            if runs[runId]?.key == key, lanes.abort(runId: runId) { stopped = [runId] }
        } else {
            stopped = lanes.abort(session: key)
        }
        return ["ok": true, "aborted": .bool(!stopped.isEmpty), "runIds": JSONValue(stopped)]
    }

    fileprivate func chatHistory(_ key: SessionKey, limit: Int) async throws -> JSONValue {
        let session = try await store.session(key)
        let entries = session == nil ? [] : try await store.entries(key, limit: limit)
        return .members([
            "sessionKey": .string(key.text), "sessionId": session.map { .string($0.sessionId) } ?? .null,
            "messages": .array(ChatHistory.messages(entries)),
            "thinkingLevel": session?.fields["thinkingLevel"] ?? "off",
            "verboseLevel": session?.fields["verboseLevel"],
        ])
    }
}
