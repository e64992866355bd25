import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisKit
import JarvisProtocol
import JarvisStore

/// Health, status, presence, logs, wake, restart.
enum SystemMethods {
    static let handlers: [String: MethodHandler] = [
        "health": .cached(
            { gateway, call in
                guard !call.flag("probe"), gateway.store.failure == nil, let cache = gateway.healthCache,
                    cache.at > gateway.clock.now() - Policy.healthRefreshMs
                else { return nil }
                return cache.bytes
            },
            { gateway, _ in try await gateway.refreshHealth() }),
        "status": .concurrent { gateway, call in try await gateway.status(for: call) },
        "system-presence": .immediate { gateway, _ in .array(gateway.presenceEntries()) },
        "system-event": .immediate { gateway, call in
            gateway.logger.info("system event", metadata: ["text": "\(call.string("text") ?? "")"])
            return ["ok": true]
        },
        "last-heartbeat": .immediate { _, _ in .null },
        "set-heartbeats": .immediate { _, call in
            throw WireError.unavailable("heartbeats are not available in this version")
        },
        "wake": .ordered { gateway, call in try await gateway.wake(call) },
        "logs.tail": .concurrent { gateway, call in
            let path = gateway.instance.paths.gatewayLog
            let request = LogTail.Request(
                cursor: call.int("cursor"), limit: call.int("limit") ?? 500, maxBytes: call.int("maxBytes") ?? 250_000)
            return try await Blocking.run { try LogTail.read(path, request) }
        },
        "gateway.identity.get": .immediate { gateway, _ in gateway.identityDocument() },
        "gateway.restart": .concurrent { gateway, call in try await gateway.lifecycle(.restart, call) },
        "gateway.stop": .concurrent { gateway, call in try await gateway.lifecycle(.stop, call) },
        "gateway.ticket": .concurrent { gateway, call in
            let journal = LifecycleJournal(gateway.instance.paths)
            let id = call.string("ticket") ?? ""
            guard let ticket = try await Blocking.run({ journal.ticket(id) }) else {
                throw WireError.invalidRequest(
                    "no ticket “\(id.prefix(40))”; the newest \(LifecycleJournal.limit) are kept")
            }
            return ticket.json
        },
    ]
}

extension Gateway {
    /// The payload of `health`, fresh, and keeps it for a minute.
    @discardableResult
    func refreshHealth() async throws -> JSONValue {
        let begun = clock.now()
        let count = try await store.sessionCount()
        let recent = try await store.listSessions(Self.newest(5))
        let now = clock.now()
        lastMessageAt = max(lastMessageAt ?? 0, recent.map(\.session.updatedAt).max() ?? 0)
        if lastMessageAt == 0 { lastMessageAt = nil }
        let agents = ([defaultAgentId()] + config.config.agents.list.map(\.id)).reduce(into: [String]()) { ids, id in
            if !ids.contains(id) { ids.append(id) }
        }
        let payload: JSONValue = [
            "ok": .bool(store.failure == nil), "ts": .int(now), "durationMs": .int(now - begun), "channels": [:],
            "channelOrder": [],
            "channelLabels": [:], "browser": browserSummary(), "heartbeatSeconds": 0,
            "defaultAgentId": .string(defaultAgentId()),
            "agents": .array(
                agents.map {
                    [
                        "agentId": .string($0), "isDefault": .bool($0 == defaultAgentId()),
                        "heartbeat": ["enabled": false],
                    ]
                }),
            "sessions": [
                "path": .string(instance.paths.store), "count": JSONValue(count),
                "recent": .array(
                    recent.map {
                        [
                            "key": .string($0.session.key.text), "updatedAt": .int($0.session.updatedAt),
                            "age": .int(now - $0.session.updatedAt),
                        ]
                    }),
            ],
        ]
        healthCache = (JSONWriter.encode(payload), now)
        healthVersion += 1
        return payload
    }

    /// The newest sessions.
    static func newest(_ limit: Int, titles: Bool = false) -> SessionFilter {
        var filter = SessionFilter()
        filter.limit = limit
        filter.includeDerivedTitles = titles
        return filter
    }

    /// `gateway.restart` and `gateway.stop`: the ticket, and whether the request was taken on.
    fileprivate func lifecycle(_ action: LifecycleTicket.Action, _ call: MethodCall) async throws -> JSONValue {
        let delay = call.int("delayMs") ?? 0
        let (ticket, wasPending) = try await take(
            LifecycleRequest(
                action: action, reason: call.string("reason") ?? "requested by a client", by: "rpc",
                delayMs: max(delay, 100)))
        var answer = ticket.json
        answer["ok"] = .bool(ticket.state != .refused)
        answer["accepted"] = .bool(ticket.state != .refused)
        answer["alreadyPending"] = .bool(wasPending)
        if action == .restart { answer["restartExpectedMs"] = JSONValue(delay + 1500) }
        return answer
    }

    /// Which instance this is.
    func identityDocument() -> JSONValue {
        .members([
            "instanceId": .string(identity.instanceId), "profile": .string(instance.displayName),
            "version": .string(version), "pid": JSONValue(ProcessFacts.pid), "port": JSONValue(port),
            "stateDir": .string(instance.stateDirectory), "configPath": .string(instance.configPath),
            "startedAtMs": .int(startedAt), "phase": .string(phase.rawValue), "bootId": .string(bootId),
        ])
    }

    fileprivate func status(for call: MethodCall) async throws -> JSONValue {
        // A store that can't be read is what `status` is asked about: its answer then goes without sessions.
        let items = (try? await store.listSessions(Self.newest(10, titles: true))) ?? []  // see above
        let count = (try? await store.sessionCount()) ?? 0  // see above
        let now = clock.now()
        let isAdmin = scopes(of: call.connection).allows(.admin)
        let model = models.descriptor(forAgent: defaultAgentId(), session: [:], config: config.config)
        let facts = ProcessFacts.current()
        return .members([
            "heartbeat": ["defaultAgentId": .string(defaultAgentId()), "agents": []],
            "channelSummary": [], "queuedSystemEvents": [],
            "sessions": [
                "paths": [.string(instance.paths.store)], "count": JSONValue(count),
                "defaults": ["model": .string(model.id), "contextTokens": JSONValue(model.contextWindow)],
                "recent": .array(items.map { recentRow($0, now: now) }),
            ],
            "gateway": .members([
                "mode": "local", "reachable": true, "instanceId": .string(identity.instanceId),
                "profile": .string(instance.displayName), "version": .string(version), "pid": JSONValue(Int(facts.pid)),
                "port": JSONValue(port), "phase": .string(phase.rawValue), "uptimeMs": .int(now - startedAt),
                "rssBytes": JSONValue(facts.residentBytes), "threads": JSONValue(facts.threads),
                "authMode": .string(auth.mode.rawValue),
                "clients": JSONValue(connections.values.count { $0.session != nil }),
                "activeRuns": JSONValue(lanes?.activeRuns.count ?? 0),
                "stateDir": isAdmin ? .string(instance.stateDirectory) : nil,
                "configPath": isAdmin ? .string(instance.configPath) : nil,
                "slowClients": JSONValue(slowClients),
                "droppedEvents": JSONValue(connections.values.reduce(0) { $0 + $1.droppedEvents }),
            ]),
            "browser": browserSummary(),
            "model": .members([
                "reference": .string(model.reference), "isOperator": .bool(model.provider == "operator"),
                "failures": .array(
                    models.failures.recent.suffix(5).map { failure in
                        [
                            "model": .string(failure.model.reference), "error": .string(failure.error.description),
                            "at": .int(failure.at),
                        ]
                    }),
            ]),
            "config": [
                "valid": .bool(config.isValid), "usable": .bool(config.isUsable),
                "issues": .array(config.errors.map(\.json)), "warnings": .array(config.warnings.map(\.json)),
                "disabledSections": JSONValue(config.disabledSections),
            ],
            "store": .members([
                "failure": store.failure.map { .string($0.message) },
                "quarantined": store.report.quarantined.map { .string($0.path) },
            ]),
            "recentErrors": .array(recentErrors.records.suffix(5).map(\.summary)),
        ])
    }

    private func recentRow(_ item: SessionListItem, now: EpochMilliseconds) -> JSONValue {
        var row = sessionRow(item)
        let used = row["totalTokens"]?.intValue ?? 0
        let window = row["contextTokens"]?.intValue ?? 0
        row["age"] = .int(now - item.session.updatedAt)
        row["remainingTokens"] = JSONValue(max(0, window - used))
        row["percentUsed"] = JSONValue(window > 0 ? used * 100 / window : 0)
        return row
    }

    /// `wake`: a note for the main session. `now` starts a turn; `next-heartbeat` waits for the next one.
    fileprivate func wake(_ call: MethodCall) async throws -> JSONValue {
        let text = call.string("text") ?? ""
        if call.string("mode") == "now" {
            try await startRun(
                NewRun(
                    id: "wake-\(Identifiers.uuid())", key: mainSessionKey(), agentId: defaultAgentId(), method: "wake",
                    content: [.text("[system] \(text)")], request: [:], starter: call.connection))
        } else {
            let message = Message.user(content: [.text("[system] \(text)")], timestamp: clock.now())
            _ = try await store.ensureSession(mainSessionKey(), agentId: defaultAgentId())
            _ = try await store.inject(message, into: mainSessionKey())
        }
        return ["ok": true]
    }
}
