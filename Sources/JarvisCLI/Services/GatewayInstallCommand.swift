import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis gateway install`.
struct GatewayInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Install this gateway as a service and start it.",
        discussion: """
            On Linux a systemd unit of the user; with --system one of the machine, for the user whose instance it is. \
            The unit carries the instance's id and absolute paths, and no secret. Installed again it stays as it is, or \
            is brought up to date; your drop-ins are never touched. A unit of another gateway is never overwritten.

            Examples:
              jarvis gateway install
              jarvis --profile rescue gateway install --port 19789
              jarvis gateway install --supervisor builtin
              jarvis gateway install --dry-run

            Exit codes: 0 installed, or installed already; 1 the service manager refused or can't be reached; 2 wrong \
            usage, a unit of another gateway in the way, or the same gateway installed elsewhere.
            """)

    @Option(help: "The base port; written to gateway.port.")
    var port: Int?

    @Option(help: "The token of clients; written to gateway.auth.token, never to the service.")
    var token: String?

    @Option(help: "No effect: there is one program.")
    var runtime: String?

    @Flag(help: "Write the service again and restart it, also when it is up to date.")
    var force = false

    @Flag(help: "A unit of the machine, started at boot without a login; needs root.")
    var system = false

    @Option(help: "Who starts it: \(SupervisorChoice.allCases.map(\.rawValue).joined(separator: ", ")).")
    var supervisor: SupervisorChoice?

    @Flag(help: "Only install it: it starts at the next login or boot.")
    var noStart = false

    @Flag(help: "Print what would be installed, and change nothing.")
    var dryRun = false

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port) is no port: expected 1 to 65535.")
        }
        if token?.isEmpty == true { throw ValidationError("--token is empty.") }
        if system, let supervisor, supervisor.kind != .systemdSystem, supervisor != .systemd {
            throw ValidationError("--system and --supervisor \(supervisor.rawValue) exclude each other.")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let instance = try context.existingInstance()
        var install = ServiceInstall(context: context, instance: instance)
        install.kind = system ? .systemdSystem : supervisor?.kind
        install.starts = !noStart
        install.force = force
        install.port = port
        install.token = token
        if dryRun {
            try install.preview().show(json: json.isOn)
            return
        }
        try await install.run().show(json)
    }
}
