import JarvisCore
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Store {
    /// The name of the database file in its directory.
    package static let fileName = "jarvis.sqlite"

    /// Up to this size a database is checked at the start that follows a crash (about 20 ms); above it later.
    private static let checkAtOnceBytes: Int64 = 32 << 20

    /// Opens `<directory>/jarvis.sqlite`, or creates it (file 0600, directory 0700). Blocks: call it off the event loop
    /// and the cooperative pool. The caller holds the lock of the state directory.
    ///
    /// A damaged database is moved to `<directory>/../quarantine/`, a fresh one takes its place, and `report` says so.
    ///
    /// - Throws: `JarvisError`: `store.newer` (exit 78: a later program wrote it), `store.open` (the files can't be
    ///   opened or are not ours), `store.full`, `store.failed`.
    package static func open(directory: String, clock: WallClock = .system, logger: Logger) throws -> Store {
        do {
            return try open(prepare(directory), clock: clock, logger: logger)
        } catch let error as SystemCallError {
            throw JarvisError(
                error.errorNumber == ENOSPC ? "store.full" : "store.open", "Can't open the database: \(error)",
                hint: "Check owner and mode of \(directory)", cause: error)
        } catch let error as SQLiteError {
            throw JarvisError(error)
        }
    }

    private static func open(_ path: String, clock: WallClock, logger: Logger) throws -> Store {
        var report = StoreOpenReport()
        report.created = !DurableFile.exists(path)
        if report.created {
            // SQLite would play a log that belongs to a vanished database into the new one.
            if DurableFile.exists(path + "-wal") {
                report.quarantined = try quarantine(path, Damage("the database of this log is gone"), clock: clock)
            }
            try create(path)
        }
        do {
            return try attach(path, report, clock: clock, logger: logger)
        } catch let damage as Damage {
            report.quarantined = try quarantine(path, damage, clock: clock)
            logger.error(
                "damaged database set aside",
                metadata: ["path": "\(report.quarantined?.path ?? "")", "reason": "\(damage.reason)"])
            try create(path)
            return try attach(path, report, clock: clock, logger: logger)
        }
    }

    /// Why the file at hand can't be used as it is.
    private struct Damage: Error {
        var reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private static func attach(
        _ path: String, _ before: StoreOpenReport, clock: WallClock, logger: Logger
    ) throws -> Store {
        var report = before
        do {
            let size = try secure(path)
            // An empty or tiny file is a valid empty database for SQLite; ours are complete before they get their name.
            if size < 512 { throw Damage("the file has only \(size) bytes") }
            let connection = try Connection(path: path)
            try configure(connection)
            try checkLength(connection, path: path)
            if try connection.row("PRAGMA user_version", read: { $0.int(0) }) == 0 { throw Damage("it has no schema") }
            let found = try StoreSchema.migrate(connection, path: path)
            if found < StoreSchema.version { report.migratedFrom = Int(found) }
            report.uncleanShutdown = try !StoreMarker.isClean(connection)
            if report.uncleanShutdown {
                report.checkDeferred = size > checkAtOnceBytes
                if !report.checkDeferred { try check(connection) }
            }
            report.quarantined = try StoreMarker.remember(report.quarantined, connection)
            if !report.uncleanShutdown {
                // Not synced: the log keeps its order, so the first real commit makes this durable with itself, and
                // after a crash before that the database is as it was left.
                try connection.execute("PRAGMA synchronous = OFF")
                try StoreMarker.set(clean: false, connection)
                try connection.execute("PRAGMA synchronous = FULL")
            }
            let second = try Connection(path: path)
            try second.execute("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY")
            return Store(
                writer: StoreWriter(connection, logger: logger), reader: StoreReader(second), report: report,
                clock: clock, logger: logger)
        } catch let error as SQLiteError where error.family == .corrupt {
            throw Damage("\(error)")
        }
    }

    private static func configure(_ connection: Connection) throws {
        let mode = try connection.row("PRAGMA journal_mode = WAL") { $0.text(0) }
        guard mode == "wal" else {
            throw JarvisError(
                "store.open", "The file system of \(connection.path) can't hold a database with a write-ahead log",
                hint: "Move the state directory to a local disk")
        }
        // FULL: a commit is on the disk when it returns. The log is moved by the writer itself, so that a failure to do
        // so is seen.
        try connection.execute(
            """
            PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 0;
            PRAGMA journal_size_limit = 67108864
            """)
        connection.watchLog()
    }

    /// A file shorter than its header says was cut; SQLite would notice only when it needs what is missing.
    private static func checkLength(_ connection: Connection, path: String) throws {
        let pages = try connection.row("PRAGMA page_count") { $0.int(0) } ?? 0
        let pageSize = try connection.row("PRAGMA page_size") { $0.int(0) } ?? 0
        var log = stat()
        let hasLog = stat(path + "-wal", &log) == 0 && log.st_size > 0
        var file = stat()
        guard !hasLog, stat(path, &file) == 0 else { return }
        if Int64(file.st_size) < pages * pageSize || pages == 0 {
            throw Damage("the file has \(file.st_size) bytes instead of \(pages * pageSize)")
        }
    }

    private static func check(_ connection: Connection) throws {
        let findings = try connection.rows("PRAGMA quick_check(5)") { $0.text(0) }
        if findings != ["ok"] { throw Damage(findings.joined(separator: "; ")) }
    }

    // MARK: Files

    /// Makes the directory and gives the file's path without symbolic links on the way.
    private static func prepare(_ directory: String) throws -> String {
        try DurableFile.createDirectory(directory)
        guard let resolved = realpath(directory, nil) else {
            throw SystemCallError(call: "realpath", errorNumber: errno, subject: directory)
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        guard chmod(path, 0o700) == 0 else {
            throw SystemCallError(call: "chmod", errorNumber: errno, subject: path)
        }
        return "\(path)/\(fileName)"
    }

    /// Builds a database under another name and gives it its own when it is complete, so that a crash leaves none or a
    /// whole one.
    static func create(_ path: String) throws {
        let unfinished = path + ".new"
        unlink(unfinished)
        let descriptor = Self.openFile(unfinished, O_RDWR | O_CREAT | O_EXCL)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: unfinished) }
        fchmod(descriptor, 0o600)
        closeFile(descriptor)
        do {
            let connection = try Connection(path: unfinished)
            try connection.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL")
            _ = try StoreSchema.migrate(connection, path: path)
            try StoreMarker.set(clean: true, connection)
        } catch {
            unlink(unfinished)
            throw error
        }
        guard rename(unfinished, path) == 0 else {
            throw SystemCallError(call: "rename", errorNumber: errno, subject: path)
        }
        try DurableFile.syncDirectory(DurableFile.parent(of: path))
    }

    /// Makes sure that `path` is a regular file that nobody else can read. SQLite gives the files beside it the same
    /// mode.
    ///
    /// - Returns: its size in bytes.
    private static func secure(_ path: String) throws -> Int64 {
        let descriptor = openFile(path, O_RDWR)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: path) }
        defer { closeFile(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SystemCallError(call: "fstat", errorNumber: errno, subject: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SystemCallError(call: "open", errorNumber: EINVAL, subject: path)
        }
        if status.st_mode & 0o777 != 0o600, fchmod(descriptor, 0o600) != 0 {
            throw SystemCallError(call: "fchmod", errorNumber: errno, subject: path)
        }
        return Int64(status.st_size)
    }

    private static func quarantine(
        _ path: String, _ damage: Damage, clock: WallClock
    ) throws -> StoreOpenReport.Quarantined {
        let directory = DurableFile.parent(of: DurableFile.parent(of: path)) + "/quarantine"
        try DurableFile.createDirectory(directory)
        let target = "\(directory)/\(fileName).corrupt-\(clock.now())"
        for suffix in ["", "-wal"] where DurableFile.exists(path + suffix) {
            guard rename(path + suffix, target + suffix) == 0 else {
                throw SystemCallError(call: "rename", errorNumber: errno, subject: path + suffix)
            }
        }
        unlink(path + "-shm")
        try DurableFile.syncDirectory(directory)
        return StoreOpenReport.Quarantined(path: target, reason: damage.reason)
    }

    private static func openFile(_ path: String, _ flags: Int32) -> Int32 {
        #if canImport(Darwin)
            Darwin.open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        #elseif canImport(Musl)
            Musl.open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        #else
            Glibc.open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        #endif
    }

    private static func closeFile(_ descriptor: Int32) {
        #if canImport(Darwin)
            Darwin.close(descriptor)
        #elseif canImport(Musl)
            Musl.close(descriptor)
        #else
            _ = Glibc.close(descriptor)
        #endif
    }
}
