import ArgumentParser

/// The root of the command tree. A new command is one file and one line here.
struct JarvisCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jarvis",
        abstract: "A personal assistant gateway; several on one host, each on its own.",
        discussion: """
            Global options, before or after the command:
              --profile <name>     which gateway (default: the default instance)
              --dev                the same as --profile dev
              --log-level <level>  how much is logged: trace to fatal, or silent
              --no-color           no colours
              -V, --version        the version

            Examples:
              jarvis setup                                 make the default gateway
              jarvis gateway                               run it
              jarvis dashboard                             open its page
              jarvis agent -m "hello"                      ask it something
              jarvis --profile rescue setup                make a second one

            Exit codes: 0 done; 1 failed; 2 wrong usage, or two wishes that exclude each other; 78 the gateway can't \
            run here now (state directory, workspace or port in use), do not restart it. Ctrl-C ends with 130.
            """,
        subcommands: [
            SetupCommand.self, OnboardCommand.self, ConfigCommand.self, GatewayCommand.self, DaemonCommand.self,
            StatusCommand.self,
            HealthCommand.self, AgentCommand.self, ChatCommand.self, DashboardCommand.self, LogsCommand.self,
            SessionsCommand.self, InstancesCommand.self, WhichCommand.self, ProfileCommand.self, FleetCommand.self,
            CompletionCommand.self, DebugCommand.self, PortsCommand.self, DoctorCommand.self, IsolationCommand.self,
            SupervisorCommand.self, BrowserCommand.self, CanvasCommandGroup.self,
            ApprovalsCommand.self,
        ])
}
