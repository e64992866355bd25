import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis profile import`.
struct ProfileImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a new gateway from an exported one.",
        discussion: """
            Goes to a new name, never over a gateway that is there, and may be done while the original runs. Every file \
            is checked against the archive's manifest before anything is published. Id, token and port are new; bot \
            accounts that only one gateway can have are left out unless --keep-exclusive says that the original is gone.

            Examples:
              jarvis profile import ~/main.tar --profile restored
              jarvis profile import ~/main.sealed --profile main --keep-exclusive --passphrase-file ~/.passphrase

            Exit codes: 0 made; 1 can't be read or written; 2 wrong usage, a damaged or strange archive, a wrong \
            passphrase, a name that is taken or not allowed, or something that another gateway uses.
            """)

    @Argument(help: "The file that profile export wrote.")
    var file: String

    @Option(help: "The base port. Default: a block that nobody uses.")
    var port: Int?

    @Flag(help: "Take over what only one gateway can have, such as bot accounts.")
    var keepExclusive = false

    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port) is no port: expected 1 to 65535.")
        }
    }

    func run() throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        let name = try target.name(nil, usage: "Name the new gateway: jarvis profile import FILE --profile restored")
        let instance = try target.instance(name, source: "--profile")
        let path = try context.absolutePath(file)
        if DurableFile.exists(instance.stateDirectory) { throw InstanceStaging.exists(instance) }
        let archive = try ArchiveReader(path) { try passphrase.read(context, asks: true) }
        try target.trash.sweep()
        let builder = try InstanceBuilder(instance, target)
        let unpacked: ProfileImport.Unpacked
        let copy: ConfigCopy
        do {
            unpacked = try ProfileImport(
                instance: instance, staging: builder.staging, keepsExclusive: keepExclusive
            ).unpack(archive)
            let snapshot = ConfigLoader.load(
                text: unpacked.config, path: instance.configPath, environment: target.environment.variables)
            let rules = ProfileCopyRules(
                origin: .init(stateDirectory: unpacked.manifest.stateDirectory, home: unpacked.manifest.home),
                instance: instance, port: try builder.reserve(port), keepsExclusive: keepExclusive)
            copy = try rules.copy(snapshot)
        } catch {
            builder.discard()
            throw error
        }
        let made = try builder.make(config: copy.text, by: "import") { staging in
            let lines =
                keepExclusive
                ? unpacked.variables : ConfigCopy.lines(of: unpacked.variables, setting: copy.variables)
            if !lines.isEmpty { try DurableFile.write(lines, to: staging.staged(instance.paths.dotenv)) }
        }
        show(made, unpacked, copy, path, context)
    }

    private func show(
        _ made: InstanceBuilder.Made, _ unpacked: ProfileImport.Unpacked, _ copy: ConfigCopy, _ path: String,
        _ context: CLIContext
    ) {
        let missing = unpacked.manifest.leftOut.map { "\($0) was left out of the archive; set it when it is needed" }
        let notes = copy.notes + missing
        var lines = made.lines("Imported \(unpacked.manifest.profile) as the gateway", terminal: context.terminal)
        lines += ["Different from the original:"] + ProfileDifference.lines(copy.changes)
        if let sessions = unpacked.sessions { lines.append("  \(sessions) conversations taken over") }
        lines += notes.map { "note: \($0)" }
        CommandOutput(
            json: made.members(
                "import",
                [
                    "from": .string(unpacked.manifest.profile), "archive": .string(path),
                    "changes": ProfileDifference.json(copy.changes), "files": JSONValue(unpacked.manifest.files.count),
                    "sessions": unpacked.sessions.map { JSONValue($0) }, "notes": JSONValue(notes + made.errors),
                ]), text: lines.joined(separator: "\n")
        ).show(json: json.isOn)
    }
}
