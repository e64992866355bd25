import JarvisCore
import JarvisKit
import Synchronization

/// The loop of one composed run: machine, model, tools.
struct RunExecution: Sendable {
    private let request: RunRequest
    private let setup: RunSetup
    private let context: BuiltContext
    private let stop: RunStop
    private let listener: RunListener
    private let journal: any RunJournal
    private let clock: WallClock
    private let monotonic: MonotonicClock
    private let limits: RunLimits

    init(
        request: RunRequest, setup: RunSetup, context: BuiltContext, stop: RunStop, listener: @escaping RunListener,
        journal: any RunJournal, clock: WallClock, monotonic: MonotonicClock, limits: RunLimits
    ) {
        self.request = request
        self.setup = setup
        self.context = context
        self.stop = stop
        self.listener = listener
        self.journal = journal
        self.clock = clock
        self.monotonic = monotonic
        self.limits = limits
    }

    /// The outcome and the entries that are still to be stored; nil when the run must stay open.
    func run() async -> (outcome: RunOutcome, entries: [Message])? {
        let machine = RunCell(
            RunStateMachine(
                model: setup.model, tools: Set(setup.tools.map(\.definition.name)), limits: limits, clock: clock),
            listener: listener)
        var sentTokens = Int.max
        var input = RunStateMachine.Input.begin(pending: context.pendingCalls, begun: context.begunCalls)
        while true {
            var next: RunStateMachine.Input?
            for action in machine.handle(input) {
                switch action {
                case .emit(let event): await listener(event)
                case .persist(let messages):
                    do {
                        try await journal.append(messages, runId: request.runId, sessionKey: request.sessionKey)
                    } catch {
                        next = .failed((error as? JarvisError)?.message ?? "The conversation could not be stored.")
                    }
                case .callModel(let shrinks, let mayShrink):
                    if shrinks == 0 { sentTokens = .max }
                    next = await callModel(machine, budget: sentTokens / 2, mayShrink: mayShrink, sent: &sentTokens)
                case .runTool(let call): next = await runTool(call)
                case .finish(let outcome, let entries): return (outcome, entries)
                }
                if case .failed = next { break }
            }
            if stop.cause != nil {
                next = RunDriver.input(for: stop.cause, timeout: request.timeout)
                if next == nil { return nil }
            }
            input = next ?? .failed("The run stood still.")
        }
    }

    /// - Parameters:
    ///   - budget: Tokens of the conversation, at most; the model's window may allow less.
    ///   - sent: Set to the tokens that were sent.
    private func callModel(
        _ machine: RunCell, budget: Int, mayShrink: Bool, sent: inout Int
    ) async -> RunStateMachine.Input {
        let definitions = setup.tools.map(\.definition)
        let window = ContextBuilder.budget(model: setup.model, system: setup.system, tools: definitions)
        let history = ContextBuilder.addressed(to: setup.model, context.messages)
        let messages = ContextBuilder.fit(history + machine.added, budgetTokens: min(window, budget))
        sent = ContextBuilder.estimate(messages)
        let asked = ModelRequest(
            model: setup.model, system: setup.system,
            messages: messages, tools: definitions, runId: request.runId, sessionKey: request.sessionKey)
        let turns = setup.turns
        let turn = machine.openTurn()
        let result = await stop.run(grace: limits.grace, clock: monotonic) { () -> RunStateMachine.Input in
            do throws(ProviderError) {
                try await turns.runTurn(asked, mayShrink: mayShrink) { await machine.receive($0, turn: turn) }
                return .turnEnded
            } catch {
                return .turnFailed(error)
            }
        }
        await machine.closeTurn()
        return result ?? .failed("The model's call was left behind.")
    }

    private func runTool(_ call: ToolCall) async -> RunStateMachine.Input {
        let runner = ToolRunner(
            request: request, setup: setup, stop: stop, listener: listener, journal: journal, monotonic: monotonic,
            limits: limits)
        do {
            return .toolFinished(call, try await runner.run(call))
        } catch {
            return .failed((error as? JarvisError)?.message ?? "The call of \(call.name) could not be recorded.")
        }
    }
}

/// The machine of one run, and the gate through which a turn's events reach it: a model's call that was left behind
/// finds it closed, so that nothing is told after the end.
private final class RunCell: Sendable {
    private struct State {
        var machine: RunStateMachine
        var turn = 0
        var isOpen = false
        /// A listener is being told something at this moment.
        var isTelling = false
        var closing: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>
    private let listener: RunListener

    init(_ machine: RunStateMachine, listener: @escaping RunListener) {
        state = Mutex(State(machine: machine))
        self.listener = listener
    }

    var added: [Message] { state.withLock(\.machine.added) }

    func handle(_ input: RunStateMachine.Input) -> [RunStateMachine.Action] {
        state.withLock { $0.machine.handle(input) }
    }

    func openTurn() -> Int {
        state.withLock { state in
            state.turn += 1
            state.isOpen = true
            return state.turn
        }
    }

    func receive(_ event: TurnEvent, turn: Int) async {
        let actions = state.withLock { state -> [RunStateMachine.Action] in
            guard state.isOpen, state.turn == turn else { return [] }
            state.isTelling = true
            return state.machine.handle(.turn(event))
        }
        for case .emit(let event) in actions { await listener(event) }
        let closing = state.withLock { state in
            guard state.turn == turn else { return CheckedContinuation<Void, Never>?.none }
            state.isTelling = false
            defer { state.closing = nil }
            return state.closing
        }
        closing?.resume()
    }

    /// Refuses further events; returns when no listener is being told one.
    func closeTurn() async {
        await withCheckedContinuation { continuation in
            let isQuiet = state.withLock { state in
                state.isOpen = false
                if state.isTelling { state.closing = continuation }
                return !state.isTelling
            }
            if isQuiet { continuation.resume() }
        }
    }
}
