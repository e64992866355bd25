import ArgumentParser

/// `jarvis sessions`: conversations. Without a word after it, it lists them.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "List, export and import conversations.",
        discussion: """
            Examples:
              jarvis sessions
              jarvis sessions export main --output main.jsonl
              jarvis sessions import main.jsonl --as agent:main:copy
            """,
        subcommands: [SessionsListCommand.self, SessionsExportCommand.self, SessionsImportCommand.self],
        defaultSubcommand: SessionsListCommand.self)
}
