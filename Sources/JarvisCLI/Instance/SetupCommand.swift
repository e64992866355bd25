import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis setup`.
struct SetupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Make a gateway: configuration, workspace and state directory.",
        discussion: """
            Runs as often as you like: what is there stays, only what is missing is added.

            Examples:
              jarvis setup
              jarvis --profile rescue setup
              jarvis setup --workspace ~/assistant --port 18789

            Exit codes: 0 done; 1 can't be read or written; 2 wrong usage, or a port that belongs to another gateway.
            """)

    @Option(help: "Where the agent's files are. Default: in the state directory.")
    var workspace: String?

    @Option(help: "The base port. Default: 18789, for another profile a block that nobody uses.")
    var port: Int?

    @Option(help: "local: this host runs the gateway.")
    var mode: String?

    @Flag(help: "Ask for everything: the same as “jarvis onboard”.")
    var wizard = false

    @Flag(help: "No effect: setup never asks.")
    var nonInteractive = false

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port) is no port: expected 1 to 65535.")
        }
        if let mode, mode != "local" {
            throw ValidationError(
                "--mode “\(mode.prefix(40))”: this version sets up local gateways only; expected local.")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let instance = try context.instance()
        if wizard {
            try await OnboardWizard(context: context, instance: instance).run()
            return
        }
        var wishes = SetupWishes()
        wishes.workspace = try workspace.map(context.absolutePath)
        wishes.port = port
        if mode != nil { wishes.patch = ["gateway": ["mode": "local"]] }
        let result = try InstanceSetup(context: context, instance: instance).apply(wishes)
        SetupReport(result: result, terminal: context.terminal).output.show(json: json.isOn)
    }
}

/// What setup and onboarding say at the end.
struct SetupReport {
    let result: SetupResult
    let terminal: Terminal

    var output: CommandOutput { CommandOutput(json: json, text: text) }

    private var json: JSONValue {
        let instance = result.instance
        return .members([
            "ok": true,
            "instance": [
                "profile": .string(instance.displayName), "instanceId": .string(result.identity.instanceId),
                "stateDir": .string(instance.stateDirectory),
            ],
            "config": .members([
                "path": .string(instance.configPath), "created": .bool(result.configCreated),
                "changed": JSONValue(result.changed.map(\.description)), "undoId": result.undoId.map(JSONValue.string),
            ]),
            "workspace": ["path": .string(result.workspace), "created": JSONValue(result.workspaceFiles)],
            "sessions": ["path": .string(instance.paths.store)],
            "gateway": ["port": JSONValue(result.port.value), "portSource": .string(result.port.source.description)],
            "notes": JSONValue(result.notes), "next": .string("\(instance.command) gateway"),
        ])
    }

    /// The three OK lines, the target, and what to do next.
    var text: String {
        let instance = result.instance
        let ok = terminal.paint("OK", .success)
        let added = result.changed.map(\.description).joined(separator: ", ")
        let config = result.configCreated ? "created" : added.isEmpty ? "unchanged" : "added \(added)"
        let files = result.workspaceFiles.isEmpty ? "unchanged" : "\(result.workspaceFiles.count) files made"
        let color = InstanceColor.of(instanceId: result.identity.instanceId, name: instance.displayName)
        var lines = [
            "\(ok) config: \(instance.configPath) (\(config))", "\(ok) workspace: \(result.workspace) (\(files))",
            "\(ok) sessions: \(instance.paths.store)", "",
            "Gateway \(color.paint(instance.displayName, enabled: terminal.hasColor)), port \(result.port.value)"
                + " (\(result.port.source)), instance \(result.identity.instanceId.prefix(8))",
        ]
        lines += result.notes.map { "note: \($0)" }
        if let undoId = result.undoId { lines.append("Undo: \(instance.command) config undo \(undoId)") }
        lines.append("Next: \(instance.command) gateway")
        return lines.joined(separator: "\n")
    }
}
