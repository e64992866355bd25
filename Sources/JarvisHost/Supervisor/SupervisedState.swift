import JarvisCore

/// What the built-in supervisor knows and decides of one instance. A value: no clock, no process, no disk. Times are
/// milliseconds of a clock that only goes forward.
package struct SupervisedState: Sendable, Hashable {
    /// Where it stands.
    package enum Phase: String, Sendable, Hashable, CaseIterable {
        /// Down, as wanted: never started, stopped, or ended with 0.
        case stopped
        /// About to be looked at: nobody knows yet whether a gateway runs.
        case looking
        /// A process of ours, or one that has proven to be this instance.
        case running
        /// Down after a failure; the next attempt has a time.
        case waiting
        /// Somebody who has not proven to be this instance holds its state directory. Nothing is done to it.
        case blocked
        /// Told to end.
        case stopping
        /// Down, and no further attempt until the next `start`.
        case parked
    }

    /// How a process ended.
    package struct Exit: Sendable, Hashable {
        /// Its exit code; nil when a signal ended it, or when it was no child of the supervisor.
        package var code: Int32?
        /// The signal that ended it.
        package var signal: Int32?
        /// The code of the error that it reported.
        package var errorCode: String?
        /// The message of that error.
        package var message: String?
        /// Whether it was asked to stop, by whomever.
        package var wasAsked = false

        /// An end.
        package init(
            code: Int32? = nil, signal: Int32? = nil, errorCode: String? = nil, message: String? = nil,
            wasAsked: Bool = false
        ) {
            self.code = code
            self.signal = signal
            self.errorCode = errorCode
            self.message = message
            self.wasAsked = wasAsked
        }

        /// `exit code 1 (config.invalid)`, `signal 9`, `it is gone`.
        package var text: String {
            let how = code.map { "exit code \($0)" } ?? signal.map { "signal \($0)" } ?? "it is gone"
            return errorCode.map { "\(how) (\($0))" } ?? how
        }

        /// What two deterministic failures have in common; nil for an end that says nothing of the next start.
        var fingerprint: String? {
            guard let code else { return errorCode }
            return "\(code) \(errorCode ?? "")"
        }
    }

    /// What happens to it.
    package enum Event: Sendable, Hashable {
        /// The owner's wish, as the file says it. A `generation` that is new clears every latch.
        case wish(isRunning: Bool, generation: Int)
        /// Nobody holds the state directory and the program was started.
        case started(pid: Int32)
        /// The program could not be started.
        case notStarted(String)
        /// A gateway runs already and has proven to be this instance.
        case found(pid: Int32)
        /// Somebody holds the state directory and has not proven it.
        case occupied(String)
        /// The process ended.
        case ended(Exit)
        /// Time went by.
        case tick
    }

    /// What the driver does next.
    package enum Action: Sendable, Hashable {
        case nothing
        /// See who holds the state directory; start the program when nobody does.
        case look
        /// Ask the process to end.
        case stop
        /// End it: it was asked long ago.
        case kill
    }

    /// Where it stands.
    package private(set) var phase = Phase.stopped
    /// Why, for people; empty when there is nothing to say.
    package private(set) var reason = ""
    /// The process while one runs.
    package private(set) var pid: Int32?
    /// Since when it is in this phase.
    package private(set) var since: Int64
    /// When something happens by itself; nil when nothing will.
    package private(set) var deadline: Int64?
    /// Restarts since the last `start`.
    package private(set) var restarts = 0
    /// The last end.
    package private(set) var lastExit: Exit?
    /// The newest wish that was obeyed.
    package private(set) var generation = 0
    private var isWanted = false
    private var recent: [Int64] = []
    private var fingerprint: String?
    private var sameInARow = 0

    /// An instance that nothing is known of.
    package init(now: Int64) { since = now }

    /// A latch that an earlier supervisor left on this boot of the machine: parked, or stopped, for `generation`.
    package init(now: Int64, latched phase: Phase, reason: String, generation: Int) {
        since = now
        guard phase == .parked || phase == .stopped else { return }
        self.phase = phase
        self.reason = reason
        self.generation = generation
        isWanted = true
    }

    /// Takes an event in and says what to do.
    ///
    /// - Parameter jitter: 0 to 1, spreads the pauses of instances that failed together.
    package mutating func handle(_ event: Event, now: Int64, policy: SupervisorPolicy, jitter: Double = 0.5) -> Action {
        switch event {
        case .wish(let isRunning, let generation): return wish(isRunning, generation, now)
        case .started(let pid), .found(let pid):
            guard isWanted else { return beginStop(pid, now, policy) }
            self.pid = pid
            if case .found = event { move(.running, "it ran already", now) } else { move(.running, "", now) }
            return .nothing
        case .notStarted(let why):
            failed(Exit(errorCode: "spawn", message: why), now, policy, jitter)
            return .nothing
        case .occupied(let why):
            move(.blocked, why, now)
            deadline = now + policy.recheck
            return .nothing
        case .ended(let exit): return ended(exit, now, policy, jitter)
        case .tick: return tick(now, policy)
        }
    }

    private mutating func wish(_ isRunning: Bool, _ generation: Int, _ now: Int64) -> Action {
        let isNew = generation != self.generation
        let wasWanted = isWanted
        isWanted = isRunning
        self.generation = generation
        if isRunning {
            if isNew, phase != .running {
                recent = []
                restarts = 0
                fingerprint = nil
                sameInARow = 0
            }
            switch phase {
            case .running, .stopping, .looking: return .nothing
            case .waiting, .blocked: return isNew ? look(now) : .nothing
            case .stopped, .parked: return isNew || !wasWanted ? look(now) : .nothing
            }
        }
        switch phase {
        case .running: return .stop
        case .stopping: return .nothing
        case .stopped, .looking, .waiting, .blocked, .parked:
            move(.stopped, "as wanted", now)
            return .nothing
        }
    }

    private mutating func look(_ now: Int64) -> Action {
        move(.looking, "", now)
        return .look
    }

    private mutating func tick(_ now: Int64, _ policy: SupervisorPolicy) -> Action {
        guard let deadline, now >= deadline else { return .nothing }
        switch phase {
        case .waiting:
            restarts += 1
            recent = recent.filter { $0 > now - policy.window } + [now]
            return look(now)
        case .blocked: return isWanted ? look(now) : .nothing
        case .stopping:
            self.deadline = now + policy.recheck
            return .kill
        case .stopped, .looking, .running, .parked: return .nothing
        }
    }

    /// The driver told the process to end, or will.
    package mutating func stopAsked(now: Int64, policy: SupervisorPolicy) {
        guard phase == .running else { return }
        move(.stopping, "", now)
        deadline = now + policy.stopPatience
    }

    private mutating func beginStop(_ pid: Int32, _ now: Int64, _ policy: SupervisorPolicy) -> Action {
        self.pid = pid
        move(.running, "", now)
        return .stop
    }

    private mutating func ended(
        _ exit: Exit, _ now: Int64, _ policy: SupervisorPolicy, _ jitter: Double
    ) -> Action {
        let wasStopping = phase == .stopping
        let lived = now - since
        pid = nil
        lastExit = exit
        guard isWanted else {
            move(.stopped, "as wanted", now)
            return .nothing
        }
        // Stopped for a start that came meanwhile.
        if wasStopping { return look(now) }
        if exit.wasAsked || exit.code == 0 {
            move(.stopped, "it was asked to end and did", now)
            return .nothing
        }
        // 78 can't run here now, 2 contradictory settings: the same start would end the same way.
        if let code = exit.code, code == 78 || code == 2 {
            let message = exit.message.map { ": \($0)" } ?? ""
            move(.parked, "\(exit.text), which no restart mends\(message)", now)
            return .nothing
        }
        if lived >= policy.settled { sameInARow = 0 }
        failed(exit, now, policy, jitter)
        return .nothing
    }

    private mutating func failed(_ exit: Exit, _ now: Int64, _ policy: SupervisorPolicy, _ jitter: Double) {
        lastExit = exit
        pid = nil
        sameInARow = exit.fingerprint != nil && exit.fingerprint == fingerprint ? sameInARow + 1 : 1
        fingerprint = exit.fingerprint
        recent = recent.filter { $0 > now - policy.window }
        let last = "last: \(exit.text)\(exit.message.map { ": \($0)" } ?? "")"
        if recent.count >= policy.budget {
            return move(.parked, "\(recent.count) restarts in \(policy.window / 1000) s; \(last)", now)
        }
        if sameInARow >= policy.repeatBudget {
            return move(.parked, "the same failure \(sameInARow) times in a row; \(last)", now)
        }
        let delay: Int64
        if sameInARow >= 2 {
            delay = policy.repeatDelay << Int64(min(sameInARow - 2, 8))
        } else {
            delay = min(policy.longestDelay, policy.firstDelay << Int64(min(recent.count, 16)))
        }
        // A fifth up or down: instances that failed together don't come back together.
        let spread = Double(delay) * (0.8 + 0.4 * min(max(jitter, 0), 1))
        move(.waiting, last, now)
        deadline = now + max(1, Int64(spread))
    }

    private mutating func move(_ phase: Phase, _ reason: String, _ now: Int64) {
        self.phase = phase
        self.reason = reason
        since = now
        deadline = nil
    }
}
