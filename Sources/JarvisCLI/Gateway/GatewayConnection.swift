import ArgumentParser
import JarvisClient
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisProtocol
import NIOPosix

/// Which gateway a command talks to: the instance's own control socket, or a URL with explicit credentials.
struct EndpointOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A gateway's WebSocket URL instead of this instance; needs --token or --password.", valueName: "ws-url"))
    var url: String?

    @Option(help: "The token for --url.")
    var token: String?

    @Option(help: "The password for --url.")
    var password: String?

    mutating func validate() throws {
        if url == nil, token != nil || password != nil {
            throw ValidationError("--token and --password belong to --url; the local gateway needs neither.")
        }
        if let url, !url.hasPrefix("ws://"), !url.hasPrefix("wss://") {
            throw ValidationError(
                "--url “\(url.prefix(100))” is no WebSocket URL; expected ws://host:port or wss://host:port.")
        }
        if url != nil, token == nil, password == nil {
            throw ValidationError("--url uses no stored credential: add --token or --password.")
        }
    }
}

/// The same, with the time that an answer may take.
struct ConnectionOptions: ParsableArguments {
    @OptionGroup var endpoint: EndpointOptions

    @Option(help: ArgumentHelp("How long to wait for an answer, in milliseconds.", valueName: "ms"))
    var timeout: Int = 10_000

    mutating func validate() throws {
        guard (1...86_400_000).contains(timeout) else {
            throw ValidationError("--timeout must be 1 to 86400000 milliseconds.")
        }
    }

    /// The wait.
    var wait: Duration { .milliseconds(timeout) }

    /// Connects to the gateway that is meant.
    ///
    /// - Throws: `gateway.not_running`, exit 1, with the command that starts it.
    func connect(_ context: CLIContext, mode: String = "cli") async throws -> RPCClient {
        try await endpoint.connect(context, mode: mode, timeout: wait)
    }
}

extension EndpointOptions {
    /// Connects to the gateway that is meant.
    ///
    /// - Throws: `gateway.not_running`, exit 1, with the command that starts it.
    func connect(
        _ context: CLIContext, mode: String = "cli", timeout: Duration = .seconds(10)
    ) async throws -> RPCClient {
        let endpoint = try resolve(context)
        do {
            return try await endpoint.open(mode: mode, timeout: timeout)
        } catch {
            guard let url, let better = await AnsweringInstance.explain(error, url: url, context: context) else {
                throw error
            }
            throw better
        }
    }

    /// The way to the gateway, as it is now.
    func resolve(_ context: CLIContext) throws -> GatewayEndpoint {
        if let url {
            return GatewayEndpoint(
                door: .url(url), token: token, password: password, expectedInstanceId: try expectedId(url, context))
        }
        return try Self.local(try context.existingInstance())
    }

    /// The instance that must answer at a URL of this host when a flag names one; nil when any may.
    private func expectedId(_ url: String, _ context: CLIContext) throws -> String? {
        guard context.globals.selection.flag != nil || context.globals.selection.dev,
            AnsweringInstance.localPort(url) != nil
        else { return nil }
        return try InstanceIdentity.load(stateDirectory: try context.instance().stateDirectory)?.instanceId
    }

    /// The control socket of a running instance. Its place follows from the state directory and its identity from
    /// `instance.json`: the runtime file may be stale or broken, and must never lead to a stranger.
    ///
    /// - Throws: `gateway.not_running`, exit 1; `instance.identity`, exit 78.
    static func local(_ instance: Instance) throws -> GatewayEndpoint {
        guard StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) else {
            throw JarvisError(
                "gateway.not_running", "The gateway \"\(instance.displayName)\" is not running.",
                hint: "Start it with: \(instance.command) gateway",
                metadata: ["stateDirectory": instance.stateDirectory])
        }
        let identity = try InstanceIdentity.load(stateDirectory: instance.stateDirectory)
        return GatewayEndpoint(
            door: .unix(path: ControlTarget.socket(instance.paths, instanceId: identity?.instanceId)),
            expectedInstanceId: identity?.instanceId)
    }
}

extension GatewayEndpoint {
    /// Connects as this program.
    func open(mode: String = "cli", timeout: Duration = .seconds(10)) async throws -> RPCClient {
        try await RPCClient.connect(
            self, version: Version.text, displayName: "jarvis \(mode)", mode: "cli", timeout: timeout,
            group: MultiThreadedEventLoopGroup.singleton)
    }
}
