import JarvisHost
import Testing

/// The decisions of the supervisor, on a clock of the test's own.
@Suite struct SupervisedStateTests {
    private let policy = SupervisorPolicy()
    private typealias Exit = SupervisedState.Exit

    private func running(pid: Int32 = 10) -> SupervisedState {
        var state = SupervisedState(now: 0)
        #expect(state.handle(.wish(isRunning: true, generation: 1), now: 0, policy: policy) == .look)
        #expect(state.handle(.started(pid: pid), now: 0, policy: policy) == .nothing)
        #expect(state.phase == .running && state.pid == pid)
        return state
    }

    /// Ends the process, waits for the pause to be over, and starts the next one. Returns the pause.
    private func crash(_ state: inout SupervisedState, _ exit: Exit, now: inout Int64) -> Int64? {
        #expect(state.handle(.ended(exit), now: now, policy: policy) == .nothing)
        guard let deadline = state.deadline else { return nil }
        let pause = deadline - now
        #expect(state.handle(.tick, now: deadline - 1, policy: policy) == .nothing)
        #expect(state.handle(.tick, now: deadline, policy: policy) == .look)
        now = deadline
        #expect(state.handle(.started(pid: 11), now: now, policy: policy) == .nothing)
        return pause
    }

    @Test func pausesDoubleUpToTheBudget() {
        var state = running()
        var now: Int64 = 10
        var pauses: [Int64] = []
        while let pause = crash(&state, Exit(signal: 9), now: &now) { pauses.append(pause) }
        #expect(pauses == [1000, 2000, 4000, 8000, 16_000])
        #expect(state.phase == .parked && state.reason.hasPrefix("5 restarts in 300 s; last: signal 9"))
        #expect(state.restarts == 5 && state.deadline == nil)
    }

    @Test func oldRestartsDontCount() {
        var state = running()
        var now: Int64 = 0
        for _ in 0..<20 {
            now += policy.window
            #expect(crash(&state, Exit(signal: 9), now: &now) == 1000)
        }
        #expect(state.phase == .running)
    }

    @Test func theSameFailureTwiceWaitsLongAndIsParkedInTheEnd() {
        var state = running()
        var now: Int64 = 10
        var pauses: [Int64] = []
        while let pause = crash(&state, Exit(code: 1, errorCode: "config.invalid"), now: &now) { pauses.append(pause) }
        #expect(pauses == [1000, 60_000, 120_000, 240_000])
        #expect(state.phase == .parked)
        #expect(state.reason.contains("5 times in a row") && state.reason.contains("exit code 1 (config.invalid)"))
    }

    @Test func anotherFailureIsNotTheSame() {
        var state = running()
        var now: Int64 = 10
        #expect(crash(&state, Exit(code: 1, errorCode: "a"), now: &now) == 1000)
        #expect(crash(&state, Exit(code: 1, errorCode: "b"), now: &now) == 2000)
        now += policy.settled
        #expect(crash(&state, Exit(code: 1, errorCode: "b"), now: &now) == 4000, "it had run for a while")
    }

    @Test(arguments: [78, 2] as [Int32]) func codesThatNoRestartMends(code: Int32) {
        var state = running()
        let exit = Exit(code: code, errorCode: "gateway.port_in_use", message: "port 1 is in use")
        #expect(state.handle(.ended(exit), now: 5, policy: policy) == .nothing)
        #expect(state.phase == .parked && state.deadline == nil && state.reason.contains("port 1 is in use"))
        #expect(state.handle(.tick, now: 1 << 40, policy: policy) == .nothing)
    }

    @Test func whoWasAskedStaysDown() {
        for exit in [Exit(code: 0), Exit(wasAsked: true)] {
            var state = running()
            #expect(state.handle(.ended(exit), now: 5, policy: policy) == .nothing)
            #expect(state.phase == .stopped && state.deadline == nil)
        }
    }

    @Test func startClearsEveryLatch() {
        var state = running()
        _ = state.handle(.ended(Exit(code: 78)), now: 5, policy: policy)
        #expect(state.handle(.wish(isRunning: true, generation: 1), now: 6, policy: policy) == .nothing)
        #expect(state.handle(.wish(isRunning: true, generation: 2), now: 7, policy: policy) == .look)
        _ = state.handle(.started(pid: 12), now: 7, policy: policy)
        var now: Int64 = 8
        for _ in 0..<5 { _ = crash(&state, Exit(signal: 6), now: &now) }
        _ = state.handle(.ended(Exit(signal: 6)), now: now, policy: policy)
        #expect(state.phase == .parked)
        #expect(state.handle(.wish(isRunning: true, generation: 3), now: now, policy: policy) == .look)
        _ = state.handle(.started(pid: 13), now: now, policy: policy)
        #expect(crash(&state, Exit(signal: 6), now: &now) == 1000, "a fresh budget")
        #expect(state.restarts == 1)
    }

    @Test func startDuringAPauseDoesNotWait() {
        var state = running()
        _ = state.handle(.ended(Exit(signal: 9)), now: 5, policy: policy)
        #expect(state.phase == .waiting)
        #expect(state.handle(.wish(isRunning: true, generation: 2), now: 6, policy: policy) == .look)
    }

    @Test func stopIsAskedThenKilled() {
        var state = running()
        #expect(state.handle(.wish(isRunning: false, generation: 2), now: 5, policy: policy) == .stop)
        state.stopAsked(now: 5, policy: policy)
        #expect(state.phase == .stopping)
        #expect(state.handle(.tick, now: 5 + policy.stopPatience - 1, policy: policy) == .nothing)
        #expect(state.handle(.tick, now: 5 + policy.stopPatience, policy: policy) == .kill)
        #expect(state.handle(.ended(Exit(signal: 9)), now: 60_000, policy: policy) == .nothing)
        #expect(state.phase == .stopped && state.pid == nil)
    }

    @Test func aStartDuringAStopFollowsIt() {
        var state = running()
        _ = state.handle(.wish(isRunning: false, generation: 2), now: 5, policy: policy)
        state.stopAsked(now: 5, policy: policy)
        #expect(state.handle(.wish(isRunning: true, generation: 3), now: 6, policy: policy) == .nothing)
        #expect(state.handle(.ended(Exit(code: 0)), now: 7, policy: policy) == .look)
    }

    @Test func whoRunsAlreadyIsNotStartedAgain() {
        var state = SupervisedState(now: 0)
        #expect(state.handle(.wish(isRunning: true, generation: 1), now: 0, policy: policy) == .look)
        #expect(state.handle(.found(pid: 44), now: 1, policy: policy) == .nothing)
        #expect(state.phase == .running && state.pid == 44)
        #expect(state.handle(.wish(isRunning: true, generation: 2), now: 2, policy: policy) == .nothing)
    }

    @Test func whoHasNotProvenIsLookedAtAgainAndNeverStopped() {
        var state = SupervisedState(now: 0)
        _ = state.handle(.wish(isRunning: true, generation: 1), now: 0, policy: policy)
        #expect(state.handle(.occupied("no answer"), now: 1, policy: policy) == .nothing)
        #expect(state.phase == .blocked)
        #expect(state.handle(.tick, now: 1 + policy.recheck, policy: policy) == .look)
        _ = state.handle(.occupied("no answer"), now: 6000, policy: policy)
        #expect(state.handle(.wish(isRunning: false, generation: 2), now: 6001, policy: policy) == .nothing)
        #expect(state.phase == .stopped)
    }

    @Test func latchesOfAnEarlierSupervisorHold() {
        var parked = SupervisedState(now: 0, latched: .parked, reason: "why", generation: 4)
        #expect(parked.handle(.wish(isRunning: true, generation: 4), now: 0, policy: policy) == .nothing)
        #expect(parked.phase == .parked && parked.reason == "why")
        #expect(parked.handle(.wish(isRunning: true, generation: 5), now: 1, policy: policy) == .look)
        var other = SupervisedState(now: 0, latched: .running, reason: "", generation: 4)
        #expect(other.handle(.wish(isRunning: true, generation: 4), now: 0, policy: policy) == .look)
    }

    @Test func jitterSpreadsByAFifth() {
        for (jitter, pause) in [(0.0, 800), (1.0, 1200), (-5.0, 800), (9.0, 1200)] as [(Double, Int64)] {
            var state = running()
            _ = state.handle(.ended(Exit(signal: 9)), now: 100, policy: policy, jitter: jitter)
            #expect(state.deadline == 100 + pause)
        }
    }

    /// Whatever happens in whatever order: no action without a reason for it.
    @Test func randomHistoriesKeepTheRules() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var state = SupervisedState(now: 0)
            var now: Int64 = 0
            var isWanted = false
            var generation = 0
            for _ in 0..<60 {
                now += Int64.random(in: 0...100_000, using: &generator)
                let event: SupervisedState.Event
                switch Int.random(in: 0...7, using: &generator) {
                case 0, 1:
                    isWanted = Bool.random(using: &generator)
                    generation += 1
                    event = .wish(isRunning: isWanted, generation: generation)
                case 2 where state.phase == .running || state.phase == .stopping:
                    event = .ended(Exit(code: [0, 1, 2, 78].randomElement(using: &generator)))
                case 3 where state.phase == .looking: event = .started(pid: 9)
                case 4 where state.phase == .looking: event = .occupied("x")
                default: event = .tick
                }
                let before = state.phase
                let action = state.handle(event, now: now, policy: policy)
                switch action {
                case .look: #expect(isWanted || before == .blocked)
                case .stop:
                    #expect(!isWanted && state.pid != nil)
                    state.stopAsked(now: now, policy: policy)
                case .kill: #expect(state.phase == .stopping)
                case .nothing: break
                }
                if state.phase == .running { #expect(state.pid != nil) }
                if state.phase == .parked || state.phase == .stopped { #expect(state.deadline == nil) }
            }
        }
    }
}
