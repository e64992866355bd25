import Dispatch

/// Runs what blocks on a thread that the cooperative pool does not lack.
func offPool<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    let words = CommandWords.current
    return try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async {
            continuation.resume(with: Result { try CommandWords.$current.withValue(words) { try body() } })
        }
    }
}
