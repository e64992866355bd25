import ArgumentParser
import JarvisConfig
import JarvisCore

/// `jarvis config`: read and change the configuration.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Read and change the configuration file.",
        discussion: """
            Paths look like gateway.port, agents.list[0].id or agents.defaults.models["openai/gpt-4.1"].

            Examples:
              jarvis config get gateway.port
              jarvis config set gateway.port 18789
              jarvis config validate
            """,
        subcommands: [
            ConfigGetCommand.self, ConfigSetCommand.self, ConfigUnsetCommand.self, ConfigValidateCommand.self,
            ConfigFileCommand.self, ConfigSchemaCommand.self, ConfigJournalCommand.self, ConfigUndoCommand.self,
        ])

    /// A path that names something.
    ///
    /// - Throws: `config.path`, exit 2.
    static func path(_ text: String) throws -> ConfigPath {
        let path = try ConfigPath(parsing: text)
        guard !path.elements.isEmpty else {
            throw JarvisError(
                "config.path", "an empty path names nothing", hint: "For example: jarvis config get gateway.port",
                exitCode: 2)
        }
        return path
    }
}
