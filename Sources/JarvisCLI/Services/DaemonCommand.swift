import ArgumentParser

/// `jarvis daemon`: another spelling of the service commands of `jarvis gateway`.
struct DaemonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon",
        abstract: "The service commands of “jarvis gateway” under another name.",
        discussion: """
            Example:
              jarvis daemon status --json
            """,
        subcommands: [
            GatewayInstallCommand.self, GatewayUninstallCommand.self, GatewayStartCommand.self, GatewayStopCommand.self,
            GatewayRestartCommand.self, GatewayStatusCommand.self,
        ])
}
