import JarvisCore
import JarvisKit
import JarvisProtocol
import JarvisStore

/// `sessions.*`.
enum SessionMethods {
    static let handlers: [String: MethodHandler] = [
        "sessions.list": .concurrent { gateway, call in try await gateway.listSessions(call) },
        "sessions.preview": .concurrent { gateway, call in
            let keys = try (call.strings("keys") ?? []).prefix(64).map { try gateway.sessionKey($0) }
            let previews = try await gateway.store.previewSessions(
                keys, limit: call.int("limit") ?? 12, maxChars: call.int("maxChars") ?? 240)
            return [
                "ts": .int(gateway.clock.now()),
                "previews": .array(
                    previews.map { preview in
                        [
                            "key": .string(preview.key.text), "status": .string(preview.status.rawValue),
                            "items": .array(
                                preview.items.map { ["role": .string($0.role), "text": .string($0.text)] }),
                        ]
                    }),
            ]
        },
        "sessions.resolve": .concurrent { gateway, call in
            let found = try await gateway.resolveSession(call)
            return ["ok": true, "key": .string(found.key.text)]
        },
        "sessions.create": .ordered { gateway, call in
            let agent = try gateway.agentId(call.string("agentId"))
            let key = try gateway.sessionKey(
                call.string("key") ?? "agent:\(agent):web-\(Identifiers.randomHex(bytes: 4))")
            let fields: JSONObject = call.string("label").map { ["label": .string($0)] } ?? [:]
            let session = try await gateway.store.ensureSession(key, agentId: key.agentId ?? agent, fields: fields)
            gateway.announceSession(key, reason: "create")
            return ["ok": true, "key": .string(key.text), "entry": gateway.sessionEntry(session)]
        },
        "sessions.patch": .ordered { gateway, call in try await gateway.patchSession(call) },
        "sessions.reset": .ordered { gateway, call in
            let key = try gateway.sessionKey(call.string("key") ?? "")
            let session = try await gateway.resetSession(key, reason: call.string("reason") ?? "reset")
            return ["ok": true, "key": .string(key.text), "entry": gateway.sessionEntry(session)]
        },
        "sessions.delete": .ordered { gateway, call in
            try gateway.refuseWebChat(call, "delete")
            let key = try gateway.sessionKey(call.string("key") ?? "")
            guard key != gateway.mainSessionKey() else {
                throw WireError.invalidRequest("the main session can't be deleted; use sessions.reset")
            }
            _ = gateway.lanes?.abort(session: key)
            let deletion = try await gateway.store.deleteSession(key)
            gateway.announceSession(key, reason: "delete")
            return [
                "ok": true, "key": .string(key.text), "deleted": .bool(deletion.deleted),
                "archived": JSONValue([deletion.archivedSessionId].compactMap { $0 }),
            ]
        },
        "sessions.compact": .ordered { gateway, call in
            let key = try gateway.sessionKey(call.string("key") ?? "")
            let result = try await gateway.store.compactSession(key, keepLast: call.int("maxLines") ?? 400)
            gateway.announceSession(key, reason: "compact")
            return .members([
                "ok": true, "key": .string(key.text), "compacted": .bool(result.compacted),
                "archived": JSONValue(result.archived), "kept": JSONValue(result.kept),
                "reason": result.compacted ? nil : "nothing to compact",
            ])
        },
        "sessions.subscribe": .immediate { gateway, call in
            gateway.connections[call.connection]?.session?.subscribedToSessions = true
            return ["ok": true, "subscribed": true]
        },
        "sessions.unsubscribe": .immediate { gateway, call in
            gateway.connections[call.connection]?.session?.subscribedToSessions = false
            return ["ok": true, "subscribed": false]
        },
        "sessions.messages.subscribe": .immediate { gateway, call in
            let key = try gateway.sessionKey(call.string("key") ?? "").text
            let subscribed = gateway.connections[call.connection]?.session?.subscribedMessages ?? []
            guard subscribed.count < 64 || subscribed.contains(key) else {
                throw WireError.invalidRequest("a connection may subscribe to at most 64 sessions")
            }
            gateway.connections[call.connection]?.session?.subscribedMessages.insert(key)
            return ["ok": true, "key": .string(key), "subscribed": true]
        },
        "sessions.messages.unsubscribe": .immediate { gateway, call in
            let key = try gateway.sessionKey(call.string("key") ?? "").text
            gateway.connections[call.connection]?.session?.subscribedMessages.remove(key)
            return ["ok": true, "key": .string(key), "subscribed": false]
        },
        "sessions.export": .concurrent { gateway, call in
            let key = try gateway.sessionKey(call.string("key") ?? "")
            guard let session = try await gateway.store.session(key) else { throw gateway.unknownSession(key) }
            let lines = try await gateway.store.exportTranscript(
                sessionId: session.sessionId, cwd: gateway.workspace(ofAgent: session.agentId))
            return [
                "key": .string(key.text), "sessionId": .string(session.sessionId), "lines": JSONValue(lines),
            ]
        },
        "sessions.import": .ordered { gateway, call in
            let key = try gateway.sessionKey(call.string("key") ?? "")
            let text = (call.strings("lines") ?? []).joined(separator: "\n") + "\n"
            let result = try await gateway.store.importTranscript(
                Array(text.utf8), as: key, agentId: key.agentId ?? gateway.defaultAgentId())
            gateway.announceSession(key, reason: "import")
            return [
                "ok": true, "key": .string(key.text), "entry": gateway.sessionEntry(result.session),
                "imported": JSONValue(result.imported), "dropped": JSONValue(result.tornLines),
            ]
        },
    ]
}

extension Gateway {
    /// The agent that answers when nobody names one.
    func defaultAgentId() -> String { config.config.agents.defaultId }

    /// The main conversation.
    func mainSessionKey() -> SessionKey { .main(agent: defaultAgentId(), mainKey: config.config.session.mainKey) }

    /// The agent called `id`, or the default one.
    func agentId(_ id: String?) throws -> String {
        guard let id, !id.isEmpty else { return defaultAgentId() }
        let known = [defaultAgentId()] + config.config.agents.list.map(\.id)
        guard known.contains(id.lowercased()) else {
            throw WireError.invalidRequest(
                "unknown agent id \"\(id.prefix(64))\"; known: \(known.joined(separator: ", "))")
        }
        return id.lowercased()
    }

    /// The key that a client spelled, with its agent checked. `main` means the main conversation.
    func sessionKey(_ spelling: String) throws -> SessionKey {
        let trimmed = spelling.lowercased()
        if trimmed == "main" { return mainSessionKey() }
        guard let key = SessionKey(spelling, defaultAgent: defaultAgentId()) else {
            throw WireError.invalidRequest(
                "invalid session key \"\(spelling.prefix(64))\": expected agent:<agent>:<name>, without white space")
        }
        if let agent = key.agentId { _ = try agentId(agent) }
        return key
    }

    func unknownSession(_ key: SessionKey) -> WireError {
        .invalidRequest("unknown session \"\(key.text)\"; sessions.list shows what there is")
    }

    /// Tells subscribers that a session is new, changed or gone.
    func announceSession(_ key: SessionKey, reason: String) {
        let ids = connections.values.filter { $0.session?.subscribedToSessions == true }.map(\.id)
        send(
            "sessions.changed", ["key": .string(key.text), "reason": .string(reason), "ts": .int(clock.now())], to: ids)
    }

    /// Tells subscribers of a session what was said.
    func announceMessage(_ key: SessionKey, message: JSONValue, messageId: String?) {
        let ids = connections.values.filter { $0.session?.subscribedMessages.contains(key.text) == true }.map(\.id)
        send(
            "session.message",
            .members(["key": .string(key.text), "message": message, "messageId": messageId.map(JSONValue.string)]),
            to: ids)
    }

    /// A session's entry as stored: settings and counters.
    func sessionEntry(_ session: SessionRecord) -> JSONValue {
        var entry = session.fields
        entry["sessionId"] = .string(session.sessionId)
        entry["updatedAt"] = .int(session.updatedAt)
        return .object(entry)
    }

    func sessionDefaults() -> JSONValue {
        .members([
            "defaultAgentId": .string(defaultAgentId()), "mainKey": .string(config.config.session.mainKey),
            "mainSessionKey": .string(mainSessionKey().text), "scope": .string(config.config.session.scope),
        ])
    }

    /// A session as a row of `sessions.list`.
    func sessionRow(_ item: SessionListItem) -> JSONValue {
        let session = item.session
        var row: JSONObject = [
            "key": .string(session.key.text), "kind": .string(session.key.kind),
            "sessionId": .string(session.sessionId),
            "updatedAt": .int(session.updatedAt), "agentId": .string(session.agentId),
        ]
        for (name, value) in session.fields { row[name] = value }
        let model = models.descriptor(forAgent: session.agentId, session: session.fields, config: config.config)
        row["modelProvider"] = row["modelProvider"] ?? .string(model.provider)
        row["model"] = row["model"] ?? .string(model.id)
        row["contextTokens"] = JSONValue(model.contextWindow)
        if let title = item.derivedTitle { row["derivedTitle"] = .string(title) }
        if let preview = item.lastMessagePreview { row["lastMessagePreview"] = .string(preview) }
        row["displayName"] = row["displayName"] ?? row["label"] ?? item.derivedTitle.map(JSONValue.string)
        return .object(row)
    }

    fileprivate func listSessions(_ call: MethodCall) async throws -> JSONValue {
        var filter = SessionFilter()
        filter.limit = call.int("limit")
        filter.activeMinutes = call.int("activeMinutes")
        filter.agentId = call.string("agentId")
        filter.search = call.string("search")
        filter.label = call.string("label")
        filter.spawnedBy = call.string("spawnedBy")
        filter.includeGlobal = call.flag("includeGlobal")
        filter.includeUnknown = call.flag("includeUnknown")
        filter.includeDerivedTitles = call.flag("includeDerivedTitles")
        filter.includeLastMessage = call.flag("includeLastMessage")
        let items = try await store.listSessions(filter)
        let model = models.descriptor(forAgent: defaultAgentId(), session: [:], config: config.config)
        return [
            "ts": .int(clock.now()), "path": .string(instance.paths.store), "count": JSONValue(items.count),
            "defaults": [
                "modelProvider": .string(model.provider), "model": .string(model.id),
                "contextTokens": JSONValue(model.contextWindow),
            ],
            "sessions": .array(items.map(sessionRow)),
        ]
    }

    fileprivate func resolveSession(_ call: MethodCall) async throws -> SessionRecord {
        let given = ["key", "sessionId", "label"].filter { call.string($0) != nil }
        guard given.count == 1 else {
            throw WireError.invalidRequest("give exactly one of key, sessionId, label")
        }
        let found: SessionRecord? =
            if let key = call.string("key") {
                try await store.session(try sessionKey(key))
            } else if let sessionId = call.string("sessionId") {
                try await store.session(sessionId: sessionId)
            } else {
                try await store.session(
                    label: call.string("label") ?? "", agentId: call.string("agentId"),
                    spawnedBy: call.string("spawnedBy"))
            }
        guard let found else {
            let name = given.first ?? ""
            throw WireError.invalidRequest("no session found with \(name) \"\((call.string(name) ?? "").prefix(64))\"")
        }
        return found
    }

    fileprivate func refuseWebChat(_ call: MethodCall, _ verb: String) throws {
        if connections[call.connection]?.session?.client.mode == "webchat" {
            throw WireError.invalidRequest("webchat clients can't \(verb) sessions; use the terminal")
        }
    }

    fileprivate func patchSession(_ call: MethodCall) async throws -> JSONValue {
        try refuseWebChat(call, "patch")
        let key = try sessionKey(call.string("key") ?? "")
        var fields = call.params.objectValue ?? [:]
        fields["key"] = nil
        if let reference = fields.removeValue(forKey: "model") {
            if let text = reference.stringValue {
                guard let model = models.find(text, config: config.config) else {
                    throw WireError.invalidRequest(
                        "unknown model \"\(text.prefix(100))\"; models.list shows what there is")
                }
                fields["providerOverride"] = .string(model.provider)
                fields["modelOverride"] = .string(model.id)
            } else {
                fields["providerOverride"] = .null
                fields["modelOverride"] = .null
            }
        }
        let session = try await store.patchSession(key, fields: fields, creatingFor: key.agentId ?? defaultAgentId())
        announceSession(key, reason: "patch")
        let model = models.descriptor(forAgent: session.agentId, session: session.fields, config: config.config)
        return [
            "ok": true, "path": .string(instance.paths.store), "key": .string(key.text),
            "entry": sessionEntry(session),
            "resolved": ["modelProvider": .string(model.provider), "model": .string(model.id)],
        ]
    }

    /// Starts a conversation afresh.
    func resetSession(_ key: SessionKey, reason: String) async throws -> SessionRecord {
        _ = lanes?.abort(session: key)
        if try await store.session(key) == nil {
            _ = try await store.ensureSession(key, agentId: key.agentId ?? defaultAgentId())
        }
        let reset = try await store.resetSession(key, reason: reason)
        announceSession(key, reason: "reset")
        return reset.session
    }
}
