import Synchronization

/// A value that comes once, from whoever is first; later ones are dropped.
final class OneShot<Value: Sendable>: Sendable {
    private enum Stage {
        case empty
        case awaited(CheckedContinuation<Value, Never>)
        case full(Value)
        case taken
    }

    private let stage = Mutex(Stage.empty)

    /// Gives the value.
    func give(_ value: Value) {
        let continuation: CheckedContinuation<Value, Never>? = stage.withLock { stage in
            switch stage {
            case .empty:
                stage = .full(value)
                return nil
            case .awaited(let continuation):
                stage = .taken
                return continuation
            case .full, .taken:
                return nil
            }
        }
        continuation?.resume(returning: value)
    }

    /// Waits for the value; to be called once. A cancelled task gets `fallback`.
    func value(ifCancelled fallback: Value) async -> Value {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let value: Value? = stage.withLock { stage in
                    if case .full(let value) = stage {
                        stage = .taken
                        return value
                    }
                    stage = .awaited(continuation)
                    return nil
                }
                if let value { continuation.resume(returning: value) }
            }
        } onCancel: {
            give(fallback)
        }
    }
}
