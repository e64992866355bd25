import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis profile clone`.
struct ProfileCloneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clone",
        abstract: "Make a new gateway like another one, without what only one of them can have.",
        discussion: """
            Settings are copied with their comments and references. Bot accounts, secrets and places that only one \
            gateway can have are left out; id, port, token and workspace are its own; model keys are shared. The \
            original is only read and may be running. The reference of the configuration says for every key what a \
            copy does with it.

            Examples:
              jarvis profile clone default test
              jarvis profile clone default test --dry-run --json
              jarvis profile clone main backup --with-workspace --with-sessions

            Exit codes: 0 made, or shown; 1 can't be read or written; 2 wrong usage, an unknown original, a name that is \
            taken or not allowed, or something that both would use.
            """)

    @Argument(help: "The original's profile.")
    var source: String

    @Argument(help: "The name of the new one.")
    var destination: String

    @Option(help: "The base port. Default: a block that nobody uses.")
    var port: Int?

    @Flag(help: "Copy the workspace also when it lies outside the original's state directory.")
    var withWorkspace = false

    @Flag(help: "Copy the conversations.")
    var withSessions = false

    @Flag(help: "Only show what would be different.")
    var dryRun = false

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port) is no port: expected 1 to 65535.")
        }
    }

    func run() throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        try target.refuseFlag(besides: [source, destination])
        let instance = try target.instance(destination, source: "profile clone: the new name")
        let original = try target.existing(source, source: "profile clone: the original")
        if original.stateDirectory == instance.stateDirectory {
            throw JarvisError(
                "profile.exists", "“\(instance.displayName)” can't be a clone of itself.",
                hint: "Choose another name for the clone.", exitCode: 2)
        }
        if dryRun {
            if DurableFile.exists(instance.stateDirectory) { throw InstanceStaging.exists(instance) }
            try show(plan(original, instance, target, port: ProfilePort(target, instance).choose(port)), context)
            return
        }
        try target.trash.sweep()
        let builder = try InstanceBuilder(instance, target)
        let plan: Plan
        do {
            plan = try self.plan(original, instance, target, port: builder.reserve(port))
        } catch {
            builder.discard()
            throw error
        }
        var result = Result()
        let made = try builder.make(config: plan.copy.text, by: "clone") { staging in
            try fill(staging, plan, &result)
        }
        show(made, plan, result, context)
    }

    // MARK: What it does

    private struct Plan {
        var original: Instance
        var instance: Instance
        var content: ProfileContent
        var copy: ConfigCopy
        var port: Int
        var copied: [ProfileContent.Workspace]
        var skipped: [String]

        var notes: [String] {
            copy.notes + skipped.map { "the workspace \($0) lies outside the original and was not copied" }
        }
    }

    private struct Result {
        var sessions: Int?
        var links: [String] = []
    }

    private func plan(
        _ original: Instance, _ instance: Instance, _ target: ProfileTarget, port: Int
    ) throws -> Plan {
        let snapshot = target.configStore(original).load()
        let rules = ProfileCopyRules(
            origin: .init(
                stateDirectory: original.stateDirectory, home: original.home, command: original.command),
            instance: instance, port: port)
        let content = ProfileContent(source: original, target: target, withWorkspace: withWorkspace)
        let (copied, skipped) = content.workspaces(for: instance, snapshot.config)
        return Plan(
            original: original, instance: instance, content: content, copy: try rules.copy(snapshot), port: port,
            copied: copied, skipped: skipped)
    }

    private func fill(_ staging: InstanceStaging, _ plan: Plan, _ result: inout Result) throws {
        for workspace in plan.copied {
            result.links += try ProfileContent.copyWorkspace(workspace.from, to: staging.staged(workspace.to))
        }
        if let lines = plan.content.variables(plan.copy) {
            try DurableFile.write(lines, to: staging.staged(plan.instance.paths.dotenv))
        }
        if withSessions {
            let store = staging.staged(plan.instance.paths.store)
            try DurableFile.createDirectory(store)
            result.sessions = try plan.content.copySessions(to: store)
        }
    }

    // MARK: What it says

    private func show(_ plan: Plan, _ context: CLIContext) throws {
        let lines =
            ["Cloning \(plan.original.displayName) to \(plan.instance.displayName) would change:"]
            + ProfileDifference.lines(plan.copy.changes) + plan.notes.map { "note: \($0)" }
            + ["Nothing was written. To do it: \(command)"]
        CommandOutput(
            json: [
                "ok": true, "dryRun": true, "from": .string(plan.original.displayName),
                "instance": [
                    "profile": .string(plan.instance.displayName), "stateDir": .string(plan.instance.stateDirectory),
                ], "path": .string(plan.instance.configPath), "port": JSONValue(plan.port),
                "changes": ProfileDifference.json(plan.copy.changes),
                "workspaces": JSONValue(plan.copied.map(\.from)), "notes": JSONValue(plan.notes),
                "live": "not-running", "next": .string(command),
            ], text: lines.joined(separator: "\n")
        ).show(json: json.isOn)
    }

    private var command: String {
        var words = ["jarvis profile clone \(source) \(destination)"]
        if let port { words.append("--port \(port)") }
        if withWorkspace { words.append("--with-workspace") }
        if withSessions { words.append("--with-sessions") }
        return words.joined(separator: " ")
    }

    private func show(_ made: InstanceBuilder.Made, _ plan: Plan, _ result: Result, _ context: CLIContext) {
        let notes =
            plan.notes + made.errors
            + result.links.prefix(20).map { "the link \($0) leads out of the workspace and was not copied" }
        var lines = made.lines(
            "Cloned \(plan.original.displayName) to the gateway", terminal: context.terminal)
        lines += ["Different from the original:"] + ProfileDifference.lines(plan.copy.changes)
        if let sessions = result.sessions { lines.append("  \(sessions) conversations copied") }
        lines += notes.filter { !made.errors.contains($0) }.map { "note: \($0)" }
        CommandOutput(
            json: made.members(
                "clone",
                [
                    "from": .string(plan.original.displayName),
                    "changes": ProfileDifference.json(plan.copy.changes),
                    "workspaces": JSONValue(plan.copied.map(\.from)),
                    "sessions": result.sessions.map { JSONValue($0) }, "notes": JSONValue(notes),
                ]), text: lines.joined(separator: "\n")
        ).show(json: json.isOn)
    }
}
