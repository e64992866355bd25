@preconcurrency import Dispatch
import JarvisCore
import JarvisSystem
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs a gateway in a decoy home and tells everything that it touches outside its own places.
package struct IsolationProbe: Sendable {
    /// One touch, and who saw it.
    package struct Touch: Sendable, Hashable {
        /// The path as it would be under the real home: `~/.jarvis/exec-approvals.json`.
        package var path: String
        /// What was done: `created`, `modified`, `removed`, `renamed`, `permissions`, `opened`.
        package var action: String
        /// `kernel` (the file system told it) and `tree` (before and after differ).
        package var witnesses: [String]
    }

    /// One command that was run.
    package struct Step: Sendable, Hashable {
        /// Its words.
        package var words: [String]
        /// Its exit code; 128 and the signal when a signal ended it.
        package var exitCode: Int32
        /// The last line that it said, when it failed.
        package var complaint: String?
    }

    /// What came out.
    package struct Report: Sendable {
        /// The commands, in order.
        package var steps: [Step]
        /// The touches, in order of their paths.
        package var touches: [Touch]
        /// How many paths were compared.
        package var canaries: Int
        /// Whether the kernel could tell everything; false off Linux.
        package var isComplete: Bool
        /// Whether the gateway could be driven from start to end.
        package var isDriven: Bool { steps.allSatisfy { $0.exitCode == 0 } }
    }

    private let program: String
    private let profile: ProfileName?
    private let environment: HostEnvironment
    private let extra: [[String]]

    /// A probe of `profile`.
    ///
    /// - Parameters:
    ///   - program: this program's file, absolute.
    ///   - extra: further commands to run in the decoy home while the gateway runs.
    package init(program: String, profile: ProfileName?, environment: HostEnvironment, extra: [[String]] = []) {
        self.program = program
        self.profile = profile
        self.environment = environment
        self.extra = extra
    }

    /// Makes the home, drives the gateway through its life, compares, and takes the home away. Blocks for some seconds.
    ///
    /// - Throws: `isolation.setup`, `isolation.start` when the gateway can't be run at all; `SystemCallError`.
    package func run() throws -> Report {
        let decoy = try DecoyHome(profile: profile, host: environment)
        defer { decoy.remove() }
        let port = try freePort()
        let setup = try command(["setup", "--port", String(port)], decoy)
        guard setup.exitCode == 0 else {
            throw JarvisError(
                "isolation.setup", "The profile can't be set up in a decoy home: \(setup.complaint ?? "no reason")")
        }

        let before = TreeState(decoy.root, skips: decoy.mayTouchBelow)
        let watch = TouchWatch(trees: [decoy.root], flat: ["/tmp"], skips: decoy.mayTouchBelow)
        let steps: [Step]
        do {
            steps = try drive(decoy)
        } catch {
            _ = watch.stop()
            throw error
        }
        let seen = watch.stop()
        let after = TreeState(decoy.root, skips: decoy.mayTouchBelow)
        return Report(
            steps: steps,
            touches: merge(kernel: seen.touches, tree: before.touches(until: after), decoy: decoy),
            canaries: before.count, isComplete: seen.isComplete)
    }

    // MARK: Driving

    private func drive(_ decoy: DecoyHome) throws -> [Step] {
        var steps: [Step] = []
        var gateway = try start(decoy)
        for words in [
            ["status"], ["agent", "-m", "status"], ["config", "set", "ui.assistant.name", "Probe"],
            ["config", "get", "ui.assistant.name"], ["sessions", "list"], ["logs"], ["which"], ["gateway", "restart"],
            ["health"],
        ] + extra { steps.append(try command(words, decoy)) }
        // A restart as its owner would do it: down, then up.
        steps.append(stop(gateway, decoy))
        gateway = try start(decoy)
        steps.append(try command(["agent", "-m", "status"], decoy))
        steps.append(stop(gateway, decoy))
        return steps
    }

    private func words(_ words: [String]) -> [String] { (profile.map { ["--profile", $0.text] } ?? []) + words }

    private func command(_ words: [String], _ decoy: DecoyHome) throws -> Step {
        let runner = ChildRunner(environment: decoy.environment.variables)
        return Self.step(words, try runner.run(program, self.words(words), timeout: .seconds(60)))
    }

    private static func step(_ words: [String], _ outcome: ChildRunner.Outcome) -> Step {
        let code = outcome.exitCode ?? 128 + (outcome.signal ?? 0)
        let said = outcome.errors.split(whereSeparator: \.isNewline).last.map(String.init)
        return Step(words: words, exitCode: code, complaint: code == 0 ? nil : said)
    }

    /// A gateway that runs on a thread of its own until it is told to stop.
    private final class RunningChild: Sendable {
        let outcome = Mutex<ChildRunner.Outcome?>(nil)
        let done = DispatchSemaphore(value: 0)
    }

    private func start(_ decoy: DecoyHome) throws -> RunningChild {
        let child = RunningChild()
        let runner = ChildRunner(environment: decoy.environment.variables)
        let (program, words) = (program, words(["gateway"]))
        DispatchQueue(label: "isolation-gateway").async {
            // not started at all is the same as ended: the wait below says so
            let outcome = try? runner.run(program, words, timeout: .seconds(300))  // see above
            child.outcome.withLock { $0 = outcome }
            child.done.signal()
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            do throws(JarvisError) {
                if try ControlSocket.ask(decoy.instance).phase == "ready" { return child }
            } catch {
                if let outcome = child.outcome.withLock({ $0 }) {
                    throw JarvisError(
                        "isolation.start",
                        "The gateway does not start in a decoy home: \(Self.step([], outcome).complaint ?? "no reason")"
                    )
                }
            }
            usleep(50_000)
        }
        throw JarvisError("isolation.start", "The gateway is not ready in a decoy home after 60 s.")
    }

    /// Ends the gateway that proved to be the one of the decoy home.
    private func stop(_ child: RunningChild, _ decoy: DecoyHome) -> Step {
        do throws(JarvisError) {
            let proof = try ControlSocket.ask(decoy.instance).proof
            if proof.isStillAlive { kill(proof.pid, SIGTERM) }
        } catch {
            return Step(words: ["stop"], exitCode: 1, complaint: error.message)
        }
        guard child.done.wait(timeout: .now() + 60) == .success, let outcome = child.outcome.withLock({ $0 }) else {
            return Step(words: ["stop"], exitCode: 1, complaint: "it does not end")
        }
        return Self.step(["stop"], outcome)
    }

    private func freePort() throws -> Int {
        for _ in 0..<200 {
            let base = Int.random(in: 2000...3100) * 10
            if PortPlan.isFree(base), PortPlan.isFree(base + 2) { return base }
        }
        throw JarvisError("isolation.port", "No free port was found between 20000 and 31000.")
    }

    // MARK: Comparing

    private func merge(kernel: [TouchWatch.Touch], tree: [TouchWatch.Touch], decoy: DecoyHome) -> [Touch] {
        var found: [TouchWatch.Touch: Set<String>] = [:]
        for touch in kernel where counts(touch, decoy) { found[touch, default: []].insert("kernel") }
        for touch in tree where !decoy.mayTouch(touch.path) { found[touch, default: []].insert("tree") }
        return found.map { touch, witnesses in
            Touch(path: shown(touch.path, decoy), action: touch.action.rawValue, witnesses: witnesses.sorted())
        }.sorted { ($0.path, $0.action) < ($1.path, $1.action) }
    }

    private func counts(_ touch: TouchWatch.Touch, _ decoy: DecoyHome) -> Bool {
        guard touch.path.hasPrefix(decoy.root + "/") else {
            // The temporary directory of everybody: only what bears this program's name, and is ours, can be its work.
            var status = stat()
            let name = HostPath.lastComponent(touch.path)
            // The directory for sockets with long paths is every gateway's of this user.
            if name == "jarvis-\(geteuid())" { return false }
            return name.contains("jarvis") && lstat(touch.path, &status) == 0 && status.st_uid == geteuid()
        }
        if decoy.mayTouch(touch.path) { return false }
        return touch.action == .opened ? decoy.isPrivate(touch.path) : true
    }

    private func shown(_ path: String, _ decoy: DecoyHome) -> String {
        if path.hasPrefix(decoy.home + "/") { return "~" + path.dropFirst(decoy.home.count) }
        if path.hasPrefix(decoy.root + "/") { return "<\(path.dropFirst(decoy.root.count + 1))>" }
        return path
    }
}

extension DecoyHome {
    /// `mayTouch` for what is not entered at all: the own places, but not the directories above them.
    var mayTouchBelow: @Sendable (String) -> Bool {
        let own = [instance.stateDirectory, HostPath.join(home, ".local/state/jarvis")]
        return { path in own.contains { path == $0 || path.hasPrefix($0 + "/") } }
    }
}
