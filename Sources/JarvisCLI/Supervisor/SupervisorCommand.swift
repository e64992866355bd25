import ArgumentParser

/// `jarvis supervisor`: what keeps gateways running where no service manager does.
struct SupervisorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "supervisor",
        abstract: "Keep gateways running on a host without a service manager.",
        discussion: """
            One supervisor for all gateways of a user. “jarvis gateway install --supervisor builtin” puts a gateway into \
            its care and starts it; “jarvis gateway start”, “stop” and “restart” then go through it.

            Examples:
              jarvis gateway install --supervisor builtin
              jarvis supervisor status
              jarvis supervisor stop
            """,
        subcommands: [SupervisorRunCommand.self, SupervisorStatusCommand.self, SupervisorStopCommand.self])
}
