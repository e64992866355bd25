import JarvisCore
import JarvisSystem
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Keeps the gateways of one user running where no service manager does: reads the wishes, starts what is wanted and
/// not there, and lets `SupervisedState` decide what follows an end.
///
/// A gateway outlives its supervisor: it leads a session of its own, and the next supervisor recognises it by lock and
/// challenge. Nothing is signalled but a child not yet collected, or a process that has just proven to be the instance.
///
/// One thread, which sleeps until a wish changes, a process ends, or a pause is over.
package final class Supervisor {
    /// One instance in its care.
    private struct Kept {
        var wish: SupervisedInstance
        var state: SupervisedState
        var handle: ProcessHandle?
        /// Whether the process is a child of this supervisor.
        var isChild = false
        /// Whether the wish is gone: forgotten once it is down.
        var isForgotten = false
        var written: SupervisedReport?
    }

    private let directory: SupervisorDirectory
    private let version: String
    private let policy: SupervisorPolicy
    private let logger: Logger
    private let lock: DirectoryLock
    private let bell: WakeBell
    private let wall: WallClock
    private let hostBoot: String
    private let start = ContinuousClock.now
    private var kept: [String: Kept] = [:]

    /// Takes the place of this user's supervisor.
    ///
    /// - Throws: `supervisor.running`, exit 78, naming the one that is there; `supervisor.directory`, exit 1.
    package init(
        directory: SupervisorDirectory, version: String, policy: SupervisorPolicy, logger: Logger,
        bell: WakeBell, wall: WallClock = .system
    ) throws {
        self.directory = directory
        self.version = version
        self.policy = policy
        self.logger = logger
        self.bell = bell
        self.wall = wall
        hostBoot = HostBoot.current()
        do {
            try directory.prepare()
            lock = try DirectoryLock.acquire(directory.path)
        } catch DirectoryLock.Failure.held(let pid) {
            throw JarvisError(
                "supervisor.running",
                "A supervisor already keeps the gateways of this user\(pid.map { " (pid \($0))" } ?? "").",
                hint: "Look at it with: jarvis supervisor status", metadata: ["directory": directory.path],
                exitCode: 78)
        } catch {
            throw JarvisError(
                "supervisor.directory", "The supervisor's directory \(directory.path) can't be used: \(error).",
                metadata: ["directory": directory.path])
        }
    }

    /// Keeps the instances until it is told to end, or until none is left. The gateways go on. Blocks.
    package func run() {
        unlink(directory.stopRequest)
        writeNote()
        logger.notice("supervisor started", metadata: ["version": "\(version)", "pid": "\(getpid())"])
        bell.watch(directory.instances)
        while true {
            if bell.isStopping || DurableFile.exists(directory.stopRequest) {
                logger.notice("supervisor ends; the gateways go on", metadata: ["gateways": "\(running)"])
                break
            }
            readWishes()
            collect()
            for id in kept.keys.sorted() { handle(.tick, id) }
            for id in kept.keys where kept[id]?.isForgotten == true && kept[id]?.state.phase == .stopped { forget(id) }
            writeReports()
            if kept.isEmpty, directory.wishes().isEmpty {
                logger.notice("supervisor ends: there is nothing to keep")
                break
            }
            bell.wait(for: kept.values.compactMap(\.handle), timeout: pause())
        }
        unlink(directory.note)
        lock.release()
        unlink(directory.stopRequest)
    }

    private var running: Int { kept.values.count { $0.handle != nil } }

    private var now: Int64 { Int64(start.duration(to: ContinuousClock.now) / .milliseconds(1)) }

    /// Milliseconds until the next thing happens by itself; nil when nothing will.
    private func pause() -> Int64? {
        let next = kept.values.compactMap(\.state.deadline).min().map { max(0, $0 - now) }
        // Where a process can't be waited for it is asked every second.
        let mustAsk = bell.mustPoll || kept.values.contains { $0.handle.map { $0.descriptor < 0 } ?? false }
        return mustAsk ? min(next ?? 1000, 1000) : next
    }

    // MARK: Wishes

    private func readWishes() {
        var seen: Set<String> = []
        for wish in directory.wishes() {
            let id = wish.instanceId
            seen.insert(id)
            if kept[id]?.wish == wish, kept[id]?.isForgotten == false { continue }
            if kept[id] == nil { kept[id] = Kept(wish: wish, state: firstState(of: wish)) }
            kept[id]?.wish = wish
            kept[id]?.isForgotten = false
            handle(.wish(isRunning: wish.isWanted, generation: wish.generation), id)
        }
        for (id, entry) in kept where !seen.contains(id) && !entry.isForgotten {
            kept[id]?.isForgotten = true
            handle(.wish(isRunning: false, generation: entry.wish.generation), id)
        }
    }

    /// What an earlier supervisor gave up on, or was asked to leave down, on this boot of the machine stays so.
    private func firstState(of wish: SupervisedInstance) -> SupervisedState {
        guard let report = directory.report(of: wish.instanceId), report.hostBoot == hostBoot,
            report.generation == wish.generation, wish.isWanted
        else { return SupervisedState(now: now) }
        return SupervisedState(
            now: now, latched: report.phase, reason: report.reason, generation: report.generation)
    }

    private func forget(_ id: String) {
        kept[id] = nil
        unlink(directory.state(id))
        unlink(directory.report(id))
    }

    // MARK: Events and actions

    private func handle(_ event: SupervisedState.Event, _ id: String) {
        guard var entry = kept[id] else { return }
        let before = entry.state.phase
        let action = entry.state.handle(
            event, now: now, policy: policy, jitter: Double.random(in: 0...1))
        let after = entry.state
        kept[id] = entry
        if before != after.phase, after.phase != .looking {
            logger.notice(
                "gateway \(after.phase.rawValue)",
                metadata: [
                    "profile": "\(entry.wish.profile)", "instance": "\(id.prefix(8))",
                    "pid": "\(after.pid.map(String.init) ?? "")", "reason": "\(after.reason)",
                ])
        }
        switch action {
        case .nothing: break
        case .look: look(id)
        case .stop: stop(id)
        case .kill:
            logger.warning("gateway does not stop; killing it", metadata: ["instance": "\(id.prefix(8))"])
            kept[id]?.handle?.signal(SIGKILL)
        }
    }

    /// Who holds the state directory? Nobody: start the program.
    private func look(_ id: String) {
        guard let entry = kept[id] else { return }
        let wish = entry.wish
        if StateDirectoryLock.isHolderAlive(stateDirectory: wish.stateDirectory) {
            do {
                let gateway = try ControlSocket.ask(wish.controlTarget)
                guard gateway.proof.instanceId == id,
                    let handle = ProcessHandle(pid: gateway.proof.pid, startTime: gateway.proof.processStartTime)
                else { return handle(.occupied("another instance holds \(wish.stateDirectory)"), id) }
                kept[id]?.handle = handle
                kept[id]?.isChild = false
                return self.handle(.found(pid: handle.pid), id)
            } catch {
                guard error.code == "gateway.not_running" else { return handle(.occupied(error.message), id) }
            }
        }
        guard wish.isWanted, !entry.isForgotten else {
            return handle(.ended(SupervisedState.Exit(wasAsked: true)), id)
        }
        do {
            let handle = try spawn(wish)
            kept[id]?.handle = handle
            kept[id]?.isChild = true
            self.handle(.started(pid: handle.pid), id)
        } catch {
            handle(.notStarted((error as? JarvisError)?.message ?? "\(error)"), id)
        }
    }

    private func stop(_ id: String) {
        guard let entry = kept[id], let handle = entry.handle else { return }
        if !entry.isChild {
            let proof = (try? ControlSocket.ask(wish(entry)))?.proof  // no answer, no proof
            guard proof?.pid == handle.pid, proof?.instanceId == id else {
                return self.handle(.occupied("it does not prove to be this instance, so it is not stopped"), id)
            }
        }
        handle.signal(SIGTERM)
        kept[id]?.state.stopAsked(now: now, policy: policy)
    }

    private func wish(_ entry: Kept) -> ControlTarget { entry.wish.controlTarget }

    /// - Throws: `JarvisError`, `SystemCallError`.
    private func spawn(_ wish: SupervisedInstance) throws -> ProcessHandle {
        guard try InstanceIdentity.load(stateDirectory: wish.stateDirectory)?.instanceId == wish.instanceId else {
            throw JarvisError(
                "supervisor.instance",
                "\(wish.stateDirectory) is not, or no longer, the state directory of this instance.")
        }
        let report = directory.report(wish.instanceId)
        unlink(report)
        var request = ProcessSpawn(path: wish.arguments[0], arguments: Array(wish.arguments.dropFirst()))
        request.environment = wish.environment
        request.environment["JARVIS_SERVICE_MARKER"] = ServiceMarker.Supervisor.builtin.rawValue
        request.environment["JARVIS_EXIT_REPORT"] = report
        request.environment["JARVIS_HOST_DIR"] = DurableFile.parent(of: directory.path)
        request.directory = access(wish.workingDirectory, X_OK) == 0 ? wish.workingDirectory : "/"
        request.startsSession = true
        let output = try errorLog(wish)
        defer { close(output) }
        request.standardOutput = output
        request.standardError = output
        let pid = try request.start()
        guard let handle = ProcessHandle(pid: pid) else {
            throw JarvisError("supervisor.spawn", "The gateway ended before it could be watched.")
        }
        return handle
    }

    /// What the gateway prints goes to `<state>/logs/gateway.err.log`; it keeps a log of its own, so this is for
    /// crashes. At most 1 MiB stays.
    private func errorLog(_ wish: SupervisedInstance) throws -> Int32 {
        let logs = HostPath.join(wish.stateDirectory, "logs")
        try DurableFile.createDirectory(logs)
        let path = HostPath.join(logs, "gateway.err.log")
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: path) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_size > 1 << 20 { ftruncate(descriptor, 0) }
        return descriptor
    }

    /// Takes in what ended.
    private func collect() {
        for (id, entry) in kept {
            guard let handle = entry.handle else { continue }
            let end: ProcessEnd?
            if entry.isChild {
                end = ProcessEnd.collect(handle.pid)
                guard end != nil else { continue }
            } else {
                guard !handle.isAlive else { continue }
                end = nil
            }
            kept[id]?.handle = nil
            self.handle(.ended(exit(of: entry, handle.pid, end)), id)
        }
    }

    private func exit(of entry: Kept, _ pid: Int32, _ end: ProcessEnd?) -> SupervisedState.Exit {
        var exit = SupervisedState.Exit()
        switch end {
        case .exited(let code)?: exit.code = code
        case .signalled(let number)?: exit.signal = number
        case nil: break
        }
        let report = SupervisorDirectory.read(directory.report(entry.wish.instanceId))
        if let report, report["pid"]?.intValue == Int(pid) {
            exit.errorCode = report["code"]?.stringValue
            exit.message = report["message"]?.stringValue.map { String($0.prefix(500)) }
            if end == nil { exit.code = report["exitCode"]?.intValue.flatMap(Int32.init(exactly:)) }
        }
        let paths = InstancePaths(
            state: entry.wish.stateDirectory, canonicalState: entry.wish.stateDirectory, socketFallbackDirectory: "/tmp"
        )
        exit.wasAsked = LifecycleJournal(paths).tickets().contains {
            $0.action == .stop && $0.state == .done && $0.before.pid == pid
                && $0.before.processStartTime == entry.handle?.startTime
        }
        return exit
    }

    // MARK: Files

    private func writeReports() {
        let now = now
        let wallNow = wall.now()
        for (id, entry) in kept {
            var report = SupervisedReport(
                entry.state, processStartTime: entry.handle?.startTime, wall: { wallNow + ($0 - now) },
                hostBoot: hostBoot)
            if let written = entry.written {
                // The same moment, computed again, differs by a millisecond.
                if abs(report.since - written.since) < 1000 { report.since = written.since }
                if let next = report.nextAttempt, let known = written.nextAttempt, abs(next - known) < 1000 {
                    report.nextAttempt = known
                }
                if report == written { continue }
            }
            do {
                try DurableFile.write(
                    SupervisorDirectory.bytes(report.json), to: directory.state(id), sync: false)
                kept[id]?.written = report
            } catch {
                logger.warning("state not written", metadata: ["error": "\(error)"])
            }
        }
    }

    private func writeNote() {
        let note: JSONValue = .members([
            "version": 1, "pid": JSONValue(Int(getpid())),
            "processStartTime": ProcessInfoReader().current().map { .int($0.startTime) },
            "jarvisVersion": .string(version), "startedAtMs": .int(wall.now()),
        ])
        do {
            try DurableFile.write(SupervisorDirectory.bytes(note), to: directory.note, sync: false)
        } catch {
            logger.warning("note not written", metadata: ["error": "\(error)"])
        }
    }
}

/// The boot of this machine.
enum HostBoot {
    /// The kernel's random name for it; empty where there is none.
    static func current() -> String {
        let bytes = try? DurableFile.read("/proc/sys/kernel/random/boot_id", limit: 128)  // absent off Linux
        return String(decoding: bytes ?? [], as: UTF8.self).filter { !$0.isWhitespace }
    }
}
