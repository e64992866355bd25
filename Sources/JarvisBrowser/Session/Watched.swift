import Synchronization

/// State that events change and that tasks wait for.
///
/// Changes are made under a lock, on whatever thread brings them; after each one the conditions of those who wait are
/// asked, in the order in which they came. A condition must be quick and must not touch this object.
final class Watched<State: Sendable>: Sendable {
    private typealias Resume = @Sendable () -> Void

    private struct Box {
        var state: State
        var lastWaiter = 0
        // Gives what resumes the waiter, when its condition holds; with nil, what resumes it with nothing.
        var waiters: [(id: Int, check: @Sendable (State?) -> Resume?)] = []
        var cancelledEarly: Set<Int> = []
    }

    private let box: Mutex<Box>

    init(_ state: State) { box = Mutex(Box(state: state)) }

    /// Looks.
    func read<T: Sendable>(_ body: (State) throws -> T) rethrows -> T {
        try box.withLock { try body($0.state) }
    }

    /// Changes the state and wakes those whose condition now holds.
    @discardableResult
    func change<T: Sendable>(_ body: (inout State) throws -> T) rethrows -> T {
        let (result, ready) = try box.withLock { box in
            let result = try body(&box.state)
            var ready: [Resume] = []
            if !box.waiters.isEmpty {
                let state = box.state
                box.waiters.removeAll { waiter in
                    guard let resume = waiter.check(state) else { return false }
                    ready.append(resume)
                    return true
                }
            }
            return (result, ready)
        }
        for resume in ready { resume() }
        return result
    }

    /// Waits until `condition` gives a value; nil after `timeout` or when the task is cancelled.
    func wait<T: Sendable>(_ timeout: Duration, for condition: @escaping @Sendable (State) -> T?) async -> T? {
        if let now = read(condition) { return now }
        guard timeout > .zero else { return nil }
        return await withTaskGroup(of: T?.self) { group in
            group.addTask { await self.waitWithoutLimit(for: condition) }
            group.addTask {
                try? await Task.sleep(for: timeout)  // cancelled: the other one has won
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // The condition may have come true in the very moment in which time ran out.
            if first == nil, let last = await group.next() ?? nil { return last }
            return first
        }
    }

    private func waitWithoutLimit<T: Sendable>(for condition: @escaping @Sendable (State) -> T?) async -> T? {
        let id = box.withLock { box in
            box.lastWaiter += 1
            return box.lastWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<T?, Never>) in
                let resume: Resume? = box.withLock { box in
                    if box.cancelledEarly.remove(id) != nil { return { continuation.resume(returning: nil) } }
                    if let now = condition(box.state) { return { continuation.resume(returning: now) } }
                    box.waiters.append(
                        (
                            id,
                            { state in
                                guard let state else { return { continuation.resume(returning: nil) } }
                                guard let value = condition(state) else { return nil }
                                return { continuation.resume(returning: value) }
                            }
                        ))
                    return nil
                }
                resume?()
            }
        } onCancel: {
            let resume: Resume? = box.withLock { box in
                guard let index = box.waiters.firstIndex(where: { $0.id == id }) else {
                    if id == box.lastWaiter || box.lastWaiter >= id { box.cancelledEarly.insert(id) }
                    return nil
                }
                return box.waiters.remove(at: index).check(nil)
            }
            resume?()
        }
    }
}
