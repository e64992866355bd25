import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis profile export`.
struct ProfileExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a gateway into one file: settings, workspace, conversations.",
        discussion: """
            The file is a tar archive, the same bytes for the same gateway. Secrets, the identity, paired devices, logs \
            and what is only true while it runs stay out. With --include-secrets the secrets come along and the archive \
            is sealed under a passphrase. The gateway may be running.

            Examples:
              jarvis profile export default ~/default.tar
              jarvis profile export main ~/main.sealed --include-secrets --passphrase-file ~/.passphrase

            Exit codes: 0 written; 1 can't be read or written, or the workspace keeps changing; 2 wrong usage, an unknown \
            profile, or a file that is there already.
            """)

    @Argument(help: "The profile.")
    var profile: String

    @Argument(help: "The file to write (0600); it must not exist.")
    var file: String

    @Flag(help: "Include secrets; needs a passphrase.")
    var includeSecrets = false

    @Flag(help: "Include the workspace also when it lies outside the state directory.")
    var withWorkspace = false

    @Flag(help: "Leave the conversations out.")
    var withoutSessions = false

    @Flag(help: "Replace the file when it exists.")
    var force = false

    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        try target.refuseFlag(besides: [profile])
        let instance = try target.existing(profile, source: "profile export")
        let path = try context.absolutePath(file)
        if includeSecrets, !passphrase.isGiven, !context.terminal.canAsk {
            throw JarvisError(
                "usage.passphrase", "--include-secrets needs a passphrase: secrets never leave this host in the clear.",
                hint: "Add --passphrase-file FILE or --passphrase-stdin.", exitCode: 2)
        }
        if !force, DurableFile.exists(path) { throw Self.taken(path) }
        let secret = includeSecrets || passphrase.isGiven ? try passphrase.read(context, asks: true) : nil
        let export = ProfileExport(
            instance: instance, target: target, includesSecrets: includeSecrets, withWorkspace: withWorkspace,
            withSessions: !withoutSessions)
        let result = try Self.write(export, path, secret, force)
        show(instance, path, result, isSealed: secret != nil)
    }

    private static func write(
        _ export: ProfileExport, _ path: String, _ secret: [UInt8]?, _ force: Bool
    ) throws -> ProfileExport.Result {
        do {
            return try export.write(to: path, passphrase: secret, replaces: force)
        } catch let error as SystemCallError where DurableFile.exists(path) && error.call == "rename" && !force {
            throw taken(path)
        }
    }

    private static func taken(_ path: String) -> JarvisError {
        JarvisError(
            "export.exists", "\(path) exists already.", hint: "Choose another name, or replace it with --force.",
            metadata: ["path": path], exitCode: 2)
    }

    private func show(_ instance: Instance, _ path: String, _ result: ProfileExport.Result, isSealed: Bool) {
        let next = "jarvis profile import \(file) --profile <new name>"
        var table = TextTable()
        table.add("  instance", "\(instance.displayName) (\(instance.stateDirectory))")
        table.add("  file", "\(path)\(isSealed ? ", sealed" : "")")
        table.add("  holds", "\(result.files) files, \(Humanize.bytes(result.bytes))")
        if let sessions = result.sessions { table.add("  conversations", String(sessions)) }
        for setting in result.leftOut { table.add("  left out", setting) }
        table.add("  live", "nothing changed in the gateway")
        table.add("  undo", "rm \(path)")
        table.add("  next", next)
        CommandOutput(
            json: .members([
                "ok": true,
                "instance": .members([
                    "profile": .string(instance.displayName), "instanceId": JSONValue(result.instanceId),
                    "stateDir": .string(instance.stateDirectory),
                ]), "path": .string(path), "sealed": .bool(isSealed), "files": JSONValue(result.files),
                "bytes": JSONValue(result.bytes), "sessions": result.sessions.map { JSONValue($0) },
                "leftOut": JSONValue(result.leftOut), "notes": JSONValue(result.notes), "live": "unchanged",
                "undo": .string("rm \(path)"), "next": .string(next),
            ]),
            text: "Exported the gateway \(instance.displayName).\n\(table.text)"
                + result.notes.map { "\nnote: \($0)" }.joined()
        ).show(json: json.isOn)
    }
}
