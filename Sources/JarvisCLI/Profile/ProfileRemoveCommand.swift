import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis profile rm`.
struct ProfileRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Move a gateway to the trash, where it is kept for 7 days.",
        discussion: """
            Takes away the state directory and what lies in it, after showing what that is. A workspace outside the \
            state directory, the folders that links lead to and every other gateway stay as they are. The default \
            gateway must be named by --profile default.

            Examples:
              jarvis profile rm test
              jarvis profile rm test --yes --json
              jarvis --profile default profile rm

            Exit codes: 0 moved, or cancelled; 1 can't be moved; 2 wrong usage, an unknown name, a gateway that runs and \
            no --stop, or nobody to ask and no --yes.
            """)

    @Argument(help: "The profile.")
    var name: String?

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Stop its gateway first, when it runs.")
    var stop = false

    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        let name = try target.name(name, usage: "For example: jarvis profile rm test")
        let instance = try target.existing(name, source: "profile rm")
        try requireSpelledOut(instance, context)
        let trash = try target.trash
        trash.sweep()
        let removal = try ProfileRemoval(instance, target)
        try removal.check(mayRun: stop)
        let confirmed = try Consent(context: context, yes: yes, isQuiet: json.isOn).ask(
            removal.text, "Move “\(instance.displayName)” to the trash?", command: removal.command)
        guard confirmed else { return Consent.showCancelled(json: json.isOn) }
        _ = try await target.retire(instance, isWished: stop, to: "removed", command: removal.command)
        let entry = try removal.perform(trash)
        show(instance, removal, entry)
    }

    private func requireSpelledOut(_ instance: Instance, _ context: CLIContext) throws {
        guard instance.profile == nil, context.globals.selection.flag == nil else { return }
        throw JarvisError(
            "profile.default", "The default gateway is removed only when --profile default is spelled out.",
            hint: "If you mean it: jarvis --profile default profile rm", exitCode: 2)
    }

    private func show(_ instance: Instance, _ removal: ProfileRemoval, _ entry: Trash.Entry) {
        let undo = "jarvis profile trash restore \(entry.name)"
        var table = TextTable()
        table.add("  instance", "\(instance.displayName) (\(instance.stateDirectory))")
        table.add("  moved to", entry.state)
        table.add("  size", Humanize.bytes(removal.bytes))
        for path in removal.left { table.add("  left alone", path) }
        for service in removal.services { table.add("  uninstalled", "\(service.name) (\(service.path))") }
        table.add("  kept until", WallClock.iso8601(entry.expiresAt))
        table.add("  live", "yes; no gateway of this name is left")
        table.add("  undo", undo)
        CommandOutput(
            json: .members([
                "ok": true,
                "instance": .members([
                    "profile": .string(instance.displayName), "instanceId": JSONValue(removal.instanceId),
                    "stateDir": .string(instance.stateDirectory),
                ]), "path": .string(entry.state), "bytes": JSONValue(removal.bytes),
                "leftAlone": JSONValue(removal.left), "services": JSONValue(removal.services.map(\.name)),
                "trash": ProfileTrashCommand.json(entry), "live": "yes",
                "undo": .string(undo),
            ]), text: "Moved the gateway \(instance.displayName) to the trash.\n\(table.text)"
        ).show(json: json.isOn)
    }
}

/// What goes and what stays when an instance is removed. Made by looking only.
struct ProfileRemoval {
    let instance: Instance
    let instanceId: String?
    /// What lies in the state directory, by its first name, with sizes.
    let parts: [(name: String, bytes: Int)]
    /// Bytes that go.
    let bytes: Int
    /// What the instance uses outside its state directory and what links in it lead to: not touched.
    let left: [String]
    private let target: ProfileTarget
    /// The services that start it; they are uninstalled.
    let services: [InstalledService]

    init(_ instance: Instance, _ target: ProfileTarget) throws {
        self.instance = instance
        self.target = target
        let identity = try? InstanceIdentity.load(stateDirectory: instance.stateDirectory)  // a broken one goes too
        instanceId = identity?.instanceId
        let names = try FileTree.names(in: instance.stateDirectory)
        parts = names.map { name in
            let path = HostPath.join(instance.stateDirectory, name)
            return (name, FileTree.size(ofFileOrTree: path))
        }
        bytes = parts.reduce(0) { $0 + $1.bytes }
        services = identity.map { ServiceScan.of(instanceId: $0.instanceId, environment: target.environment) } ?? []
        left = try Self.outside(instance, target)
    }

    /// The command that removes without asking.
    var command: String {
        instance.profile == nil
            ? "jarvis --profile default profile rm --yes" : "jarvis profile rm \(instance.displayName) --yes"
    }

    /// The list with sizes, for the question.
    var text: String {
        var table = TextTable()
        for part in parts { table.add("  \(part.name)", Humanize.bytes(part.bytes)) }
        var lines = [
            "The gateway “\(instance.displayName)” at \(instance.stateDirectory), \(Humanize.bytes(bytes)):",
            table.text,
        ]
        lines += services.map { "  uninstalled: \($0.name) (\($0.path))" }
        lines += left.map { "  stays: \($0)" }
        return lines.joined(separator: "\n")
    }

    /// Passes when nothing stands in the way.
    ///
    /// - Parameter mayRun: whether a running gateway is stopped later.
    /// - Throws: `profile.running`, `profile.shared`; exit 2.
    func check(mayRun: Bool = false) throws {
        if !mayRun { try target.lock(instance, to: "removed", command: command).release() }
        try refuseForeignContent()
    }

    /// Moves the state directory to the trash, with its lock held, so that no gateway starts in between.
    ///
    /// - Throws: as `check`, and `profile.trash`.
    func perform(_ trash: Trash) throws -> Trash.Entry {
        try refuseForeignContent()
        let lock = try target.lock(instance, to: "removed", command: command)
        defer { lock.release() }
        let canonical = instance.canonicalStateDirectory
        let entry = try trash.put(instance, instanceId: instanceId, services: services.map(\.name))
        try? target.leases.forget(stateDirectory: canonical)  // an entry whose directory is gone counts for nothing
        return entry
    }

    /// A directory of another instance inside this one would go with it.
    private func refuseForeignContent() throws {
        let own = target.environment.canonicalize(instance.stateDirectory)
        let siblings = try InstanceScanner.siblings(of: instance, environment: target.environment)
        for sibling in siblings {
            let other = try sibling.instance(environment: target.environment)
            let config = target.configStore(other).load().config
            for path in [other.stateDirectory, other.configPath] + target.workspaces(other, config)
            where HostPath.isInside(target.environment.canonicalize(path), own) {
                throw JarvisError(
                    "profile.shared",
                    "\(path) belongs to the gateway “\(other.displayName)” and lies inside \(instance.stateDirectory).",
                    hint: "Move it out first; see: jarvis fleet check",
                    metadata: ["path": path, "sibling": other.displayName], exitCode: 2)
            }
        }
    }

    private static func outside(_ instance: Instance, _ target: ProfileTarget) throws -> [String] {
        var left: [String] = []
        let environment = target.environment
        let own = environment.canonicalize(instance.stateDirectory)
        let link = try? FileTree.readLink(instance.stateDirectory)  // usually it is no link
        if link != nil {
            left.append("\(own) (the state directory is a link to it)")
        }
        let config = target.configStore(instance).load().config
        for path in target.workspaces(instance, config)
        where !HostPath.isInside(environment.canonicalize(path), own) && DurableFile.exists(path) {
            left.append("\(path) (workspace)")
        }
        for entry in try FileTree.entries(of: own) where entry.kind == .link {
            let path = HostPath.join(own, entry.path)
            let target = environment.canonicalize(path)
            if !HostPath.isInside(target, own), left.count < 20 {
                left.append("\(target) (\(entry.path) is a link to it)")
            }
        }
        return left
    }
}
