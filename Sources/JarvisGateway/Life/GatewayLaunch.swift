import JarvisAgent
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisNet
import JarvisProtocol
import JarvisStore
import JarvisSystem
import Logging
import NIOCore
import NIOPosix

/// Everything that a start needs from outside.
package struct GatewayLaunch: Sendable {
    /// Which gateway.
    package var instance: Instance
    /// The environment of the process.
    package var environment: HostEnvironment
    /// Flags.
    package var options: GatewayOptions
    /// The program's version.
    package var version: String
    /// The clock.
    package var clock: WallClock
    /// Where records go.
    package var logger: Logger
    /// The last warnings and errors, fed by the logger.
    package var recentErrors: RecentLogs
    /// Learns secrets so that no record shows them.
    package var redactor: Redactor

    /// A start.
    package init(
        instance: Instance, environment: HostEnvironment, options: GatewayOptions, version: String, clock: WallClock,
        logger: Logger, recentErrors: RecentLogs, redactor: Redactor
    ) {
        self.instance = instance
        self.environment = environment
        self.options = options
        self.version = version
        self.clock = clock
        self.logger = logger
        self.recentErrors = recentErrors
        self.redactor = redactor
    }

    /// Starts the gateway: gate → locks → identity → store → runs → sockets → unfinished runs → ready.
    ///
    /// - Throws: `JarvisError`; exit code 78 when another process holds the state directory, the workspace or the port.
    package func start() async throws -> RunningGateway {
        var undo = LaunchUndo()
        do {
            return try await start(&undo)
        } catch {
            await undo.run()
            throw error
        }
    }

    private func start(_ undo: inout LaunchUndo) async throws -> RunningGateway {
        let instance = instance
        let configStore = ConfigStore(
            path: instance.configPath, stateDirectory: instance.stateDirectory, environment: environment.variables,
            version: version, clock: clock)
        let (gated, port) = try await Blocking.run { [self] in
            let snapshot = try StartGate.check(configStore.load(), launch: self, configStore: configStore)
            return (snapshot, try StartGate.port(snapshot, launch: self))
        }
        let held = try await Blocking.run { [self] in try Holdings.acquire(launch: self, snapshot: gated, port: port) }
        undo.add { held.release() }
        let (snapshot, facts) = try await Blocking.run { [self] in
            try StartGate.credentials(gated, launch: self, configStore: configStore)
        }
        for secret in snapshot.secrets.values { redactor.register(secret.reveal()) }
        for secret in [
            facts.token, facts.password, facts.environmentToken, facts.environmentPassword, facts.generatedToken,
        ] {
            if let secret { redactor.register(secret.reveal()) }
        }
        let store = try await Blocking.run { [clock, logger] in
            try Store.open(directory: instance.paths.store, clock: clock, logger: logger)
        }
        undo.add { await store.close() }
        let paired = try await store.devices(.paired).map(\.record)

        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        undo.add { try? await group.shutdownGracefully() }  // nothing is left to lose
        let loop = group.next()
        guard let pinned = loop as? any NIOSerialEventLoopExecutor else {
            throw JarvisError("gateway.loop", "this event loop can't run actors")
        }
        let gateway = Gateway(
            parts: Gateway.Parts(
                instance: instance, identity: held.identity, version: version, config: snapshot,
                configStore: configStore,
                store: store, auth: facts, options: options, clock: clock, logger: logger, recentErrors: recentErrors,
                redactor: redactor, hostName: environment.hostName, supervisor: ServiceMarker.supervisor(environment),
                pairedDevices: paired, isCanvasSkipped: environment["JARVIS_SKIP_CANVAS_HOST"] == "1",
                holdWorkspace: { try held.hold(workspace: $0) },
                rehearse: { [self] in
                    try StartGate.rehearse($0, servedPort: $1, launch: self, configStore: configStore)
                }, changePort: { [self] in try Holdings.changePort($0, launch: self, $1) }),
            loop: loop, executor: pinned.executor, client: HTTPClient(group: group, policy: .any))
        await gateway.prepareLanes()

        let listeners = try await Listeners.open(
            gateway: gateway, group: group, port: port, bind: options.bind, snapshot: snapshot, auth: facts)
        undo.add { await listeners.close() }
        try await gateway.serve(on: listeners)
        await gateway.prepareBrowser(
            try BrowserComposition(
                launch: self, identity: held.identity, configStore: configStore, base: listeners.port,
                adopt: { [weak gateway] snapshot in await gateway?.adopt(snapshot) }), group: group)
        undo.add { await gateway.closeBrowsers() }
        let browserListener = await openBrowserControl(gateway, group, base: listeners.port)
        undo.add { await browserListener?.close() }
        let runtime = RuntimeFile(
            version: version, instanceId: held.identity.instanceId, profile: instance.displayName,
            configPath: instance.configPath, port: listeners.port, bindHost: listeners.host, bootId: gateway.bootId,
            browserControlPort: browserListener?.port, controlSocket: instance.paths.controlSocket,
            startedAt: clock.now())
        try await Blocking.run { [logger] in
            try runtime.write(instance.paths)
            do {
                try configStore.markGood(snapshot)
            } catch {
                logger.warning("last good configuration not kept", metadata: ["error": "\(error)"])
            }
        }
        let running = RunningGateway(
            gateway: gateway, listeners: listeners, browserListener: browserListener, store: store, held: held,
            group: group, launch: self, configStore: configStore)
        running.hearSignals()
        let boot = await gateway.becomeReady()
        try await Blocking.run { [logger] in
            do {
                try LifecycleJournal(instance.paths).complete(with: boot)
            } catch {
                logger.warning("outcome of the restart not kept", metadata: ["error": "\(error)"])
            }
        }
        let model = await gateway.defaultModel
        logger.notice("agent model: \(model)")
        return running
    }
}

extension GatewayLaunch {
    /// The control service on base + 2; nil where there are no browsers, where `JARVIS_SKIP_BROWSER_CONTROL_SERVER`
    /// leaves it out, for a base port that the system chose, and when its port can't be had.
    fileprivate func openBrowserControl(
        _ gateway: Gateway, _ group: any EventLoopGroup, base: Int
    ) async -> BrowserListener? {
        let isSkipped = ["1", "true", "yes", "on"].contains(
            environment["JARVIS_SKIP_BROWSER_CONTROL_SERVER"]?.lowercased() ?? "")
        guard gateway.initialConfig.config.browser.enabled, !isSkipped, options.port != 0 else { return nil }
        guard let port = try? PortSpan(base: base).browserControl else { return nil }  // a base with no room above it
        let listener = await BrowserListener.open(gateway: gateway, group: group, port: port)
        await gateway.serveBrowsers(on: listener?.port)
        return listener
    }
}

/// What a failed start must give back, in reverse order.
private struct LaunchUndo {
    private var steps: [@Sendable () async -> Void] = []

    mutating func add(_ step: @escaping @Sendable () async -> Void) { steps.append(step) }

    func run() async {
        for step in steps.reversed() { await step() }
    }
}

extension Gateway {
    /// Makes the lanes; runs can't start before.
    func prepareLanes() {
        let driver = RunDriver(
            journal: StoreJournal(store: store), clock: clock, logger: logger
        ) { [weak self] request in
            guard let self else { throw CancellationError() }
            return try await self.compose(request)
        }
        lanes = LaneScheduler(driver: driver, maximumActive: config.config.agents.defaults.maxConcurrent)
    }

    /// Learns its address and puts unfinished runs back into their lanes, before any new message can get there.
    func serve(on listeners: Listeners) async throws {
        port = listeners.port
        isExposed = listeners.isExposed
        hosts = listeners.hosts
        bindMode = listeners.mode
        origins = OriginPolicy(
            port: listeners.port, addresses: listeners.addresses,
            allowedOrigins: config.config.gateway.controlUi.allowedOrigins)
        try await recoverRuns()
        try await refreshHealth()
    }

    /// From now on new work is taken and `/readyz` says so.
    func becomeReady() -> LifecycleTicket.Boot {
        phase = .ready
        readyAt = clock.now()
        return boot
    }

    /// Who answers the default agent.
    fileprivate var defaultModel: String {
        models.descriptor(forAgent: defaultAgentId(), session: [:], config: config.config).reference
    }
}
