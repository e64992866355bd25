import ArgumentParser
import JarvisCore

/// `jarvis config file`.
struct ConfigFileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "file",
        abstract: "Print where the configuration file is, whether or not it exists.",
        discussion: """
            Example:
              $EDITOR "$(jarvis config file)"

            Exit codes: 0 printed.
            """)

    @OptionGroup var json: JSONOption

    func run() throws {
        let path = try CLIContext.current.instance().configPath
        CommandOutput(json: ["path": .string(path), "exists": .bool(DurableFile.exists(path))], text: path)
            .show(json: json.isOn)
    }
}
