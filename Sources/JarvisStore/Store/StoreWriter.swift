import Dispatch
import JarvisCore
import Logging
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The one writer: takes everything that waits, runs it in one transaction, syncs once, tells everyone.
final class StoreWriter: Sendable {
    /// One caller's work, run on the writer's thread.
    private struct Job: Sendable {
        /// Writes. Throws what spoils the transaction for everyone; the caller's own failure is an attempt.
        var perform: @Sendable (_ connection: Connection, _ savepoint: Bool) throws(SQLiteError) -> Attempt
        /// Tells the caller that nothing was written.
        var refuse: @Sendable (JarvisError) -> Void
    }

    private struct Attempt {
        var failed: Bool
        /// Tells the caller, once the transaction is on the disk.
        var tell: @Sendable () -> Void
    }

    private struct Waiting: Sendable {
        var jobs: [Job] = []
        /// Whether the queue will look at `jobs` without being asked.
        var scheduled = false
        var failure: JarvisError?
        var closed = false
    }

    /// So many pages of log are moved into the database at a time (4 MiB at 4 KiB a page).
    private static let checkpointPages = 1000
    /// So many jobs share one transaction at most, so that the first of them need not wait for all.
    private static let largestBatch = 512
    /// After a batch of this size those who were just answered are likely to come again at once: worth a look.
    private static let crowd = 8
    /// How long one look takes, in microseconds, and how many there are at most.
    private static let look: UInt32 = 100
    private static let looks = 20

    private let queue = DispatchQueue(label: "jarvis.store.writer")
    private let waiting = Mutex(Waiting())
    private let connection: Mutex<Connection?>
    private let logger: Logger

    init(_ connection: sending Connection, logger: Logger) {
        self.connection = Mutex(connection)
        self.logger = logger
    }

    var failure: JarvisError? { waiting.withLock { $0.failure } }

    func write<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            enqueue(
                Job(
                    perform: { connection, savepoint throws(SQLiteError) in
                        let result = try Self.attempt(body, connection, savepoint: savepoint)
                        var failed = false
                        if case .failure = result { failed = true }
                        return Attempt(failed: failed) { continuation.resume(with: result) }
                    }, refuse: { continuation.resume(throwing: $0) }))
        }
    }

    /// Finishes what waits, then closes the connection and, when all went well, marks the shutdown as clean.
    func close() async {
        waiting.withLock { $0.closed = true }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            queue.async { [self] in
                drain()
                let failed = failure != nil
                connection.withLock { connection in
                    if let open = connection, !failed { finish(open) }
                    connection = nil
                }
                continuation.resume()
            }
        }
    }

    private func finish(_ connection: Connection) {
        do {
            try StoreMarker.set(clean: true, connection)
            try connection.checkpoint(truncate: true)
        } catch {
            logger.warning("store close incomplete", metadata: ["error": "\(error)"])
        }
    }

    // MARK: The queue

    private func enqueue(_ job: Job) {
        enum Next { case nothing, schedule, refuse(JarvisError) }
        let next: Next = waiting.withLock { waiting in
            if waiting.closed { return .refuse(storeClosed) }
            if let failure = waiting.failure { return .refuse(failure) }
            waiting.jobs.append(job)
            if waiting.scheduled { return .nothing }
            waiting.scheduled = true
            return .schedule
        }
        switch next {
        case .nothing: break
        case .schedule: queue.async { [self] in drain() }
        case .refuse(let error): job.refuse(error)
        }
    }

    private func drain() {
        var last = 0
        while true {
            if last >= Self.crowd { gather(upTo: last) }
            let jobs: [Job] = waiting.withLock { waiting in
                let batch = Array(waiting.jobs.prefix(Self.largestBatch))
                waiting.jobs.removeFirst(batch.count)
                if batch.isEmpty { waiting.scheduled = false }
                return batch
            }
            if jobs.isEmpty { return }
            last = jobs.count
            if let failure {
                for job in jobs { job.refuse(failure) }
                continue
            }
            connection.withLock { connection in
                guard let connection else { return jobs.forEach { $0.refuse(storeClosed) } }
                commit(jobs, connection)
            }
        }
    }

    /// Lets a crowd come together for one sync instead of two: waits while jobs still arrive, 2 ms at most.
    private func gather(upTo wanted: Int) {
        var before = -1
        for _ in 0..<Self.looks {
            let count = waiting.withLock { $0.jobs.count }
            if count == before || count >= wanted { return }
            before = count
            usleep(Self.look)
        }
    }

    private func commit(_ jobs: [Job], _ connection: Connection) {
        do throws(SQLiteError) {
            // Savepoints cost a quarter of the throughput and are needed only when a job fails, so the first try goes
            // without. Jobs write to the database and nowhere else: running one again is harmless.
            var done = try transaction(jobs, connection, savepoints: false)
            if done == nil { done = try transaction(jobs, connection, savepoints: true) }
            for tell in done ?? [] { tell() }
        } catch {
            connection.rollback()
            let error = fail(error)
            for job in jobs { job.refuse(error) }
            return
        }
        // After the callers know: moving the log is housekeeping that nobody should wait for.
        if connection.logPages >= Self.checkpointPages {
            do throws(SQLiteError) { try connection.checkpoint() } catch { _ = fail(error) }
        }
    }

    /// Runs the jobs as one transaction and gives what tells their callers. Without savepoints a job that fails undoes
    /// the transaction, and the result is nil.
    private func transaction(
        _ jobs: [Job], _ connection: Connection, savepoints: Bool
    ) throws(SQLiteError) -> [@Sendable () -> Void]? {
        var done: [@Sendable () -> Void] = []
        done.reserveCapacity(jobs.count)
        try connection.run("BEGIN IMMEDIATE")
        for job in jobs {
            let attempt = try job.perform(connection, savepoints)
            if attempt.failed, !savepoints {
                try connection.run("ROLLBACK")
                return nil
            }
            done.append(attempt.tell)
        }
        try connection.run("COMMIT")
        return done
    }

    /// Decides what a failed transaction means. After a failed disk or sync nothing that the kernel still holds can be
    /// trusted, so trying again and believing the answer is not an option.
    private func fail(_ error: SQLiteError) -> JarvisError {
        let public_ = JarvisError(error)
        logger.error("store transaction failed", metadata: ["error": "\(error)"])
        switch error.family {
        case .disk, .corrupt: waiting.withLock { $0.failure = $0.failure ?? public_ }
        case .full, .busy, .statement: break
        }
        return public_
    }

    /// Runs one job; with a savepoint its failure undoes its own writes only.
    ///
    /// - Throws: what spoils the transaction for everyone: no room, a failed disk, damage.
    private static func attempt<T>(
        _ body: (Connection) throws -> T, _ connection: Connection, savepoint: Bool
    ) throws(SQLiteError) -> Result<T, any Error> {
        if savepoint { try connection.run("SAVEPOINT job") }
        do {
            let value = try body(connection)
            if savepoint { try connection.run("RELEASE job") }
            return .success(value)
        } catch {
            if let sqlite = error as? SQLiteError, sqlite.family != .statement || connection.isIdle { throw sqlite }
            if savepoint {
                try connection.run("ROLLBACK TO job")
                try connection.run("RELEASE job")
            }
            return .failure((error as? SQLiteError).map { JarvisError($0) } ?? error)
        }
    }
}

/// The rows that tell the next start whether this one ended well, and what was set aside.
enum StoreMarker {
    static func isClean(_ connection: Connection) throws -> Bool {
        try connection.row("SELECT value FROM meta WHERE key = 'store.clean'") { $0.text(0) } == "1"
    }

    static func set(clean: Bool, _ connection: Connection) throws(SQLiteError) {
        try connection.run(
            "INSERT OR REPLACE INTO meta (key, value) VALUES ('store.clean', ?)", .text(clean ? "1" : "0"))
    }

    /// Keeps `quarantined`, so that later starts tell it too, as long as the file is there; without one gives what is
    /// kept.
    static func remember(
        _ quarantined: StoreOpenReport.Quarantined?, _ connection: Connection
    ) throws -> StoreOpenReport.Quarantined? {
        if let quarantined {
            try connection.run(
                "INSERT OR REPLACE INTO meta (key, value) VALUES ('store.quarantined', ?)",
                .text("\(quarantined.path)\n\(quarantined.reason)"))
            return quarantined
        }
        let kept = try connection.row("SELECT value FROM meta WHERE key = 'store.quarantined'") { $0.text(0) }
        let parts = kept?.split(separator: "\n", maxSplits: 1).map(String.init) ?? []
        guard parts.count == 2, DurableFile.exists(parts[0]) else { return nil }
        return StoreOpenReport.Quarantined(path: parts[0], reason: parts[1])
    }
}
