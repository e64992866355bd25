import Dispatch

/// Runs calls that block (files, locks, names) off the event loop and off the cooperative pool.
enum Blocking {
    /// One at a time; its thread ends when there is nothing to do.
    private static let queue = DispatchQueue(label: "jarvis.blocking")

    /// Runs `body` on the blocking queue.
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: body)) }
        }
    }
}
