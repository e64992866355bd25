import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisGateway
import JarvisHost

/// `jarvis gateway run`: serves until a signal.
struct GatewayRunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run the gateway in this terminal until Ctrl-C.",
        discussion: """
            Ctrl-C or SIGTERM stops it, and so does closing its terminal; SIGHUP (kill -HUP) reads the configuration \
            again, SIGUSR1 restarts it in place.

            --force takes this state directory over: the gateway that has proven to hold it is asked to stop, and only \
            then signalled. A port that somebody else holds is never freed: its holder is named.

            Examples:
              jarvis gateway run
              jarvis gateway --port 18789 --verbose
              jarvis --profile rescue gateway --port 19001

            Exit codes: 0 stopped; 1 can't start as configured; 2 wrong usage; 78 state directory, workspace or port are \
            in use, do not restart.
            """)

    @Option(help: "The port, 1 to 65535. Default: JARVIS_GATEWAY_PORT, then gateway.port.")
    var port: Int?

    @Option(help: "Where to listen: \(Self.binds.joined(separator: ", ")). Default: gateway.bind, then loopback.")
    var bind: String?

    @Option(help: "How clients prove themselves: \(Self.auths.joined(separator: ", ")).")
    var auth: String?

    @Option(help: "The shared token of this run. JARVIS_GATEWAY_TOKEN keeps it out of the process list.")
    var token: String?

    @Option(help: "The shared password of this run. JARVIS_GATEWAY_PASSWORD keeps it out of the process list.")
    var password: String?

    @Flag(help: "Start although no configuration says gateway.mode: \"local\".")
    var allowUnconfigured = false

    @Flag(help: "Take over this state directory: ask the gateway that has proven to hold it to stop, then start.")
    var force = false

    @Flag(help: "Show debug lines in the terminal.")
    var verbose = false

    @Flag(help: "Make configuration and workspace first when there are none.")
    var dev = false

    @OptionGroup(title: "Accepted for other gateways' scripts") var accepted: AcceptedGatewayFlags

    static let binds = ["loopback", "lan", "tailnet", "auto", "custom"]
    static let auths = ["none", "token", "password", "trusted-proxy"]

    mutating func validate() throws {
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port) is no port: expected 1 to 65535.")
        }
        try Self.check("--bind", bind, Self.binds)
        try Self.check("--auth", auth, Self.auths)
        for (name, value) in [("--token", token), ("--password", password)] where value?.isEmpty == true {
            throw ValidationError("\(name) is empty.")
        }
    }

    static func check(_ option: String, _ value: String?, _ allowed: [String]) throws {
        if let value, !allowed.contains(value) {
            throw ValidationError("\(option) “\(value.prefix(40))”: expected \(allowed.joined(separator: ", ")).")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let instance = try context.instance()
        try ServiceIdentity.check(instance, environment: context.environment)
        try accepted.act()
        if dev, !DurableFile.exists(instance.configPath) {
            _ = try InstanceSetup(context: context, instance: instance).apply(SetupWishes())
        }
        var options = GatewayOptions()
        options.port = port
        options.bind = bind
        options.auth = auth
        options.token = token.map(Secret.init)
        options.password = password.map(Secret.init)
        options.allowUnconfigured = allowUnconfigured
        if force { try await StateTakeover(instance: instance, context: context).perform() }
        try await GatewayRunner(context: context, instance: instance, options: options, verbose: verbose).run()
    }
}

/// Flags that scripts of other gateways pass. Each is harmless here or says why not.
struct AcceptedGatewayFlags: ParsableArguments {
    @Option(help: "off. Exposing the port by serve or funnel is not available yet.")
    var tailscale: String = "off"

    @Flag(help: "No effect.")
    var tailscaleResetOnExit = false

    @Option(help: "auto, full or compact. No effect.")
    var wsLog: String = "auto"

    @Flag(help: "No effect.")
    var compact = false

    @Flag(help: "No effect.")
    var claudeCliLogs = false

    @Flag(help: "No effect.")
    var rawStream = false

    @Option(help: "No effect.")
    var rawStreamPath: String?

    mutating func validate() throws {
        try GatewayRunCommand.check("--tailscale", tailscale, ["off", "serve", "funnel"])
        try GatewayRunCommand.check("--ws-log", wsLog, ["auto", "full", "compact"])
    }

    /// Says what can't be done.
    ///
    /// - Throws: `gateway.tailscale`, exit 1, for a wish that would change who can reach the port.
    func act() throws {
        if tailscale != "off" {
            throw JarvisError(
                "gateway.tailscale", "--tailscale \(tailscale) is not available in this version.",
                hint: "Leave it away and put a tunnel of your own in front of the loopback port.")
        }
    }
}
