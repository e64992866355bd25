import NIOPosix

/// The threads on which names are looked up for what a browser opens: a name server that does not answer holds one for
/// many seconds, and must not hold those that files are read on.
package enum LookupThreads {
    /// Eight, started when first needed.
    static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 8)
        pool.start()
        return pool
    }()

    /// Runs `work`, which may block, on one of them.
    package static func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await pool.runIfActive(work)
    }
}
