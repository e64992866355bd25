import JarvisConfig
import JarvisCore
import JarvisHost

/// Everything `jarvis status` tells, gathered once and rendered twice.
struct StatusReport: Sendable {
    let instance: Instance
    let isRunning: Bool
    let runtime: RuntimeFile?
    let instanceId: String?
    let port: EffectivePort
    let url: String
    let config: ConfigSnapshot
    /// The gateway's own answer; nil when it does not run or did not answer.
    let answer: JSONValue?
    /// Why there is no answer.
    let failure: String?
    let latencyMs: Int
    let health: JSONValue?
    /// The newest warnings and errors of the log.
    let logLines: [LogLine]

    var isReachable: Bool { answer != nil }

    /// Why the running gateway accepts nothing any more.
    private var storeFailure: String? { answer?["store"]?["failure"]?.stringValue }

    static func gather(
        context: CLIContext, instance: Instance, timeout: Duration, deep: Bool, logLines: Int
    ) async throws -> StatusReport {
        let snapshot = context.configStore(instance).load()
        let facts = InstanceFacts(context: context, instance: instance, config: snapshot.config)
        let port = try facts.port()
        var answer: JSONValue?
        var health: JSONValue?
        var failure: String?
        let begun = ContinuousClock.now
        if facts.isRunning {
            do {
                let client = try await EndpointOptions.local(instance).open(timeout: timeout)
                defer { client.close() }
                answer = try await client.call("status", timeout: timeout)
                if deep { health = try await client.call("health", ["probe": true], timeout: timeout) }
            } catch {
                failure = Failure(error).message
            }
        } else {
            failure = "not running"
        }
        let elapsed = begun.duration(to: .now)
        let warnings = LogFileTail(path: instance.paths.gatewayLog).lastLines(maximumBytes: 256 << 10)
            .map(LogLine.init).filter { $0.isAtLeast(.warn) }
        return StatusReport(
            instance: instance, isRunning: facts.isRunning, runtime: facts.runtime, instanceId: facts.instanceId,
            port: port, url: "ws://127.0.0.1:\(port.value)", config: snapshot, answer: answer, failure: failure,
            latencyMs: Int(elapsed / .milliseconds(1)), health: health, logLines: Array(warnings.suffix(logLines)))
    }

    // MARK: For programs

    /// The gateway's own document, with what this side knows added.
    var json: JSONValue {
        var document = answer?.objectValue ?? [:]
        var gateway = document["gateway"]?.objectValue ?? [:]
        gateway["mode"] = config.config.gateway.mode.map { .string($0.rawValue) } ?? .null
        gateway["url"] = .string(url)
        gateway["urlSource"] = .string(isRunning ? "runtime" : port.source.description)
        gateway["reachable"] = .bool(isReachable)
        gateway["running"] = .bool(isRunning)
        gateway["connectLatencyMs"] = isReachable ? JSONValue(latencyMs) : .null
        gateway["error"] = JSONValue(failure)
        gateway["port"] = JSONValue(port.value)
        document["gateway"] = .object(gateway)
        document["instance"] = .members([
            "profile": .string(instance.displayName), "instanceId": JSONValue(instanceId),
            "stateDir": .string(instance.stateDirectory), "configPath": .string(instance.configPath),
            "workspace": .string(config.config.agents.defaults.workspace ?? instance.defaultWorkspace),
            "logFile": .string(instance.paths.gatewayLog), "command": .string(instance.command),
            "lastRuntime": isRunning ? nil : runtime.map(\.json),
        ])
        document["config"] = [
            "path": .string(config.path), "exists": .bool(config.exists), "valid": .bool(config.isValid),
            "usable": .bool(config.isUsable), "issues": .array(config.errors.map(\.json)),
            "warnings": .array(config.warnings.map(\.json)), "disabledSections": JSONValue(config.disabledSections),
        ]
        document["lastLogLines"] = .array(logLines.map(\.json))
        if let health { document["health"] = health }
        return .object(document)
    }

    // MARK: For people

    func text(_ terminal: Terminal) -> String {
        let color = InstanceColor.of(instanceId: instanceId, name: instance.displayName)
        var overview = TextTable()
        for (name, value) in overviewRows(terminal) { overview.add(name, value) }
        var parts = [
            color.paint("● \(instance.displayName)", enabled: terminal.hasColor) + "  " + state(terminal),
            overview.text,
        ]
        if let sessions = sessionsTable() { parts.append("Sessions\n" + sessions) }
        let issues = config.errors + config.warnings
        if !issues.isEmpty {
            let lines = issues.prefix(10).map {
                "  \($0.severity == .error ? terminal.paint("error", .error) : "note")  \($0.description)"
            }
            parts.append("Configuration\n" + lines.joined(separator: "\n"))
        }
        if !logLines.isEmpty {
            parts.append("Last warnings\n" + logLines.map { "  " + $0.text(terminal) }.joined(separator: "\n"))
        }
        parts.append("Next  " + nextStep)
        return parts.joined(separator: "\n\n")
    }

    private func state(_ terminal: Terminal) -> String {
        if storeFailure != nil { return terminal.paint("running, but it can't store anything", .error) }
        if isReachable { return terminal.paint("running", .success) }
        if isRunning { return terminal.paint("running, but not answering", .warn) + ": \(failure ?? "")" }
        return terminal.paint("not running", .warn)
    }

    private func overviewRows(_ terminal: Terminal) -> [(String, String)] {
        let gateway = answer?["gateway"]
        var rows: [(String, String)] = [
            ("  Instance", instanceId ?? "no identity yet"), ("  Gateway", "\(url)  (port: \(port.source))"),
            (
                "  Dashboard",
                DashboardAddress(port: port.value, basePath: config.config.gateway.controlUi.basePath, token: nil).text
            ),
        ]
        if let gateway {
            let pid = gateway["pid"]?.intValue ?? 0
            let up = Humanize.duration(milliseconds: Int64(gateway["uptimeMs"]?.intValue ?? 0))
            rows.append(("  Process", "pid \(pid), up \(up), version \(gateway["version"]?.stringValue ?? "?")"))
            let memory = gateway["rssBytes"]?.intValue.map(Humanize.bytes) ?? "?"
            rows.append(
                (
                    "  Load",
                    "\(gateway["clients"]?.intValue ?? 0) clients, \(gateway["activeRuns"]?.intValue ?? 0) runs, \(memory) resident"
                ))
        } else if let runtime {
            rows.append(
                (
                    "  Last seen",
                    "pid \(runtime.pid), port \(runtime.port), version \(runtime.version), started "
                        + WallClock.iso8601(runtime.startedAt)
                ))
        }
        if let browser = answer?["browser"] { rows.append(("  Browser", Self.browserWords(browser))) }
        if let model = answer?["model"] {
            let isOperator = model["isOperator"]?.boolValue ?? false
            rows.append(
                ("  Model", isOperator ? "none: the built-in operator answers" : model["reference"]?.stringValue ?? "?")
            )
            for failed in model["failures"]?.arrayValue?.suffix(2) ?? [] {
                rows.append(
                    (
                        "",
                        Humanize.line(
                            "\(failed["model"]?.stringValue ?? ""): \(failed["error"]?.stringValue ?? "")", width: 100)
                    ))
            }
        }
        if let storeFailure {
            rows.append(("  Store", storeFailure))
            rows.append(("", "Nothing is accepted any more. Look at the disk, then restart the gateway."))
        }
        if let path = answer?["store"]?["quarantined"]?.stringValue {
            rows.append(("  Set aside", "\(path)  (a damaged database; a new one took its place)"))
        }
        rows += [
            ("  Config", config.path + (config.exists ? (config.isValid ? "" : "  (has errors)") : "  (missing)"))
        ]
        if isRunning, let runtime, runtime.configPath != config.path {
            rows.append(("", "the gateway runs with another: \(runtime.configPath)"))
        }
        rows += [
            ("  State", instance.stateDirectory),
            ("  Workspace", config.config.agents.defaults.workspace ?? instance.defaultWorkspace),
            ("  Log", instance.paths.gatewayLog),
        ]
        return rows
    }

    /// `control on 18791; jarvis running (pid 42)`.
    private static func browserWords(_ browser: JSONValue) -> String {
        if browser["enabled"]?.boolValue == false { return "turned off (browser.enabled)" }
        let control =
            browser["controlPort"]?.intValue.map { "control on \($0)" }
            ?? browser["problem"]?.stringValue.map { "control is off: \($0)" } ?? "control over the gateway alone"
        let started = (browser["browsers"]?.arrayValue ?? []).filter { $0["state"]?.stringValue != "stopped" }
        let words = started.prefix(6).map { row in
            let pid = row["pid"]?.intValue.map { " (pid \($0))" } ?? ""
            return "\(row["profile"]?.stringValue ?? "?") \(row["state"]?.stringValue ?? "?")\(pid)"
        }
        let more = started.count > 6 ? ["… \(started.count - 6) more"] : []
        return ([control] + words + more).joined(separator: "; ")
    }

    private func sessionsTable() -> String? {
        guard let recent = answer?["sessions"]?["recent"]?.arrayValue, !recent.isEmpty else { return nil }
        var table = TextTable()
        for row in recent.prefix(5) {
            table.add(
                "  \(row["key"]?.stringValue ?? "")",
                Humanize.duration(milliseconds: Int64(row["age"]?.intValue ?? 0)) + " ago",
                "\(row["totalTokens"]?.intValue ?? 0) tokens")
        }
        let count = answer?["sessions"]?["count"]?.intValue ?? recent.count
        return count > 5 ? table.text + "\n  … \(count) in all: \(instance.command) sessions" : table.text
    }

    private var nextStep: String {
        if !config.isUsable || !config.isValid { return "\(instance.command) config validate" }
        if !isRunning { return config.exists ? "\(instance.command) gateway" : "\(instance.command) setup" }
        return isReachable && storeFailure == nil ? "\(instance.command) chat" : "\(instance.command) logs"
    }
}
