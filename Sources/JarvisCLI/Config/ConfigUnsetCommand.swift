import ArgumentParser
import JarvisCore

/// `jarvis config unset`.
struct ConfigUnsetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unset",
        abstract: "Remove a value.",
        discussion: """
            Example:
              jarvis config unset agents.defaults.model

            Exit codes: 0 removed; 1 nothing stands there, refused or not writable; 2 malformed path.
            """)

    @Argument(help: "The path, for example gateway.port.")
    var path: String

    @OptionGroup var json: JSONOption

    func run() async throws {
        let path = try ConfigCommand.path(path)
        try await ConfigChange.perform(.current, title: "Removed \(path)", asksForJSON: json.isOn) {
            store throws(JarvisError) in
            try store.unset(path, actor: "cli")
        }
    }
}
