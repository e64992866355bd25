import JarvisConfig
import JarvisCore
import JarvisFormats
import JarvisHost
import JarvisKit
import JarvisProtocol
import JarvisProviders
import JarvisStore
import Logging

/// The operator's door to this gateway.
struct GatewayOperatorHost: OperatorHost {
    let gateway: Gateway

    func health() async -> OperatorHealth { await gateway.operatorHealth() }

    func authority(runId: String, sessionKey: SessionKey) async -> OperatorAuthority {
        await gateway.operatorAuthority(runId: runId)
    }

    func recentErrors(limit: Int) async throws -> [OperatorLogLine] {
        gateway.recentErrors.records.suffix(limit).reversed().map(\.operatorLine)
    }

    func logLines(limit: Int, level: String?) async throws -> [OperatorLogLine] {
        let path = gateway.instance.paths.gatewayLog
        let tail = try await Blocking.run {
            try LogTail.read(path, LogTail.Request(cursor: nil, limit: 5000, maxBytes: 1_000_000))
        }
        let levels = ["trace", "debug", "info", "warn", "error"]
        let floor = level.flatMap { levels.firstIndex(of: $0) } ?? 0
        let lines = (tail["lines"]?.arrayValue ?? []).compactMap { OperatorLogLine(logLine: $0.stringValue ?? "") }
        return Array(lines.filter { (levels.firstIndex(of: $0.level) ?? 4) >= floor }.suffix(limit))
    }

    func configValue(path: String) async throws -> OperatorConfigValue {
        let parsed = try ConfigPath(parsing: path)
        let snapshot = await gateway.config
        if let value = snapshot.value(at: parsed) { return .value(JSONWriter.string(value), isDefault: false) }
        if let field = ConfigFields.field(at: parsed) {
            return .value(field.standard.map(JSONWriter.string) ?? "not set", isDefault: true)
        }
        let known = ConfigFields.all.map(\.pattern)
        return .notFound(suggestions: [Nearest.name(to: path, in: known)].compactMap { $0 })
    }

    func proposeConfigChange(path: String, valueText: String?) async throws -> OperatorConfigPreview {
        let parsed = try ConfigPath(parsing: path)
        let store = gateway.configStore
        let value = valueText.map(Self.value)
        let preview = try await Blocking.run { store.preview(parsed, to: value) }
        return OperatorConfigPreview(
            oldText: preview.before.map(JSONWriter.string), newText: preview.after.map(JSONWriter.string),
            needsRestart: preview.reload.action == .restart, problems: preview.problems, warnings: preview.warnings)
    }

    func applyConfigChange(path: String, valueText: String?) async throws -> OperatorConfigResult {
        let parsed = try ConfigPath(parsing: path)
        let store = gateway.configStore
        let value = valueText.map(Self.value)
        let result = try await Blocking.run {
            if let value {
                try store.set(parsed, to: value, actor: "operator")
            } else {
                try store.unset(parsed, actor: "operator")
            }
        }
        await gateway.adopt(result.snapshot)
        return Self.result(path, result)
    }

    func lastChange() async throws -> OperatorChange? {
        let store = gateway.configStore
        let entries = try await Blocking.run { store.journal(limit: 20) }
        guard let entry = entries.first(where: { !$0.undoId.isEmpty }) else { return nil }
        return OperatorChange(
            id: entry.undoId, path: entry.keys.joined(separator: ", "), oldText: Self.text(entry.before),
            newText: Self.text(entry.after), at: WallClock.parse(iso8601: entry.ts) ?? 0, actor: entry.actor)
    }

    func undoChange(id: String) async throws -> OperatorConfigResult {
        let store = gateway.configStore
        let result = try await Blocking.run { try store.undo(id, actor: "operator") }
        await gateway.adopt(result.snapshot)
        return Self.result(result.changed.first?.description ?? "", result)
    }

    func requestRestart(reason: String) async throws { await gateway.restartAfterRuns(reason, by: "operator") }

    func sessions(limit: Int) async throws -> [OperatorSession] {
        try await gateway.store.listSessions(Gateway.newest(limit, titles: true)).map {
            OperatorSession(
                key: $0.session.key.text, label: $0.session.fields["label"]?.stringValue ?? $0.derivedTitle,
                updatedAt: $0.session.updatedAt)
        }
    }

    /// The journal's values of a change; a single one is shown bare.
    private static func text(_ values: JSONObject) -> String? {
        if values.isEmpty { return nil }
        return values.count == 1 ? JSONWriter.string(values.values[0]) : JSONWriter.string(.object(values))
    }

    /// What a person typed as a value: JSON5 where it parses, else a string.
    private static func value(_ text: String) -> JSONValue {
        (try? JSON5.parse(Array(text.utf8))) ?? .string(text)  // not JSON5: it is meant as text
    }

    private static func result(_ path: String, _ result: ConfigWriteResult) -> OperatorConfigResult {
        // A change of several settings has no single path, and then no value to show.
        let single = try? ConfigPath(parsing: path)  // see above
        let effective = single.flatMap { result.snapshot.value(at: $0) }
        return OperatorConfigResult(
            path: path, effectiveText: effective.map(JSONWriter.string),
            needsRestart: result.reload.action == .restart, undoId: result.undoId ?? "")
    }
}

extension Gateway {
    func operatorHealth() async -> OperatorHealth {
        let count = (try? await store.sessionCount()) ?? 0  // health never fails: what can't be told is empty
        let model = models.descriptor(forAgent: defaultAgentId(), session: [:], config: config.config)
        let facts = ProcessFacts.current()
        return OperatorHealth(
            displayName: instance.displayName, profile: instance.profile?.text, instanceId: identity.instanceId,
            version: version, now: clock.now(), startedAt: startedAt, port: port == 0 ? nil : port, pid: facts.pid,
            memoryBytes: facts.residentBytes, sessionCount: count, activeRuns: lanes?.activeRuns.count ?? 0,
            model: model.provider == OperatorProvider.name ? nil : model.reference,
            modelFailures: models.failures.recent.reversed().map {
                OperatorModelFailure(
                    model: $0.model.reference, reason: $0.error.reason, status: $0.error.status,
                    message: $0.error.message, at: $0.at, runId: $0.runId)
            },
            recentErrors: recentErrors.records.suffix(10).reversed().map(\.operatorLine),
            configIssues: config.errors.map { "\($0.path): \($0.message)" },
            configWarnings: config.warnings.map { "\($0.path): \($0.message)" }, configPath: instance.configPath,
            commandPrefix: instance.command, dashboardURL: "http://127.0.0.1:\(port)/")
    }

    /// The operator acts with the authority of whoever sent the message, never with its own.
    func operatorAuthority(runId: String) -> OperatorAuthority {
        runs[runId]?.mayAdminister == true ? .full : .readOnly
    }
}

extension LogRecord {
    var operatorLine: OperatorLogLine {
        let facts = fields.map { "\($0.name)=\($0.value)" }
        return OperatorLogLine(
            at: time, level: level <= .warning ? "warn" : "error", message: ([message] + facts).joined(separator: " "))
    }

    /// The line for `status`.
    var summary: JSONValue {
        [
            "ts": .int(time), "level": .string(level.rawValue), "subsystem": .string(subsystem),
            "message": .string(message),
            "meta": .object(JSONObject(fields.map { ($0.name, .string($0.value)) }, uniquingKeysWith: { $1 })),
        ]
    }
}

extension OperatorLogLine {
    /// Reads a line of the JSON log; nil when it is none.
    init?(logLine: String) {
        guard let json = try? JSONParser.parse(logLine) else { return nil }  // a torn or foreign line is left out
        let time = json["time"]?.stringValue.flatMap(WallClock.parse(iso8601:)) ?? 0
        let facts = (json["meta"]?.objectValue ?? [:]).map { "\($0.key)=\($0.value.stringValue ?? "")" }
        let level = json["level"]?.stringValue ?? "info"
        self.init(
            at: time, level: level == "warning" ? "warn" : level,
            message: ([json["message"]?.stringValue ?? ""] + facts).joined(separator: " "))
    }
}
