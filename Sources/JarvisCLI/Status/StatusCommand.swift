import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis status`.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what this gateway is, whether it runs, and what went wrong last.",
        discussion: """
            Works without a running gateway; then it shows what the last one left. Creates nothing.

            Examples:
              jarvis status
              jarvis --profile rescue status --json

            Exit codes: 0 running and answering; 1 not running or not answering; 2 no such instance.
            """)

    @Option(help: ArgumentHelp("How long to wait for the gateway, in milliseconds.", valueName: "ms"))
    var timeout: Int = 10_000

    @Flag(help: "Ask the gateway for its health too.")
    var deep = false

    @Flag(help: "Also show the newest warnings of the log.")
    var all = false

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard (1...600_000).contains(timeout) else {
            throw ValidationError("--timeout must be 1 to 600000 milliseconds.")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let instance = try context.existingInstance()
        let report = try await StatusReport.gather(
            context: context, instance: instance, timeout: .milliseconds(timeout), deep: deep, logLines: all ? 10 : 3)
        CommandOutput(json: report.json, text: report.text(context.terminal)).show(json: json.isOn)
        if !report.isReachable { throw ExitCode(1) }
    }
}
