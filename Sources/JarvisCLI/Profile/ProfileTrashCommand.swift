import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis profile trash`.
struct ProfileTrashCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trash",
        abstract: "Look at removed gateways, bring one back, or delete them for good.",
        discussion: """
            A removed gateway is kept for 7 days; later profile commands delete what is older.

            Examples:
              jarvis profile trash list
              jarvis profile trash restore test
              jarvis profile trash empty --yes

            Exit codes: 0 done; 1 can't be read or written; 2 wrong usage, no such entry, or its place is taken.
            """,
        subcommands: [
            ProfileTrashListCommand.self, ProfileTrashRestoreCommand.self, ProfileTrashEmptyCommand.self,
        ])

    static func json(_ entry: Trash.Entry) -> JSONValue {
        .members([
            "name": .string(entry.name), "profile": .string(entry.profile),
            "stateDir": .string(entry.stateDirectory), "instanceId": JSONValue(entry.instanceId),
            "removedAtMs": .int(entry.removedAt), "expiresAtMs": .int(entry.expiresAt),
            "path": .string(entry.directory), "services": JSONValue(entry.services),
        ])
    }

    /// The entry that `text` means: its own name, or the newest of that profile.
    ///
    /// - Throws: `profile.trash_unknown`, exit 2.
    static func entry(_ text: String, in trash: Trash) throws -> Trash.Entry {
        let entries = trash.entries()
        if let entry = entries.first(where: { $0.name == text }) ?? entries.first(where: { $0.profile == text }) {
            return entry
        }
        let known = entries.map(\.name)
        throw JarvisError(
            "profile.trash_unknown", "There is no “\(text.prefix(80))” in the trash at \(trash.directory).",
            hint: known.isEmpty ? "The trash is empty." : "There are: \(known.joined(separator: ", ")).", exitCode: 2)
    }
}

/// `jarvis profile trash list`.
struct ProfileTrashListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List removed gateways.",
        discussion: """
            Examples:
              jarvis profile trash list --json

            Exit codes: 0 listed; 2 wrong usage.
            """)

    @OptionGroup var json: JSONOption

    func run() throws {
        let trash = try ProfileTarget(CLIContext.current).trash
        let entries = trash.entries()
        var table = TextTable(header: ["name", "profile", "kept until", "size", "was at"])
        for entry in entries {
            table.add(
                entry.name, entry.profile, WallClock.iso8601(entry.expiresAt),
                Humanize.bytes(FileTree.size(of: entry.state)), entry.stateDirectory)
        }
        CommandOutput(
            json: ["trash": .array(entries.map(ProfileTrashCommand.json))],
            text: entries.isEmpty ? "The trash is empty." : table.text
        ).show(json: json.isOn)
    }
}

/// `jarvis profile trash restore`.
struct ProfileTrashRestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a removed gateway back to where it was.",
        discussion: """
            Examples:
              jarvis profile trash restore test

            Exit codes: 0 restored; 1 can't be moved; 2 wrong usage, no such entry, or its place is taken.
            """)

    @Argument(help: "The entry's name, or a profile: then its newest entry.")
    var name: String

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        let trash = try target.trash
        let entry = try ProfileTrashCommand.entry(name, in: trash)
        try trash.restore(entry)
        let instance = try target.instance(entry.profile, source: "profile trash restore")
        let notes = meet(instance, entry, target)
        var table = TextTable()
        table.add("  instance", "\(entry.profile) (\(entry.stateDirectory))")
        table.add("  live", "from the next start; the gateway is not running")
        table.add("  undo", "jarvis profile rm \(entry.profile)")
        table.add("  next", "\(instance.command) gateway")
        if !entry.services.isEmpty { table.add("  service", "again with: \(instance.command) gateway install") }
        CommandOutput(
            json: .members([
                "ok": true,
                "instance": .members([
                    "profile": .string(entry.profile), "instanceId": JSONValue(entry.instanceId),
                    "stateDir": .string(entry.stateDirectory),
                ]), "path": .string(entry.stateDirectory), "live": "not-running",
                "undo": .string("jarvis profile rm \(entry.profile)"),
                "next": .string("\(instance.command) gateway"), "notes": JSONValue(notes),
            ]),
            text: "Restored the gateway \(entry.profile).\n\(table.text)"
                + notes.map { "\nnote: \($0)" }.joined()
        ).show(json: json.isOn)
    }

    /// Tells the host that the instance is back, and the owner what others have taken meanwhile.
    private func meet(_ instance: Instance, _ entry: Trash.Entry, _ target: ProfileTarget) -> [String] {
        do {
            let base = target.configStore(instance).load().config.gateway.port ?? 0
            try target.leases.register(
                RegisteredInstance(instance, instanceId: entry.instanceId ?? "", base: base))
            try FleetCheck.requireDisjoint(instance, environment: target.environment)
            return []
        } catch {
            let failure = Failure(error)
            return [failure.message + (failure.hint.map { " → \($0)" } ?? "")]
        }
    }
}

/// `jarvis profile trash empty`.
struct ProfileTrashEmptyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "empty", abstract: "Delete removed gateways for good.",
        discussion: """
            Examples:
              jarvis profile trash empty
              jarvis profile trash empty test-20261122190000 --yes

            Exit codes: 0 deleted, or nothing to delete; 1 can't be deleted; 2 wrong usage, no such entry, or nobody to ask.
            """)

    @Argument(help: "One entry; all when absent.")
    var name: String?

    @Flag(help: "Do not ask.")
    var yes = false

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let trash = try ProfileTarget(context).trash
        let entries = try name.map { [try ProfileTrashCommand.entry($0, in: trash)] } ?? trash.entries()
        let bytes = entries.reduce(0) { $0 + FileTree.size(of: $1.state) }
        if !entries.isEmpty {
            let list = entries.map { "  \($0.name)  \($0.stateDirectory)" }.joined(separator: "\n")
            let go = try Consent(context: context, yes: yes, isQuiet: json.isOn).ask(
                "This deletes for good (\(Humanize.bytes(bytes))):\n\(list)", "Delete?",
                command: "jarvis profile trash empty --yes")
            guard go else { return Consent.showCancelled(json: json.isOn) }
        }
        for entry in entries { try trash.delete(entry) }
        CommandOutput(
            json: [
                "ok": true, "path": .string(trash.directory), "deleted": JSONValue(entries.map(\.name)),
                "bytes": JSONValue(bytes), "live": "not-running", "undo": .null,
            ],
            text: entries.isEmpty
                ? "The trash is empty." : "Deleted \(entries.count) of \(trash.directory). This can't be undone."
        ).show(json: json.isOn)
    }
}
