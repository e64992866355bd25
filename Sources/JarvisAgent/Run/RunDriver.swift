import JarvisCore
import JarvisKit
import Logging
import Synchronization

/// Carries one run through: does what the state machine asks for, watches the deadline, and makes the outcome durable
/// before anyone hears of it.
///
/// One task group per run. Only calls of models and tools, which may hang for reasons beyond us, run beside it, under
/// `RunStop`.
package struct RunDriver: Sendable {
    private let journal: any RunJournal
    private let setup: @Sendable (RunRequest) async throws -> RunSetup
    private let clock: WallClock
    private let monotonic: MonotonicClock
    private let limits: RunLimits
    private let logger: Logger

    /// A driver.
    ///
    /// - Parameters:
    ///   - setup: Composes model, prompt and tools when the run begins. What it throws is told to the user: a
    ///     `JarvisError`'s message, else a general sentence.
    package init(
        journal: any RunJournal, clock: WallClock = .system, monotonic: MonotonicClock = .system,
        limits: RunLimits = RunLimits(), logger: Logger,
        setup: @escaping @Sendable (RunRequest) async throws -> RunSetup
    ) {
        self.journal = journal
        self.setup = setup
        self.clock = clock
        self.monotonic = monotonic
        self.limits = limits
        self.logger = logger
    }

    /// Runs `request` until it ends or `stop` is thrown.
    package func run(_ request: RunRequest, stop: RunStop, listener: @escaping RunListener) async -> RunEnd {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await monotonic.sleep(request.timeout) } catch { return }
                stop.signal(.deadline)
            }
            defer { group.cancelAll() }
            return await execute(request, stop: stop, listener: listener)
        }
    }

    /// Ends a run that never began, because someone stopped it while it waited.
    package func abortWaiting(_ request: RunRequest, listener: @escaping RunListener) async -> RunEnd {
        let now = clock.now()
        let outcome = RunOutcome(status: .aborted, message: nil, usage: Usage(), startedAt: now, endedAt: now)
        return await finish(request, outcome: outcome, entries: [], listener: listener)
    }

    private func execute(_ request: RunRequest, stop: RunStop, listener: @escaping RunListener) async -> RunEnd {
        if stop.cause == .shutdown { return .unfinished }
        let entries: [ContextEntry]
        do {
            try await journal.beginRun(request.runId)
            entries = try await journal.context(runId: request.runId, sessionKey: request.sessionKey)
        } catch {
            return await giveUp(request, "The conversation could not be read", error, listener: listener)
        }
        let composed = await stop.run(grace: limits.grace, clock: monotonic) {
            [setup] () -> Result<RunSetup, any Error> in
            do { return .success(try await setup(request)) } catch { return .failure(error) }
        }
        let context = ContextBuilder.build(entries, runId: request.runId)
        switch composed {
        case .success(let setup):
            let execution = RunExecution(
                request: request, setup: setup, context: context, stop: stop, listener: listener, journal: journal,
                clock: clock, monotonic: monotonic, limits: limits)
            return await end(request, await execution.run(), listener: listener)
        case .failure(let error) where stop.cause == nil:
            logger.error("run could not be composed", metadata: ["run": "\(request.runId)", "error": "\(error)"])
            let text = (error as? JarvisError)?.message ?? "The run could not be prepared."
            return await endEarly(request, .failed(text), listener: listener)
        case .failure, nil:
            guard let input = Self.input(for: stop.cause, timeout: request.timeout) else { return .unfinished }
            return await endEarly(request, input, listener: listener)
        }
    }

    /// The machine's word for why a run is stopped; nil when it must stay open.
    static func input(for cause: RunStop.Cause?, timeout: Duration) -> RunStateMachine.Input? {
        switch cause {
        case .user: .abort
        case .deadline: .deadline(timeout)
        case .shutdown: nil
        case nil: .failed("The run was stopped.")
        }
    }

    private func endEarly(
        _ request: RunRequest, _ input: RunStateMachine.Input, listener: @escaping RunListener
    ) async -> RunEnd {
        let model = ModelDescriptor(provider: "jarvis", id: "gateway", api: "jarvis")
        var machine = RunStateMachine(model: model, tools: [], limits: limits, clock: clock)
        for action in machine.handle(input) {
            if case .finish(let outcome, let entries) = action {
                return await end(request, (outcome, entries), listener: listener)
            }
        }
        return .unfinished
    }

    private func end(
        _ request: RunRequest, _ result: (outcome: RunOutcome, entries: [Message])?, listener: @escaping RunListener
    ) async -> RunEnd {
        guard let result else { return .unfinished }
        return await finish(request, outcome: result.outcome, entries: result.entries, listener: listener)
    }

    private func finish(
        _ request: RunRequest, outcome: RunOutcome, entries: [Message], listener: @escaping RunListener
    ) async -> RunEnd {
        var wait = Duration.milliseconds(200)
        for attempt in 1...max(1, limits.storeTries) {
            do {
                try await journal.finishRun(request.runId, outcome: outcome, entries: entries)
                await listener(.ended(outcome))
                return .ended(outcome)
            } catch {
                logger.error(
                    "outcome could not be stored",
                    metadata: ["run": "\(request.runId)", "attempt": "\(attempt)", "error": "\(error)"])
                if attempt == limits.storeTries {
                    return await giveUp(request, "The answer could not be stored", error, listener: listener)
                }
                try? await monotonic.sleep(wait)  // cancelled only at the process's end: then without a wait
                wait *= 4
            }
        }
        return .unfinished
    }

    /// The journal failed: listeners must not wait for ever, and the run stays open so that it is repeated.
    private func giveUp(
        _ request: RunRequest, _ what: String, _ error: any Error, listener: @escaping RunListener
    ) async -> RunEnd {
        logger.error("run given up", metadata: ["run": "\(request.runId)", "error": "\(error)"])
        let now = clock.now()
        let reason = (error as? JarvisError)?.message ?? "the store failed"
        await listener(
            .ended(
                RunOutcome(
                    status: .error, message: nil, errorMessage: "\(what): \(reason)", usage: Usage(), startedAt: now,
                    endedAt: now)))
        return .unfinished
    }
}
