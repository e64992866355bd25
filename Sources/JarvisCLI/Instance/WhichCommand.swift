import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis which`.
struct WhichCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "which",
        abstract: "Show which gateway a command would act on, and where each value comes from.",
        discussion: """
            Creates nothing and asks no gateway.

            Examples:
              jarvis which
              jarvis --profile rescue which --json

            Exit codes: 0 shown; 2 the flags and the environment contradict each other.
            """)

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let instance = try context.instance()
        let config = context.configStore(instance).load()
        let facts = InstanceFacts(context: context, instance: instance, config: config.config)
        let port = try instance.resolvePort(configured: config.config.gateway.port)
        let otherwise = WhichOtherwise(context: context, instance: instance)
        var rows: [Row] = []
        for name in [Instance.Value.profile, .home, .stateDirectory, .configPath] {
            guard let value = instance.provenance[name] else { continue }
            rows.append(
                Row(
                    name.rawValue, value.value, value.source,
                    value.overruled.map { Lost(value: $0.value, source: $0.source, reason: $0.reason) }))
        }
        rows.append(Row("port", String(port.value), port.source, portLosers(instance, config.config, port)))
        let span = try? PortSpan(base: port.value)  // a base without room above it has no derived ports
        if let span {
            rows.append(Row("browserControlPort", String(span.browserControl), .derived("port")))
            let range = span.browserProfiles
            rows.append(Row("browserProfilePorts", "\(range.lowerBound)-\(range.upperBound)", .derived("port")))
        }
        rows.append(Row("browserData", instance.paths.browser, .derived("stateDirectory")))
        let workspace = config.config.agents.defaults.workspace.map(instance.expand)
        let usual = instance.defaultWorkspace
        rows.append(
            Row(
                "workspace", workspace ?? usual,
                workspace == nil ? .derived("stateDirectory") : .config("agents.defaults.workspace"),
                workspace == nil || workspace == usual
                    ? [] : [Lost(value: usual, source: .default, reason: "agents.defaults.workspace comes first")]))
        rows.append(Row("controlSocket", instance.paths.controlSocket, .derived("stateDirectory")))
        rows.append(Row("log", instance.paths.gatewayLog, .derived("stateDirectory")))
        rows.append(
            Row(
                "instanceId", facts.instanceId, .derived("stateDirectory"),
                idLosers(context.environment["JARVIS_INSTANCE_ID"], facts)))
        let services = facts.instanceId.map { ServiceScan.of(instanceId: $0, environment: context.environment) } ?? []
        CommandOutput(
            json: .members([
                "instanceId": JSONValue(facts.instanceId), "exists": .bool(facts.instanceId != nil || config.exists),
                "running": .bool(facts.isRunning), "configExists": .bool(config.exists),
                "command": .string(instance.command), "version": .string(Version.text),
                "runningVersion": JSONValue(runningVersion(facts)),
                "ports": .members([
                    "gateway": JSONValue(port.value), "browserControl": span.map { JSONValue($0.browserControl) },
                    "browserProfiles": span.map {
                        [
                            "first": JSONValue($0.browserProfiles.lowerBound),
                            "last": JSONValue($0.browserProfiles.upperBound),
                        ]
                    },
                ]),
                "services": .array(services.map(\.json)), "otherwise": otherwise.json,
                "values": .object(JSONObject(uniqueKeysWithValues: rows.map { ($0.name, $0.json) })),
            ]),
            text: text(rows, facts: facts, services: services, otherwise: otherwise)
        ).show(json: json.isOn)
    }

    /// The version that the gateway wrote down when it started; nil when it does not run.
    private func runningVersion(_ facts: InstanceFacts) -> String? {
        guard facts.isRunning, let runtime = facts.runtime, runtime.isNote(of: facts.instanceId) else { return nil }
        return runtime.version
    }

    private func idLosers(_ said: String?, _ facts: InstanceFacts) -> [Lost] {
        guard let said, said != facts.instanceId else { return [] }
        return [
            Lost(value: said, source: .env("JARVIS_INSTANCE_ID"), reason: "not the id of this state directory")
        ]
    }

    private func portLosers(_ instance: Instance, _ config: Config, _ port: EffectivePort) -> [Lost] {
        var losers: [Lost] = []
        if let inherited = instance.inheritedPortVariable {
            losers.append(
                Lost(value: inherited, source: .env("JARVIS_GATEWAY_PORT"), reason: "inherited from another gateway"))
        }
        if let configured = config.gateway.port, port.source != .config("gateway.port") {
            losers.append(
                Lost(
                    value: String(configured), source: .config("gateway.port"), reason: "\(port.source) comes first"))
        }
        return losers
    }

    /// A value that something else came before.
    private struct Lost {
        var value: String
        var source: ValueSource
        var reason: String
    }

    private struct Row {
        var name: String
        var value: String?
        var source: ValueSource
        var overruled: [Lost]

        init(_ name: String, _ value: String?, _ source: ValueSource, _ overruled: [Lost] = []) {
            self.name = name
            self.value = value
            self.source = source
            self.overruled = overruled
        }

        var json: JSONValue {
            [
                "value": JSONValue(value), "source": .string(source.description), "kind": .string(source.kind),
                "overruled": .array(
                    overruled.map {
                        [
                            "value": .string($0.value), "source": .string($0.source.description),
                            "reason": .string($0.reason),
                        ]
                    }),
            ]
        }
    }

    private func text(
        _ rows: [Row], facts: InstanceFacts, services: [InstalledService], otherwise: WhichOtherwise
    ) -> String {
        var table = TextTable()
        for row in rows {
            table.add(row.name, row.value ?? "none yet", "(\(row.source))")
            for lost in row.overruled { table.add("", "not \(lost.value)", "(\(lost.source): \(lost.reason))") }
        }
        table.add("version", Version.text, runningVersion(facts).map { "(running: \($0))" } ?? "")
        for service in services { table.add("service", service.name, "(\(service.path))") }
        if services.isEmpty { table.add("service", "none", "") }
        table.add("running", facts.isRunning ? "yes" : "no", "")
        return ([table.text] + otherwise.lines).joined(separator: "\n")
    }
}

/// What the same words would have meant without the flag, when that is something else: the environment speaks of
/// another instance.
struct WhichOtherwise {
    /// The flag; nil when there was none, or when it changes nothing.
    private var flag: String?
    private var instance: Instance?
    private var refusal: JarvisError?

    init(context: CLIContext, instance: Instance) {
        let selection = context.globals.selection
        let names = ["JARVIS_PROFILE", "JARVIS_STATE_DIR", "JARVIS_CONFIG_PATH", "JARVIS_INSTANCE_ID"]
        guard selection.flag != nil || selection.dev, names.contains(where: { context.environment[$0] != nil }) else {
            return
        }
        do {
            let other = try InstanceResolver.resolve(environment: context.environment)
            guard
                other.profile != instance.profile || other.stateDirectory != instance.stateDirectory
                    || other.configPath != instance.configPath
            else { return }
            self.instance = other
        } catch {
            refusal = error
        }
        flag = selection.spelling
    }

    var json: JSONValue {
        guard let flag else { return .null }
        return .members([
            "without": .string(flag), "profile": instance.map { .string($0.displayName) },
            "stateDirectory": instance.map { .string($0.stateDirectory) },
            "configPath": instance.map { .string($0.configPath) },
            "error": refusal.map { ["code": .string($0.code.rawValue), "message": .string($0.message)] },
        ])
    }

    var lines: [String] {
        guard let flag else { return [] }
        if let refusal { return ["Without \(flag) this would be refused: \(refusal.message)"] }
        guard let instance else { return [] }
        return [
            "Without \(flag) it would be \(instance.displayName): state \(instance.stateDirectory),"
                + " config \(instance.configPath)"
        ]
    }
}
