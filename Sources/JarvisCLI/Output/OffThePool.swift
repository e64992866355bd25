import Dispatch

/// Runs what blocks on a thread of its own: the cooperative pool is only as wide as the machine has cores.
enum OffThePool {
    /// Runs `body` and returns its result.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
        }
    }
}
