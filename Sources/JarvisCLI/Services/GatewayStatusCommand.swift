import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis gateway status`.
struct GatewayStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the service of this gateway, and whether the gateway answers.",
        discussion: """
            Looks at this instance's service only; services of other gateways are named, never counted as faults. \
            Creates nothing.

            Examples:
              jarvis gateway status
              jarvis --profile rescue gateway status --deep --json

            Exit codes: 0 the gateway answers, or was not asked (--no-probe); 1 it does not; 2 no such instance.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Don't ask the gateway.")
    var noProbe = false

    @Flag(help: "Look for other gateways in the directories of the machine too.")
    var deep = false

    @Flag(help: "End with 1 when the gateway does not answer; the default.")
    var requireRpc = false

    @OptionGroup var json: JSONOption

    func run() async throws {
        let services = try ServiceContext(.current)
        let report = try await GatewayStatusReport.gather(
            services, probe: noProbe ? nil : connection, deep: deep)
        CommandOutput(json: report.json, text: report.text(services.context.terminal)).show(json: json.isOn)
        if !noProbe, report.answer == nil { throw ExitCode(1) }
    }
}
