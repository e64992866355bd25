import ArgumentParser
import JarvisCore

/// `jarvis config get`.
struct ConfigGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Print a value as the gateway reads it: includes and variables resolved, secrets hidden.",
        discussion: """
            Examples:
              jarvis config get gateway.port
              jarvis config get agents.list[0] --json

            Exit codes: 0 printed; 1 nothing stands there, or the file can't be read; 2 malformed path.
            """)

    @Argument(help: "The path, for example gateway.port.")
    var path: String

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let instance = try context.existingInstance()
        let path = try ConfigCommand.path(path)
        let snapshot = context.configStore(instance).load()
        guard snapshot.isUsable else {
            throw JarvisError(
                "config.invalid",
                "\(snapshot.path) can't be read: \(snapshot.errors.first?.description ?? "unknown problem")",
                hint: "\(instance.command) config validate")
        }
        guard let value = snapshot.value(at: path) else {
            throw JarvisError("config.notFound", "Config path not found: \(self.path)")
        }
        CommandOutput(json: value, text: value.stringValue.map(Humanize.printable) ?? JSONWriter.pretty(value))
            .show(json: json.isOn)
    }
}
