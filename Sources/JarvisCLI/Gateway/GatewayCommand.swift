import ArgumentParser

/// `jarvis gateway`: the server and what speaks with it directly. Without a word after it, it runs the gateway.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Run the gateway, manage its service, or call one of its methods.",
        discussion: """
            “jarvis gateway” is the same as “jarvis gateway run”.

            Examples:
              jarvis gateway
              jarvis --profile rescue gateway --port 19001
              jarvis --profile rescue gateway install
              jarvis gateway call health
            """,
        subcommands: [
            GatewayRunCommand.self, GatewayInstallCommand.self, GatewayUninstallCommand.self, GatewayStartCommand.self,
            GatewayStopCommand.self, GatewayRestartCommand.self, GatewayStatusCommand.self, GatewayCallCommand.self,
            GatewayHealthCommand.self,
        ],
        defaultSubcommand: GatewayRunCommand.self)
}

/// `jarvis gateway health`: another spelling of `jarvis health`.
struct GatewayHealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health", abstract: "The same as “jarvis health”.",
        discussion: """
            Example:
              jarvis gateway health --json
            """)

    @OptionGroup var health: HealthCommand

    func run() async throws { try await health.run() }
}
