import JarvisCore
import Synchronization

/// The switch that stops one run. Work that runs under it is cancelled and, when it does not come back within a grace
/// period, left behind, so that nothing that hangs can hold a lane.
package final class RunStop: Sendable {
    /// Why a run is stopped.
    package enum Cause: Sendable {
        /// Someone asked for it.
        case user
        /// Its time is over.
        case deadline
        /// The process stops; the run stays open.
        case shutdown
    }

    private struct State {
        var cause: Cause?
        var handlers: [Int: @Sendable () -> Void] = [:]
        var nextHandler = 0
    }

    private let state = Mutex(State())

    /// Not stopped.
    package init() {}

    /// Why the run was stopped; nil while it wasn't.
    package var cause: Cause? { state.withLock(\.cause) }

    /// Stops the run. The first cause stays.
    ///
    /// - Returns: Whether this call was the first.
    @discardableResult
    package func signal(_ cause: Cause) -> Bool {
        let handlers = state.withLock { state -> [@Sendable () -> Void]? in
            guard state.cause == nil else { return nil }
            state.cause = cause
            defer { state.handlers = [:] }
            return Array(state.handlers.values)
        }
        for handler in handlers ?? [] { handler() }
        return handlers != nil
    }

    /// Runs `operation`, which is cancelled when the switch is thrown.
    ///
    /// - Parameter limit: Cancels it too when it takes longer; nil: no limit of its own.
    /// - Returns: Its result; nil when it was stopped before it began or was left behind after `grace`.
    package func run<Value: Sendable>(
        grace: Duration, clock: MonotonicClock, limit: Duration? = nil,
        _ operation: @escaping @Sendable () async -> Value
    ) async -> Value? {
        if cause != nil { return nil }
        let handoff = Handoff<Value>()
        // unstructured: a group would wait for a call that ignores cancellation, and the lane with it
        let task = Task { handoff.resume(await operation()) }
        let handler = onStop {
            task.cancel()
            // unstructured: ends by itself after the grace period
            Task {
                try? await clock.sleep(grace)  // nobody cancels this task
                handoff.resume(nil)
            }
        }
        let timer = limit.map { limit in
            // unstructured: beside the call, which may not come back; cancelled with its end
            Task {
                do { try await clock.sleep(limit) } catch { return }
                task.cancel()
                do { try await clock.sleep(grace) } catch { return }
                handoff.resume(nil)
            }
        }
        defer {
            timer?.cancel()
            removeHandler(handler)
        }
        return await handoff.value()
    }

    private func onStop(_ handler: @escaping @Sendable () -> Void) -> Int {
        let (id, isLate) = state.withLock { state in
            state.nextHandler += 1
            if state.cause == nil { state.handlers[state.nextHandler] = handler }
            return (state.nextHandler, state.cause != nil)
        }
        if isLate { handler() }
        return id
    }

    private func removeHandler(_ id: Int) { state.withLock { $0.handlers[id] = nil } }
}

/// Carries one value from whoever is first to one waiter.
private final class Handoff<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waiting(CheckedContinuation<Value?, Never>)
        case filled(Value?)
        case taken
    }

    private let state = Mutex(State.empty)

    func resume(_ value: Value?) {
        let waiter = state.withLock { state -> CheckedContinuation<Value?, Never>? in
            switch state {
            case .empty:
                state = .filled(value)
                return nil
            case .waiting(let continuation):
                state = .taken
                return continuation
            case .filled, .taken: return nil
            }
        }
        waiter?.resume(returning: value)
    }

    func value() async -> Value? {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Value?? in
                if case .filled(let value) = state {
                    state = .taken
                    return .some(value)
                }
                state = .waiting(continuation)
                return .none
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
