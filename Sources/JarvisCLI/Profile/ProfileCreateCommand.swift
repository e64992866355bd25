import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis profile create`.
struct ProfileCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a new gateway: configuration, identity, workspace and a port of its own.",
        discussion: """
            What setup makes, under a name that must be free, all or nothing.

            Examples:
              jarvis profile create rescue
              jarvis profile create work --port 20400 --workspace ~/work

            Exit codes: 0 made; 1 can't be written; 2 wrong usage, a name that is taken or not allowed, or a port that
              belongs to another gateway.
            """)

    @Argument(help: "The name: 1 to 64 letters a-z, digits, “_” or “-”.")
    var name: String?

    @Option(help: "The base port. Default: a block that nobody uses.")
    var port: Int?

    @Option(help: "Where the agent's files are. Default: in the state directory.")
    var workspace: String?

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port) is no port: expected 1 to 65535.")
        }
    }

    func run() throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        let name = try target.name(name, usage: "For example: jarvis profile create rescue")
        let instance = try target.instance(name, source: "profile create")
        try target.trash.sweep()
        let builder = try InstanceBuilder(instance, target)
        let base: Int
        do {
            base = try builder.reserve(port)
        } catch {
            builder.discard()
            throw error
        }
        let text = ConfigTemplate.minimal(
            port: base, token: Identifiers.randomHex(bytes: 24),
            workspace: try workspace.map(context.absolutePath) ?? instance.defaultWorkspace)
        let made = try builder.make(config: text, by: "create")
        CommandOutput(
            json: made.members("create"),
            text: made.lines("Made the gateway", terminal: context.terminal).joined(separator: "\n")
        ).show(json: json.isOn)
    }
}

/// The base port that an instance would get, for a look without writing.
struct ProfilePort {
    private let choice: PortChoice

    init(_ target: ProfileTarget, _ instance: Instance) {
        choice = PortChoice(
            context: CLIContext(globals: target.context.globals, environment: target.environment), instance: instance)
    }

    /// The wished port when no other gateway owns it, else a block that is free.
    ///
    /// - Throws: `port.sibling`, `port.range`, `port.none`; exit 2.
    func choose(_ wish: Int?) throws -> Int {
        if let wish {
            try choice.check(wish)
            return wish
        }
        guard let base = try choice.propose() else {
            throw JarvisError(
                "port.none", "No block of ports is free on this host.", hint: "Choose one with --port.", exitCode: 2)
        }
        return base
    }
}
