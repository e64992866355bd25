import JarvisConfig
import JarvisCore
import JarvisGateway
import JarvisHost
import JarvisSystem
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs one gateway in this process: logs, start, banner, serve, and the restart in place.
struct GatewayRunner {
    private let context: CLIContext
    private let instance: Instance
    private let options: GatewayOptions
    private let file: LogFile
    private let held: HeldLogSink
    private let recent = RecentLogs(capacity: 50)
    private let redactor = Redactor()
    private let logger: Logger
    private let config: Config

    init(context: CLIContext, instance: Instance, options: GatewayOptions, verbose: Bool) throws {
        self.context = context
        self.instance = instance
        self.options = options
        config = context.configStore(instance).load().config
        for secret in [options.token, options.password] {
            if let secret { redactor.register(secret.reveal()) }
        }
        let levels = try LogLevels(context: context, logging: config.logging, verbose: verbose)
        file = LogFile(path: instance.paths.gatewayLog, threshold: levels.file)
        held = HeldLogSink(file)
        let console = LogConsole(
            style: config.logging.consoleStyle == "json" ? .json : context.terminal.errorHasColor ? .pretty : .plain,
            threshold: levels.console)
        let sinks: [any LogSink] = [held, console, recent]
        let redactor = redactor
        logger = Logger(label: "gateway") { SinkLogHandler(label: $0, sinks: sinks, redactor: redactor) }
    }

    /// Serves until a signal; does not return when the gateway is asked to restart.
    ///
    /// - Throws: `JarvisError` with the exit code of the refusal.
    func run() async throws {
        ControllingTerminal.keepHangups()
        let running = try await start()
        held.release()
        for host in running.hosts {
            logger.notice(
                "listening on ws://\(Self.shown(host)):\(running.port) (PID \(getpid()))",
                metadata: ["instance": "\(running.instanceId)", "profile": "\(instance.displayName)"])
        }
        logger.notice("log file: \(instance.paths.gatewayLog)")
        showBanner(running)
        let end = await running.serveUntilStopped()
        switch end {
        case .stop:
            logger.notice("gateway stopped")
            file.flush()
        case .restart(let reason):
            logger.notice("gateway restarts in place", metadata: ["reason": "\(reason)"])
            file.flush()
            throw ProcessRestart.inPlace()
        }
    }

    private func start() async throws -> RunningGateway {
        do {
            return try await GatewayLaunch(
                instance: instance, environment: context.environment, options: options, version: Version.text,
                clock: .system, logger: logger, recentErrors: recent, redactor: redactor
            ).start()
        } catch {
            throw refusal(error)
        }
    }

    /// The error of a failed start for people, kept in the log when this instance's log is ours to write.
    private func refusal(_ error: any Error) -> JarvisError {
        let failure = Failure(error)
        logger.error("gateway failed to start", metadata: ["code": "\(failure.code)", "error": "\(failure.message)"])
        if DurableFile.exists(instance.paths.logs), failure.code != "instance.locked" {
            held.release()
            file.flush()
        }
        reportFailure(failure)
        var message = "Gateway failed to start: \(failure.message)"
        if failure.code == "gateway.port_in_use", let port = (error as? JarvisError)?.metadata["port"] {
            message += "\nPort \(port) is already in use."
            if let holder = Int(port).flatMap(PortHolder.find(port:)) { message += "\n  held by \(holder)" }
        }
        return JarvisError(
            JarvisError.Code(rawValue: failure.code), message, hint: freePortHint(failure) ?? failure.hint,
            exitCode: failure.exitCode, cause: error)
    }

    /// The next command when the port is the problem, with a port that is free now; nil for other problems and when none
    /// is found. Another user's gateways are in no table of ours, so this is where the second user of a host learns it.
    private func freePortHint(_ failure: Failure) -> String? {
        guard ["gateway.port_in_use", "gateway.port_too_close"].contains(failure.code) else { return nil }
        let free = try? PortChoice(context: context, instance: instance).propose()  // without it the error still stands
        guard let free = free ?? nil else { return nil }
        return options.port == nil
            ? "\(instance.command) config set gateway.port \(free)" : "\(instance.command) gateway --port \(free)"
    }

    /// Tells a supervisor with which error the start ended, and ends the ticket of a restart that did not come up.
    private func reportFailure(_ failure: Failure) {
        let problem = LifecycleTicket.Problem(code: failure.code, message: failure.message, hint: failure.hint)
        if !StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) {
            // The error itself is told in any case.
            try? LifecycleJournal(instance.paths).fail(pid: getpid(), problem, at: WallClock.system.now())  // see above
        }
        guard let path = context.environment["JARVIS_EXIT_REPORT"], path.hasPrefix("/") else { return }
        let report: JSONValue = .members([
            "pid": JSONValue(Int(getpid())), "exitCode": JSONValue(Int(failure.exitCode)),
            "code": .string(failure.code), "message": .string(redactor.redact(failure.message)),
        ])
        try? DurableFile.write(JSONWriter.encode(report), to: path, sync: false)  // a hint only
    }

    private func showBanner(_ running: RunningGateway) {
        guard context.environment["JARVIS_HIDE_BANNER"] == nil else { return }
        let terminal = context.terminal
        let color = InstanceColor.of(instanceId: running.instanceId, name: instance.displayName)
        let name = color.paint("● \(instance.displayName)", enabled: terminal.errorHasColor)
        let page = DashboardAddress(
            port: running.port, basePath: config.gateway.controlUi.basePath,
            token: terminal.errorIsInteractive ? currentToken : nil)
        var table = TextTable()
        table.add("  listening", "ws://\(Self.shown(running.host)):\(running.port)")
        table.add("  dashboard", page.text)
        table.add("  log", instance.paths.gatewayLog)
        table.add("  chat", "\(instance.command) chat")
        Terminal.error("\(name)  JARVIS \(Version.text), instance \(running.instanceId.prefix(8))\n\(table.text)")
    }

    /// Read again: the start may have made a token.
    private var currentToken: String? {
        options.token?.reveal()
            ?? DashboardAddress.token(
                context.configStore(instance).load().config, environment: context.environment)
    }

    private static func shown(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

/// The log levels of file and terminal: `--log-level`, then `JARVIS_LOG_LEVEL`, then the configuration.
struct LogLevels {
    let file: LogThreshold
    let console: LogThreshold

    /// - Throws: `usage.value`, exit 2, for a variable that is no level.
    init(context: CLIContext, logging: LoggingConfig, verbose: Bool) throws {
        let variable = try context.environment["JARVIS_LOG_LEVEL"].map {
            try GlobalArguments.threshold($0, source: "JARVIS_LOG_LEVEL")
        }
        let said = context.globals.logLevel ?? variable
        file = said ?? LogThreshold(logging.level) ?? .info
        // What it prints goes to a file that only a crash should fill.
        let isKept = ServiceMarker.supervisor(context.environment) == .builtin
        console =
            isKept
            ? .silent
            : context.globals.logLevel ?? (verbose ? .debug : variable ?? LogThreshold(logging.consoleLevel) ?? .info)
    }
}
