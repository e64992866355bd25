import NIOPosix

/// Runs calls that block (files, locks, names) off the event loop and off the cooperative pool.
enum Blocking {
    /// Runs `body` on the blocking pool.
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
        try await NIOThreadPool.singleton.runIfActive(body)
    }
}
