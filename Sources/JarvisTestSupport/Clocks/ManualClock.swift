import JarvisCore
import Synchronization

/// Time that stands still until a test moves it.
package final class ManualClock: Sendable {
    private struct Sleeper {
        var id: Int
        var until: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Duration.zero
        var nextId = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var watchers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    /// At zero.
    package init() {}

    /// The clock for the code under test.
    package var clock: MonotonicClock {
        MonotonicClock(now: { self.now }, sleep: { try await self.sleep($0) })
    }

    /// The time now.
    package var now: Duration { state.withLock(\.now) }

    /// Moves time forward and wakes whoever is due.
    package func advance(_ duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.until <= state.now }
            state.sleepers.removeAll { $0.until <= state.now }
            return due
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until at least `count` tasks sleep.
    package func sleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isMet = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isMet { continuation.resume() }
        }
    }

    private func sleep(_ duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextId += 1
            return state.nextId
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (isCancelled, watchers) = state.withLock { state in
                    if Task.isCancelled || state.cancelled.remove(id) != nil {
                        return (true, [CheckedContinuation<Void, Never>]())
                    }
                    state.sleepers.append(Sleeper(id: id, until: state.now + duration, continuation: continuation))
                    let met = state.watchers.filter { $0.count <= state.sleepers.count }
                    state.watchers.removeAll { $0.count <= state.sleepers.count }
                    return (false, met.map(\.continuation))
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// A clock whose waits are over at once, and the list of what was waited for.
package final class InstantClock: Sendable {
    private let state = Mutex<(now: Duration, waits: [Duration])>((.zero, []))

    /// At zero.
    package init() {}

    /// The waits so far.
    package var waits: [Duration] { state.withLock(\.waits) }

    /// The clock for the code under test.
    ///
    /// - Parameter longest: Waits beyond it are deadlines and never end by themselves. Default 10 s.
    package func clock(longest: Duration = .seconds(10)) -> MonotonicClock {
        MonotonicClock(
            now: { self.state.withLock(\.now) },
            sleep: { duration in
                if duration > longest {
                    try await Task.sleep(for: .seconds(3600))
                    return
                }
                self.state.withLock { state in
                    state.now += duration
                    state.waits.append(duration)
                }
                try Task.checkCancellation()
            })
    }
}
