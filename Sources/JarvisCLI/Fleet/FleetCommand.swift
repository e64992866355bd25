import ArgumentParser

/// `jarvis fleet`.
struct FleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet",
        abstract: "Look at all gateways of this host together.",
        discussion: """
            Example:
              jarvis fleet check
            """,
        subcommands: [FleetCheckCommand.self])
}
