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
        var rows: [Row] = []
        for name in [Instance.Value.profile, .home, .stateDirectory, .configPath] {
            guard let value = instance.provenance[name] else { continue }
            rows.append(
                Row(
                    name.rawValue, value.value, value.source,
                    value.overruled.map { Lost(value: $0.value, source: $0.source, reason: $0.reason) }))
        }
        rows.append(Row("port", String(port.value), port.source, portLosers(instance, config.config, port)))
        let workspace = config.config.agents.defaults.workspace
        rows.append(
            Row(
                "workspace", workspace ?? instance.defaultWorkspace,
                workspace == nil ? .derived("stateDirectory") : .config("agents.defaults.workspace")))
        rows.append(Row("controlSocket", instance.paths.controlSocket, .derived("stateDirectory")))
        rows.append(Row("log", instance.paths.gatewayLog, .derived("stateDirectory")))
        CommandOutput(
            json: .members([
                "instanceId": JSONValue(facts.instanceId), "exists": .bool(facts.instanceId != nil || config.exists),
                "running": .bool(facts.isRunning), "configExists": .bool(config.exists),
                "command": .string(instance.command),
                "values": .object(JSONObject(uniqueKeysWithValues: rows.map { ($0.name, $0.json) })),
            ]), text: Self.text(rows, facts: facts, terminal: context.terminal)
        ).show(json: json.isOn)
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
        var value: String
        var source: ValueSource
        var overruled: [Lost]

        init(_ name: String, _ value: String, _ source: ValueSource, _ overruled: [Lost] = []) {
            self.name = name
            self.value = value
            self.source = source
            self.overruled = overruled
        }

        var json: JSONValue {
            [
                "value": .string(value), "source": .string(source.description), "kind": .string(source.kind),
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

    private static func text(_ rows: [Row], facts: InstanceFacts, terminal: Terminal) -> String {
        var table = TextTable()
        for row in rows {
            table.add(row.name, row.value, "(\(row.source))")
            for lost in row.overruled { table.add("", "not \(lost.value)", "(\(lost.source): \(lost.reason))") }
        }
        table.add("instanceId", facts.instanceId ?? "none yet", "")
        table.add("running", facts.isRunning ? "yes" : "no", "")
        return table.text
    }
}
