@preconcurrency import Dispatch
import JarvisBrowser
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisNet
import JarvisProtocol
import JarvisStore
import JarvisSystem
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A gateway that serves, until it is told to stop.
package final class RunningGateway: Sendable {
    /// Why it ends.
    package enum End: Sendable, Equatable {
        /// A signal, or the caller.
        case stop
        /// A client, the operator or a changed configuration: the same program starts again at once.
        case restart(String)
    }

    private let gateway: Gateway
    private let listeners: Listeners
    private let browserListener: BrowserListener?
    private let store: Store
    private let held: Holdings
    private let group: MultiThreadedEventLoopGroup
    private let launch: GatewayLaunch
    private let configStore: ConfigStore
    private let ends: AsyncStream<End>
    private let end: AsyncStream<End>.Continuation
    private let terminal = TerminalAtStart()
    /// Whether SIGTERM or SIGINT came.
    private let stopSignal = Atomic<Bool>(false)
    private let signals = Mutex<SignalSources?>(nil)

    /// The port that clients use.
    package var port: Int { listeners.port }
    /// The address for people.
    package var host: String { listeners.host }
    /// Every address it listens on, `host` first.
    package var hosts: [String] { listeners.hosts }
    /// The instance's permanent id.
    package var instanceId: String { held.identity.instanceId }

    init(
        gateway: Gateway, listeners: Listeners, browserListener: BrowserListener?, store: Store, held: Holdings,
        group: MultiThreadedEventLoopGroup,
        launch: GatewayLaunch, configStore: ConfigStore
    ) {
        self.gateway = gateway
        self.listeners = listeners
        self.browserListener = browserListener
        self.store = store
        self.held = held
        self.group = group
        self.launch = launch
        self.configStore = configStore
        (ends, end) = AsyncStream.makeStream(of: End.self, bufferingPolicy: .bufferingOldest(8))
    }

    /// From here on signals are heard, before anybody is told that the gateway is ready: who knows may signal it. SIGTERM
    /// and SIGINT stop, SIGHUP reads the configuration again, SIGUSR1 restarts. What comes before `serveUntilStopped`
    /// waits for it.
    func hearSignals() {
        let sources = SignalSources { [self] signal in
            switch signal {
            case SIGHUP: hangup()
            case SIGUSR1: restart()
            default:
                stopSignal.store(true, ordering: .relaxed)
                end.yield(.stop)
            }
        }
        signals.withLock { $0 = sources }
        if ControllingTerminal.wasHungUp { hangup() }
    }

    /// Serves until a signal or a request ends it, then drains.
    package func serveUntilStopped() async -> End {
        let watcher = watchConfig()
        let notifier = ServiceNotifier(environment: launch.environment.variables)
        let reason = end
        await gateway.whenEndIsAsked { reason.yield($0) }
        await gateway.beatWatchdog(notifier)
        notifier.ready(status: "serving on port \(port)")
        gateway.loop.scheduleTask(in: .seconds(5)) { DispatchQueue.global().async { HeapTrim.afterStart() } }
        sweepLater()
        var iterator = ends.makeAsyncIterator()
        let first = await iterator.next() ?? .stop
        // A restart in place keeps the process: to a service manager it is a reload, which ends with the next `ready`.
        if first == .stop { notifier.stopping() } else { notifier.reloading() }
        watcher?.stop()
        // A second signal means: now.
        let impatient = ImpatientStop(ends)
        let last = await drain(first, impatient)
        impatient.cancel()
        signals.withLock { sources in
            sources?.cancel()
            sources = nil
        }
        if first != last { notifier.stopping() }
        return last
    }

    /// Ends browsers that an earlier start left behind, and what has been in the trash for long; not on the way to ready.
    private func sweepLater() {
        let (instance, id, logger, clock) = (launch.instance, held.identity.instanceId, launch.logger, launch.clock)
        let directories = gateway.initialConfig.config.browser.profiles.compactMap(\.userDataDir).map(instance.expand)
        DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(2)) {
            let ended = BrowserSweep.run(instanceId: id, root: instance.paths.browser, directories: directories)
            for browser in ended {
                logger.notice(
                    "orphaned browser ended", metadata: ["pid": "\(browser.pid)", "data": "\(browser.userDataDir)"])
            }
            InstanceTrash(instance.paths, clock: clock).sweep()
        }
    }

    /// Ends it as a signal would; for tests.
    package func stop() { end.yield(.stop) }

    /// - Returns: `why`, or `stop` when a signal asked for that while a restart was drained: nobody would hear it later.
    private func drain(_ why: End, _ impatient: ImpatientStop) async -> End {
        let isRestart = why != .stop
        launch.logger.notice("gateway stopping", metadata: ["why": "\(why)"])
        await listeners.stopAccepting()
        await browserListener?.stopAccepting()
        await gateway.beginDrain(
            reason: isRestart ? "gateway restarting" : "gateway stopping", restartExpectedMs: isRestart ? 1500 : nil)
        await gateway.drainRuns(timeout: isRestart ? .seconds(30) : .seconds(5), impatient)
        await gateway.closeClients()
        await listeners.close()
        await gateway.closeBrowsers()
        await browserListener?.close()
        await store.close()
        RuntimeFile.removeOwn(launch.instance.paths)
        let end = stopSignal.load(ordering: .relaxed) ? .stop : why
        if end == .stop { endTickets() }
        held.release()
        try? await group.shutdownGracefully()  // every socket is closed already
        return end
    }

    /// A stop is over, and a restart that was under way when the stop came will not happen.
    private func endTickets() {
        let journal = LifecycleJournal(launch.instance.paths)
        let now = launch.clock.now()
        do {
            for ticket in journal.tickets() where ticket.isPending {
                try journal.put(ticket.ended(ticket.action == .stop ? .done : .superseded, at: now))
            }
        } catch {
            launch.logger.warning("outcome of a request not kept", metadata: ["error": "\(error)"])
        }
    }

    /// SIGHUP: the terminal was closed, which ends the gateway that runs in it, or somebody wants the configuration read
    /// again.
    private func hangup() {
        guard terminal.mayEndIt else { return reload() }
        // The kernel may send the signal a moment before it takes the terminal away.
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(ControllingTerminal.isPresent() ? 250 : 0)) {
            [self] in
            if ControllingTerminal.isPresent() { return reload() }
            launch.logger.notice("the terminal was closed")
            end.yield(.stop)
        }
    }

    /// SIGUSR1.
    private func restart() {
        // unstructured: a signal has nobody who waits
        Task { await gateway.restartAfterRuns("SIGUSR1", by: "signal") }
    }

    private func watchConfig() -> ConfigWatcher? {
        let store = configStore
        let gateway = gateway
        let logger = launch.logger
        let reload = gateway.initialReload
        guard reload.mode != .off else { return nil }
        let watcher = ConfigWatcher(
            path: launch.instance.configPath, debounceMs: reload.debounceMs,
            load: {
                do {
                    _ = try store.recordExternalEdit()
                } catch {
                    logger.warning("edit of the configuration not journaled", metadata: ["error": "\(error)"])
                }
                return store.load()
            },
            onChange: { snapshot in gateway.loop.execute { gateway.assumeIsolated { $0.adopt(snapshot) } } })
        do {
            try watcher.start(from: gateway.initialConfig)
            return watcher
        } catch {
            logger.warning("configuration is not watched; send SIGHUP after an edit", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private func reload() {
        let store = configStore
        let gateway = gateway
        DispatchQueue.global().async {
            let snapshot = store.load()
            gateway.loop.execute { gateway.assumeIsolated { $0.adopt(snapshot) } }
        }
    }
}

/// Whether the gateway runs in a terminal and ends with it.
private struct TerminalAtStart: Sendable {
    let mayEndIt = !ControllingTerminal.isHangupIgnored && ControllingTerminal.isPresent()
}

/// Dispatch sources for the signals of a daemon; their default action is turned off while this lives.
private struct SignalSources: Sendable {
    private let sources: [any DispatchSourceSignal]

    init(_ handler: @escaping @Sendable (Int32) -> Void) {
        sources = [SIGTERM, SIGINT, SIGHUP, SIGUSR1].map { number in
            // Not SIG_IGN: that would throw away a signal that has come already and waits for the source.
            signal(number) { _ in }
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { handler(number) }
            source.resume()
            return source
        }
    }

    func cancel() {
        for source in sources { source.cancel() }
    }
}

/// Watches for a second request to stop while runs are drained.
final class ImpatientStop: Sendable {
    private let task: Task<Void, Never>

    init(_ ends: AsyncStream<RunningGateway.End>) {
        // unstructured: waits beside the drain and ends with it
        task = Task {
            var iterator = ends.makeAsyncIterator()
            while let next = await iterator.next() {
                if next == .stop { return }
            }
        }
    }

    /// Returns when somebody asked again; never after `cancel`.
    func wait() async { await task.value }

    func cancel() { task.cancel() }
}

extension Gateway {
    /// `gateway.reload` as it was at the start.
    nonisolated var initialReload: (mode: ReloadConfig.Mode, debounceMs: Int) {
        let reload = initialConfig.config.gateway.reload
        return (reload.mode, reload.debounceMs)
    }

    func whenEndIsAsked(_ handler: @escaping @Sendable (RunningGateway.End) -> Void) { endRequest = handler }

    /// Pings the service manager from this loop: a loop that is stuck stops pinging.
    func beatWatchdog(_ notifier: ServiceNotifier) {
        guard let interval = notifier.watchdogInterval else { return }
        let half = TimeAmount.nanoseconds(Int64((interval / 2) / .nanoseconds(1)))
        loop.scheduleRepeatedTask(initialDelay: .zero, delay: half) { _ in notifier.watchdog() }
    }

    func beginDrain(reason: String, restartExpectedMs: Int?) {
        phase = .draining
        denyPendingApprovals()
        broadcast(
            "shutdown",
            ["reason": .string(reason), "restartExpectedMs": restartExpectedMs.map(JSONValue.init(_:)) ?? .null])
    }

    /// Lets active runs end; what does not end in time stays unfinished in the store and is repeated at the next start.
    func drainRuns(timeout: Duration, _ impatient: ImpatientStop) async {
        guard let lanes else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await lanes.drain(timeout: timeout) }
            group.addTask {
                await impatient.wait()
                if !Task.isCancelled { await lanes.drain(timeout: .zero) }
            }
            await group.next()
            impatient.cancel()
            group.cancelAll()
        }
    }

    func closeClients() async {
        closeCanvas()
        for connection in connections.values { connection.socket.close(code: 1012, reason: "service restart") }
        for _ in 0..<50 where !connections.isEmpty {
            try? await Task.sleep(for: .milliseconds(10))  // cancelled means: no more waiting
        }
        tickTask?.cancel()
    }
}
