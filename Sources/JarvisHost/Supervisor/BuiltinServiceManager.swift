import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The built-in supervisor as a service manager: install writes a wish, the supervisor obeys.
package struct BuiltinServiceManager: ServiceManager {
    package let kind = ServiceManagerKind.builtin
    private let environment: HostEnvironment
    private let patience: Duration

    /// The supervisor of this user.
    ///
    /// - Parameter patience: how long an action waits for its end. Default 90 s.
    package init(environment: HostEnvironment, patience: Duration = .seconds(90)) {
        self.environment = environment
        self.patience = patience
    }

    package func availability() -> ServiceAvailability {
        do {
            _ = try directory()
            return .ready(notes: [])
        } catch {
            return .missing(error)
        }
    }

    package func installed() -> [InstalledService] {
        guard let directory = try? directory() else { return [] }  // no home: no services
        return directory.wishes().map { $0.service(path: directory.wish($0.instanceId)) }
    }

    package func service(for unit: ServiceUnit) -> InstalledService {
        let path = (try? directory())?.wish(unit.instanceId) ?? ""  // no home: install says so
        return SupervisedInstance(unit, isWanted: true).service(path: path)
    }

    package func install(_ unit: ServiceUnit, start: Bool) throws -> ServiceChange {
        let directory = try directory()
        let state = environment.canonicalize(unit.stateDirectory)
        for other in directory.wishes()
        where other.instanceId != unit.instanceId && environment.canonicalize(other.stateDirectory) == state {
            throw JarvisError(
                "service.foreign",
                "The supervisor already keeps instance \(other.instanceId.prefix(8)) in \(unit.stateDirectory), and"
                    + " this one is \(unit.instanceId.prefix(8)).",
                hint: "If the other one is gone for good: rm \(Instance.quoted(directory.wish(other.instanceId)))",
                exitCode: 2)
        }
        let old = directory.wish(for: unit.instanceId)
        var wish = SupervisedInstance(unit, isWanted: old?.isWanted ?? start, generation: old?.generation ?? 1)
        let isSame = old == wish
        if start {
            wish.isWanted = true
            wish.generation += 1
        }
        if !isSame || start { try directory.write(wish) }
        var warnings: [String] = []
        switch BootEntry(directory: directory, environment: environment).ensure(executable: unit.executable) {
        case .written: break
        case .byHand(let reason, let command):
            warnings.append("It is not started at boot: \(reason). To start it at login: \(command)")
        }
        let service = wish.service(path: directory.wish(unit.instanceId))
        try serve(directory, executable: unit.executable)
        if wish.isWanted { try waitUntilUp(wish, directory) }
        return ServiceChange(
            isSame ? .alreadyInstalled : .installed, service, paths: isSame ? [] : [service.path],
            runtime: runtime(of: service), warnings: warnings)
    }

    package func uninstall(_ service: InstalledService) throws -> ServiceChange {
        let directory = try directory()
        let (wish, _) = try own(service, directory)
        let boot = BootEntry(directory: directory, environment: environment)
        let isUp = StateDirectoryLock.isHolderAlive(stateDirectory: wish.stateDirectory)
        if isUp { try serve(directory, executable: wish.arguments[0]) }
        guard unlink(directory.wish(wish.instanceId)) == 0 || errno == ENOENT else {
            throw SystemCallError(call: "unlink", errorNumber: errno, subject: directory.wish(wish.instanceId))
        }
        if directory.isServed {
            try wait("it was told to stop", wish) { directory.report(of: wish.instanceId) == nil }
        }
        unlink(directory.state(wish.instanceId))
        var warnings: [String] = []
        if directory.wishes().isEmpty {
            do {
                try boot.remove()
            } catch {
                if boot.isPresent() == true { warnings.append("Its line in the crontab is still there: \(error)") }
            }
        }
        return ServiceChange(.uninstalled, service, paths: [service.path], warnings: warnings)
    }

    package func start(_ service: InstalledService) throws -> ServiceChange {
        let directory = try directory()
        var (wish, _) = try own(service, directory)
        wish.isWanted = true
        wish.generation += 1
        try directory.write(wish)
        try serve(directory, executable: wish.arguments[0])
        try waitUntilUp(wish, directory)
        return ServiceChange(.started, service, runtime: runtime(of: service))
    }

    package func stop(_ service: InstalledService) throws -> ServiceChange {
        let directory = try directory()
        let (wish, _) = try own(service, directory)
        try stop(wish, directory)
        return ServiceChange(.stopped, service, runtime: runtime(of: service))
    }

    package func restart(_ service: InstalledService) throws -> ServiceChange {
        let directory = try directory()
        let (wish, _) = try own(service, directory)
        try stop(wish, directory)
        var change = try start(service)
        change.result = .restarted
        return change
    }

    package func runtime(of service: InstalledService) -> ServiceRuntime {
        let directory = try? directory()  // no home: nothing is known
        guard let directory, let id = service.instanceId, let wish = directory.wish(for: id) else {
            return ServiceRuntime(status: .unknown, isMissing: true)
        }
        let isUp = StateDirectoryLock.isHolderAlive(stateDirectory: wish.stateDirectory)
        let report = directory.report(of: id)
        var runtime = ServiceRuntime(status: isUp ? .running : .stopped, isEnabled: wish.isWanted)
        guard directory.isServed else {
            runtime.state = "unsupervised"
            runtime.detail = "the supervisor does not run; start it with: jarvis supervisor run --detach"
            return runtime
        }
        runtime.state = report?.phase.rawValue
        runtime.restarts = report?.restarts
        runtime.lastExitStatus = (report?.lastExit?.code ?? report?.lastExit?.signal).map(Int.init)
        runtime.lastExitReason = report?.lastExit?.text
        if let reason = report?.reason, !reason.isEmpty { runtime.detail = reason }
        if let report, report.phase == .running || report.phase == .stopping { runtime.pid = report.pid }
        if report?.phase == .parked || report?.phase == .waiting { runtime.status = isUp ? .running : .failed }
        return runtime
    }

    // MARK: Steps

    private func directory() throws(JarvisError) -> SupervisorDirectory {
        try SupervisorDirectory(environment: environment)
    }

    private func own(
        _ service: InstalledService, _ directory: SupervisorDirectory
    ) throws(JarvisError) -> (SupervisedInstance, String) {
        guard let id = service.instanceId, let wish = directory.wish(for: id) else {
            throw JarvisError(
                "service.failed", "The supervisor does not know the service \(service.name).",
                hint: ServiceSpelling.command(service, "gateway install --supervisor builtin"))
        }
        return (wish, id)
    }

    private func stop(_ old: SupervisedInstance, _ directory: SupervisorDirectory) throws {
        var wish = old
        wish.isWanted = false
        wish.generation += 1
        let isUp = StateDirectoryLock.isHolderAlive(stateDirectory: wish.stateDirectory)
        if isUp { try serve(directory, executable: wish.arguments[0]) }
        try directory.write(wish)
        guard isUp || directory.isServed else { return }
        try wait("it was told to stop", wish) {
            guard let report = directory.report(of: wish.instanceId) else { return !directory.isServed }
            return report.generation == wish.generation && report.phase == .stopped
        }
    }

    private func waitUntilUp(_ wish: SupervisedInstance, _ directory: SupervisorDirectory) throws {
        try wait("it was started", wish) {
            if let report = directory.report(of: wish.instanceId), report.generation == wish.generation {
                switch report.phase {
                case .parked, .stopped: throw failure(wish, report.reason)
                case .waiting: throw failure(wish, "\(report.reason). It is tried again")
                case .blocked: throw failure(wish, report.reason)
                case .running:
                    let gateway = try? ControlSocket.ask(wish.controlTarget)  // not yet: asked again
                    if gateway?.phase == "ready" { return true }
                case .looking, .stopping: break
                }
            }
            // It ends when there is nothing to keep, which may have been just before the wish was written.
            if !directory.isServed { try serve(directory, executable: wish.arguments[0]) }
            return false
        }
    }

    private func failure(_ wish: SupervisedInstance, _ reason: String) -> JarvisError {
        let command = wish.controlTarget.command
        return JarvisError(
            "service.failed", "The gateway “\(wish.profile)” did not come up: \(reason).",
            hint: "Look at its log: \(command) logs   Then: \(command) gateway start")
    }

    private func wait(_ what: String, _ wish: SupervisedInstance, until isDone: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + patience
        while try !isDone() {
            guard ContinuousClock.now < deadline else {
                throw JarvisError(
                    "service.failed",
                    "The gateway “\(wish.profile)”: \(what), and nothing came of it within \(patience).",
                    hint: "Look at: jarvis supervisor status")
            }
            usleep(20_000)
        }
    }

    /// Makes sure that a supervisor runs.
    private func serve(_ directory: SupervisorDirectory, executable: String) throws {
        try SupervisorLaunch.ensure(directory, executable: executable, environment: environment)
    }
}

/// Starting the supervisor in the background.
package enum SupervisorLaunch {
    /// Starts a supervisor, detached from terminal and session, unless one runs; returns once it holds its lock.
    ///
    /// - Parameter executable: the program, absolute.
    /// - Returns: whether one was started.
    /// - Throws: `supervisor.failed` when it does not come up within 10 s; `SystemCallError`.
    @discardableResult
    package static func ensure(
        _ directory: SupervisorDirectory, executable: String, environment: HostEnvironment, arguments: [String] = []
    ) throws -> Bool {
        if directory.isServed { return false }
        try directory.prepare()
        var request = ProcessSpawn(path: executable, arguments: ["supervisor", "run"] + arguments)
        let home = try environment.home().path
        request.environment = [
            "HOME": environment["HOME"] ?? home, "PATH": "/usr/local/bin:/usr/bin:/bin",
            "JARVIS_HOST_DIR": DurableFile.parent(of: directory.path),
        ]
        for name in ["JARVIS_HOME", "LANG", "TZ", "JARVIS_ALLOW_NETWORK_STATE", "LD_LIBRARY_PATH"] {
            request.environment[name] = environment[name]
        }
        request.directory = "/"
        request.startsSession = true
        let pid = try request.start()
        let deadline = ContinuousClock.now + .seconds(10)
        while !directory.isServed {
            if let end = ProcessEnd.collect(pid), !directory.isServed, directory.wishes().isEmpty == false {
                throw JarvisError(
                    "supervisor.failed", "The supervisor did not come up: it ended at once (\(end)).",
                    hint: "See why with: jarvis supervisor run")
            }
            guard ContinuousClock.now < deadline else {
                throw JarvisError(
                    "supervisor.failed", "The supervisor did not come up within 10 s.",
                    hint: "See why with: jarvis supervisor run")
            }
            if directory.wishes().isEmpty { break }
            usleep(5000)
        }
        return true
    }
}
