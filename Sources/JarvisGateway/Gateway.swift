import JarvisAgent
import JarvisBrowser
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisKit
import JarvisNet
import JarvisProtocol
import JarvisProviders
import JarvisStore
import JarvisSystem
import Logging
import NIOCore

/// What a start was asked for on the command line and by the environment; each beats the configuration.
package struct GatewayOptions: Sendable {
    /// `--port`, checked; 0 lets the system choose (tests).
    package var port: Int?
    /// `--bind`.
    package var bind: String?
    /// `--auth`.
    package var auth: String?
    /// `--token`, or `JARVIS_GATEWAY_TOKEN`.
    package var token: Secret?
    /// `--password`, or `JARVIS_GATEWAY_PASSWORD`.
    package var password: Secret?
    /// `--allow-unconfigured`: start although no configuration says `gateway.mode: "local"`.
    package var allowUnconfigured = false

    /// No options.
    package init() {}
}

/// The gateway: the one owner of this instance's live state.
///
/// The actor is pinned to the event loop that serves the sockets, so a frame is decoded, dispatched and answered without
/// a change of thread; whatever blocks (files, SQLite, names) happens elsewhere and is awaited.
package actor Gateway {
    /// The loop of this actor and of every socket.
    package nonisolated let loop: any EventLoop
    private nonisolated let executor: any SerialExecutor
    /// Runs this actor on the event loop.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    nonisolated let instance: Instance
    nonisolated let identity: InstanceIdentity
    nonisolated let version: String
    nonisolated let configStore: ConfigStore
    nonisolated let store: Store
    nonisolated let clock: WallClock
    /// The processes that it started.
    nonisolated let children: ChildTree
    nonisolated let logger: Logger
    nonisolated let startedAt: EpochMilliseconds
    /// Names this start of the program: a restart in place keeps pid and start time.
    nonisolated let bootId = Identifiers.uuid()
    /// When it began to serve; 0 before.
    var readyAt: EpochMilliseconds = 0
    nonisolated let models: ModelCatalog
    nonisolated let recentErrors: RecentLogs
    nonisolated let options: GatewayOptions
    nonisolated let initialConfig: ConfigSnapshot
    nonisolated let authFacts: SharedSecretAuthFacts
    nonisolated let hostName: String
    nonisolated let supervisor: ServiceMarker.Supervisor
    nonisolated let holdWorkspace: @Sendable (String) throws -> Void
    nonisolated let redactor: Redactor
    nonisolated let rehearse: @Sendable (ConfigSnapshot, _ servedPort: Int) throws -> Void
    /// See `Parts.changePort`.
    nonisolated let changePort: @Sendable (Int, () throws -> ConfigWriteResult) throws -> ConfigWriteResult

    /// The configuration in force.
    var config: ConfigSnapshot
    /// How clients prove themselves.
    var auth: SharedSecretAuth
    /// Who may connect with a key of their own.
    var devices = DeviceRegistry()
    var rateLimiter = AuthRateLimiter()
    var refusalLog = LogBudget(perMinute: 30)
    /// Which Hosts and Origins are ours; final once the port is bound.
    var origins: OriginPolicy
    var port = 0
    /// Whether other hosts may reach the port.
    var isExposed = false
    /// The addresses on which it serves.
    var hosts: [String] = []
    /// The bind mode in force: `loopback`, `lan`, `tailnet`, `custom`.
    var bindMode = "loopback"

    /// Where the port came from: `flag`, `env`, `config`, `default`.
    var portSource: String {
        if options.port != nil { return "flag" }
        if instance.portVariable != nil { return "env" }
        return initialConfig.config.gateway.port != nil ? "config" : "default"
    }

    // Connections
    var connections: [Int: Connection] = [:]
    private var lastConnectionId = 0
    var eventSeq = 0
    /// Clients that were closed because they read too slowly.
    var slowClients = 0
    var presenceVersion = 0
    var healthVersion = 0
    var tickTask: Scheduled<Void>?
    var presenceTask: Scheduled<Void>?

    // Runs
    var lanes: LaneScheduler?
    var runs: [String: LiveRun] = [:]

    // Browser
    /// The browsers of this instance; nil until the ports are bound.
    var browser: BrowserControl?
    /// The port of the control service; nil when it is not open.
    var browserControlPort: Int?
    /// The processes of other gateways, which outlive this one. Blocks.
    var otherGateways: @Sendable () -> Set<Int32> = { [] }
    /// Why the control service does not listen although it should.
    var browserControlProblem: String?
    /// Requests to the browsers that are under way, by number.
    var browserWork: [Int: BrowserWork] = [:]
    var lastBrowserWork = 0
    /// The canvas.
    var canvas: CanvasHost
    /// Time that only goes forward: what the life of a capability is measured with.
    nonisolated let monotonic = MonotonicClock.system

    /// The questions to the owner.
    var approvals = ApprovalBoard()

    // Health
    var healthCache: (bytes: [UInt8], at: EpochMilliseconds)?
    var lastWake: JSONValue = .null
    var controlPlaneWrites: [String: [EpochMilliseconds]] = [:]

    // Life
    var phase: Phase = .starting
    /// Ends the process; nil until it serves.
    var endRequest: (@Sendable (RunningGateway.End) -> Void)?
    /// The restart or stop that is under way.
    var lifecycleTicket: LifecycleTicket?
    /// The ticket of a restart that waits for the end of the active runs.
    var pendingRestart: String?
    /// The configuration that it applies.
    var pendingConfigHash: String?
    /// Keys of the configuration that changed and count only after a restart.
    var restartPending: [String] = []
    /// What the log has said of small windows and their tools.
    var toldToolRoom: Set<String> = []
    /// When the last message came or went.
    var lastMessageAt: EpochMilliseconds?
    /// How long it waits at least, so that answers already written reach the clients.
    var restartDelayMs = 300

    /// Where the process stands.
    enum Phase: String, Sendable {
        /// Opening the store, binding ports, repeating unfinished runs.
        case starting
        /// Serving.
        case ready
        /// Told to stop; new work is refused.
        case draining
    }

    /// Everything that exists before the first socket opens.
    package struct Parts: Sendable {
        package var instance: Instance
        package var identity: InstanceIdentity
        package var version: String
        package var config: ConfigSnapshot
        package var configStore: ConfigStore
        package var store: Store
        package var auth: SharedSecretAuthFacts
        package var options: GatewayOptions
        package var clock: WallClock
        package var logger: Logger
        package var recentErrors: RecentLogs
        package var redactor: Redactor
        package var hostName: String
        /// Who keeps this process running.
        package var supervisor: ServiceMarker.Supervisor
        package var pairedDevices: [JSONObject]
        /// `JARVIS_SKIP_CANVAS_HOST=1`: the canvas is left out.
        package var isCanvasSkipped: Bool
        /// Makes and takes a workspace, or throws when another gateway has it. Blocks.
        package var holdWorkspace: @Sendable (String) throws -> Void
        /// Throws when a gateway that serves on this port would not come up again with this configuration. Blocks.
        package var rehearse: @Sendable (ConfigSnapshot, _ servedPort: Int) throws -> Void
        /// Makes a change that writes this base port, with the port set aside; throws when it belongs to another
        /// gateway, whether that one runs or not. Blocks.
        package var changePort: @Sendable (Int, () throws -> ConfigWriteResult) throws -> ConfigWriteResult
    }

    init(parts: Parts, loop: any EventLoop, executor: any SerialExecutor, client: HTTPClient) {
        self.loop = loop
        self.executor = executor
        instance = parts.instance
        identity = parts.identity
        version = parts.version
        config = parts.config
        initialConfig = parts.config
        configStore = parts.configStore
        store = parts.store
        clock = parts.clock
        children = ChildTree(instanceId: parts.identity.instanceId)
        logger = parts.logger
        options = parts.options
        startedAt = parts.clock.now()
        recentErrors = parts.recentErrors
        hostName = parts.hostName
        supervisor = parts.supervisor
        holdWorkspace = parts.holdWorkspace
        redactor = parts.redactor
        rehearse = parts.rehearse
        changePort = parts.changePort
        authFacts = parts.auth
        auth = parts.auth.resolve(parts.config.config)
        devices = DeviceRegistry(paired: parts.pairedDevices.compactMap(DeviceRegistry.Paired.init(record:)))
        canvas = CanvasHost(
            config: parts.config.config.canvasHost, instance: parts.instance, isSkipped: parts.isCanvasSkipped)
        models = ModelCatalog(client: client, clock: parts.clock)
        origins = OriginPolicy(
            port: 0, addresses: [], allowedOrigins: parts.config.config.gateway.controlUi.allowedOrigins)
        rateLimiter.limits = AuthRateLimiter.Limits(parts.config.config.gateway.auth.rateLimit)
    }

    /// A number for a new connection.
    func nextConnectionId() -> Int {
        lastConnectionId += 1
        return lastConnectionId
    }
}
