import JarvisKit
import Synchronization

/// A run that waits or is in progress.
package struct ActiveRun: Sendable {
    /// The run.
    package var runId: String
    /// Its conversation.
    package var sessionKey: SessionKey
    /// Its agent.
    package var agentId: String
    /// False while it waits for its lane or for a free place.
    package var isRunning: Bool
}

/// What became of a submitted run.
package enum SubmitResult: Sendable, Equatable {
    /// In progress.
    case started
    /// Waits for its lane or for a free place.
    case queued
    /// It was submitted before and is not over.
    case duplicate
    /// The process is stopping; the run stays open in the store.
    case draining
}

/// What waiting for a run brought.
package enum RunWait: Sendable {
    /// It ended; the outcome is durable.
    case ended(RunOutcome)
    /// It stays open until the next start of the gateway.
    case unfinished
    /// It was still going when the time was over.
    case timeout
    /// Nobody here knows it, or it ended long ago: ask the store.
    case unknown
}

/// Runs wait here for their turn: first come, first served within a session, one run a session, a cap over all.
///
/// Not an actor: `submit` and `abort` are synchronous, so that the order of calls is the order of a lane.
package final class LaneScheduler: Sendable {
    /// How many outcomes are remembered for `wait`.
    package static let rememberedOutcomes = 256

    fileprivate struct Entry {
        var request: RunRequest
        var listener: RunListener
        var stop = RunStop()
    }

    fileprivate struct State {
        var queue: LaneQueue
        var entries: [String: Entry] = [:]
        var isDraining = false
        var waiters: [String: [Int: CheckedContinuation<RunWait, Never>]] = [:]
        var nextWaiter = 0
        var outcomes: [String: RunOutcome] = [:]
        var outcomeOrder: [String] = []
    }

    private let driver: RunDriver
    private let state: Mutex<State>

    /// Lanes that run on `driver`.
    ///
    /// - Parameter maximumActive: Runs in progress over all sessions. Default 4.
    package init(driver: RunDriver, maximumActive: Int = 4) {
        self.driver = driver
        state = Mutex(State(queue: LaneQueue(maximumActive: maximumActive)))
    }

    /// Puts a run that the store has accepted at the end of its session's lane. Does not wait.
    @discardableResult
    package func submit(_ request: RunRequest, listener: @escaping RunListener) -> SubmitResult {
        let (result, started) = state.withLock { state -> (SubmitResult, [Entry]) in
            if state.isDraining { return (.draining, []) }
            guard state.entries[request.runId] == nil, state.queue.add(request) else { return (.duplicate, []) }
            state.entries[request.runId] = Entry(request: request, listener: listener)
            let started = state.startable()
            return (started.contains { $0.request.runId == request.runId } ? .started : .queued, started)
        }
        started.forEach(start)
        return result
    }

    /// Stops one run, waiting or in progress.
    ///
    /// - Returns: Whether there was such a run.
    @discardableResult
    package func abort(runId: String) -> Bool {
        let (entry, waited) = state.withLock { state -> (Entry?, Bool) in
            guard let entry = state.entries[runId] else { return (nil, false) }
            return (entry, state.queue.remove(runId) != nil)
        }
        guard let entry else { return false }
        entry.stop.signal(.user)
        if waited {
            // unstructured: storing the end of a run that never began must not hold up the caller
            Task { self.ended(runId, await self.driver.abortWaiting(entry.request, listener: entry.listener)) }
        }
        return true
    }

    /// Stops all runs of a session, those that wait and the one in progress.
    ///
    /// - Returns: Their ids.
    @discardableResult
    package func abort(session: SessionKey) -> [String] {
        // Waiting ones first, so that none of them starts when the one in progress ends.
        let runs = activeRuns(of: session).sorted { !$0.isRunning && $1.isRunning }
        return runs.map(\.runId).filter { abort(runId: $0) }
    }

    /// All runs that wait or are in progress.
    package var activeRuns: [ActiveRun] {
        state.withLock(\.queue.all).map { request, isRunning in
            ActiveRun(
                runId: request.runId, sessionKey: request.sessionKey, agentId: request.agentId, isRunning: isRunning)
        }
    }

    /// The runs of one session.
    package func activeRuns(of session: SessionKey) -> [ActiveRun] { activeRuns.filter { $0.sessionKey == session } }

    /// Waits until a run ends, at most `timeout`.
    package func wait(runId: String, timeout: Duration) async -> RunWait {
        await withTaskGroup(of: RunWait.self) { group in
            group.addTask { await self.end(of: runId) }
            group.addTask {
                try? await Task.sleep(for: timeout)  // cancelled as soon as the run ended
                return .timeout
            }
            defer { group.cancelAll() }
            return await group.next() ?? .timeout
        }
    }

    /// Stops for good: nothing starts any more, runs in progress may go on for `timeout` and are then cancelled. Runs
    /// that waited or were cancelled stay open in the store, so that the next start repeats them.
    package func drain(timeout: Duration) async {
        let (running, waiting) = state.withLock { state -> ([Entry], [Entry]) in
            state.isDraining = true
            let all = state.queue.all
            for (request, isRunning) in all where !isRunning { _ = state.queue.remove(request.runId) }
            let waiting = Set(all.filter { !$0.isRunning }.map(\.request.runId))
            let entries = state.entries.values
            return (
                entries.filter { !waiting.contains($0.request.runId) },
                entries.filter { waiting.contains($0.request.runId) }
            )
        }
        for entry in waiting { ended(entry.request.runId, .unfinished) }
        await waitForAll(running, timeout: timeout)
        for entry in running { entry.stop.signal(.shutdown) }
        await waitForAll(running, timeout: .seconds(5))
    }

    private func waitForAll(_ entries: [Entry], timeout: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            for entry in entries {
                group.addTask { _ = await self.wait(runId: entry.request.runId, timeout: timeout) }
            }
        }
    }

    private func start(_ entry: Entry) {
        // unstructured: a run outlives the request that asked for it; abort and drain end it
        Task {
            let end = await self.driver.run(entry.request, stop: entry.stop, listener: entry.listener)
            self.ended(entry.request.runId, end)
        }
    }

    private func ended(_ runId: String, _ end: RunEnd) {
        let (waiters, wait, started) = state.withLock { state in
            state.entries[runId] = nil
            state.queue.end(runId)
            var wait = RunWait.unfinished
            if case .ended(let outcome) = end {
                wait = .ended(outcome)
                state.remember(outcome, runId: runId)
            }
            let waiters = state.waiters.removeValue(forKey: runId) ?? [:]
            return (Array(waiters.values), wait, state.isDraining ? [] : state.startable())
        }
        for waiter in waiters { waiter.resume(returning: wait) }
        started.forEach(start)
    }

    private func end(of runId: String) async -> RunWait {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> RunWait? in
                    if let outcome = state.outcomes[runId] { return .ended(outcome) }
                    guard state.entries[runId] != nil else { return .unknown }
                    if Task.isCancelled { return .timeout }
                    state.waiters[runId, default: [:]][id] = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters[runId]?.removeValue(forKey: id) }
            waiter?.resume(returning: .timeout)
        }
    }
}

extension LaneScheduler.State {
    /// Everything that may start now, marked as in progress.
    fileprivate mutating func startable() -> [LaneScheduler.Entry] {
        var started: [LaneScheduler.Entry] = []
        while let request = queue.startNext() {
            if let entry = entries[request.runId] { started.append(entry) }
        }
        return started
    }

    fileprivate mutating func remember(_ outcome: RunOutcome, runId: String) {
        if outcomes.updateValue(outcome, forKey: runId) == nil { outcomeOrder.append(runId) }
        if outcomeOrder.count > LaneScheduler.rememberedOutcomes { outcomes[outcomeOrder.removeFirst()] = nil }
    }
}
