import Dispatch
import JarvisCore
import Logging
import Synchronization

/// The database of one instance: sessions, transcripts, runs, inbox, outbox, devices.
///
/// Writes of all callers queue for one writer, which puts everything that waits into one transaction with one sync and
/// only then tells the callers: what a write call returned is on the disk. Reads run beside it on a connection of their
/// own and see every write that has returned. An idle store uses no thread and no timer.
///
/// Calls fail with `JarvisError`: `store.full` (passes when space returns), `store.failed` (the disk failed; no write is
/// accepted until the store is opened again), `store.corrupt`, `store.busy`, `store.closed`.
package final class Store: Sendable {
    /// What `open` found.
    package let report: StoreOpenReport
    /// Where the time comes from.
    let clock: WallClock
    let logger: Logger
    private let writer: StoreWriter
    private let reader: StoreReader

    init(writer: StoreWriter, reader: StoreReader, report: StoreOpenReport, clock: WallClock, logger: Logger) {
        self.writer = writer
        self.reader = reader
        self.report = report
        self.clock = clock
        self.logger = logger
    }

    /// Why the store refuses writes until it is opened again; nil while it is sound.
    package var failure: JarvisError? { writer.failure }

    /// Finishes the writes that wait, marks the shutdown as clean and closes the files. Later calls throw
    /// `store.closed`.
    package func close() async {
        await reader.close()
        await writer.close()
    }

    /// Runs `body` in the writer's next transaction and returns when it is on the disk. When `body` throws, only what it
    /// wrote is undone.
    func write<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await writer.write(body)
    }

    /// Runs `body` on one snapshot of everything that has been written.
    func read<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
        try await reader.read(body)
    }
}

/// What opening a store found.
package struct StoreOpenReport: Sendable {
    /// A damaged database that was set aside.
    package struct Quarantined: Sendable {
        /// Where it is now, an absolute path.
        package var path: String
        /// What was wrong with it.
        package var reason: String
    }

    /// Whether there was no database before.
    package var created = false
    /// The schema version found, when it was older than this program's.
    package var migratedFrom: Int?
    /// Whether the last process did not close the store (crash, power loss).
    package var uncleanShutdown = false
    /// After an unclean shutdown a small database is checked at once; a large one is left for
    /// `Store.checkIntegrity()`, so that the start stays quick.
    package var checkDeferred = false
    /// The damaged database that was set aside, now or at an earlier start; a fresh one took its place. Told as long as
    /// the file is there.
    package var quarantined: Quarantined?
}

/// The error of every call after `close`.
let storeClosed = JarvisError("store.closed", "The database is closed: the gateway is stopping")
