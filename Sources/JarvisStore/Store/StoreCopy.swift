import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The conversations of one instance as the database of another: sessions, transcripts and their entries. Runs, what
/// waits to be sent, paired devices and everything else stay behind, so that the copy neither answers nor sends what the
/// original does. All calls block.
package enum StoreCopy {
    /// The tables that a copy takes along, in the order in which their rows refer to each other.
    package static let tables = ["transcripts", "sessions", "entries"]

    /// Whether the directory holds a database.
    package static func exists(in directory: String) -> Bool { DurableFile.exists("\(directory)/\(Store.fileName)") }

    /// Copies the conversations of the database in `source` into a new one in the directory `target`, which exists and
    /// holds none. Nothing in `source` changes.
    ///
    /// - Parameter isLive: whether a gateway has the database open: then one consistent moment is read beside it. When
    ///   not, the caller keeps a gateway from starting.
    /// - Returns: how many sessions were copied.
    /// - Throws: `JarvisError`: `store.newer`, `store.corrupt`, `store.failed` …
    @discardableResult
    package static func copy(from source: String, isLive: Bool, to target: String) throws -> Int {
        try guarded {
            let target = try real(target)
            let snapshot = "\(target)/.copy.sqlite"
            defer { removeFiles(snapshot) }
            let original = "\(try real(source))/\(Store.fileName)"
            if isLive {
                let reader = try Connection(path: original, isReadOnly: true)
                try reader.run("VACUUM INTO ?", .text(snapshot))
            } else {
                for suffix in ["", "-wal"] where DurableFile.exists(original + suffix) {
                    try duplicate(original + suffix, to: snapshot + suffix)
                }
            }
            let connection = try Connection(path: snapshot)
            _ = try StoreSchema.migrate(connection, path: original)
            return try take(snapshot, into: "\(target)/\(Store.fileName)")
        }
    }

    /// Takes the conversations of a database file that somebody else may have made: it must be sound and have exactly
    /// the tables of a version that this program knows, so that nothing in it can act.
    ///
    /// - Parameter file: the file, which this call may change.
    /// - Returns: how many sessions were taken.
    /// - Throws: `JarvisError` `store.foreign` when it is anything else; `store.newer`.
    @discardableResult
    package static func adopt(_ file: String, to target: String) throws -> Int {
        try guarded {
            let directory = try real(target)
            let file = "\(try real(DurableFile.parent(of: file)))/\(file.split(separator: "/").last ?? "")"
            do {
                let connection = try Connection(path: file)
                try connection.execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
                try checkTables(connection, beside: directory)
                guard try connection.rows("PRAGMA integrity_check(1)", read: { $0.text(0) }) == ["ok"] else {
                    throw foreign("it is damaged")
                }
                try connection.execute("PRAGMA journal_mode = DELETE")
                _ = try StoreSchema.migrate(connection, path: file)
            } catch let error as SQLiteError {
                throw foreign("\(error.message)")
            }
            return try take(file, into: "\(directory)/\(Store.fileName)")
        }
    }

    private static func take(_ snapshot: String, into path: String) throws -> Int {
        try Store.create(path)
        let connection = try Connection(path: path)
        try connection.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = FULL")
        try connection.run("ATTACH ? AS original", .text(snapshot))
        try connection.run("BEGIN IMMEDIATE")
        do {
            for table in tables {
                try connection.execute("INSERT INTO main.\(table) SELECT * FROM original.\(table) ORDER BY 1")
            }
            try connection.run("COMMIT")
        } catch {
            connection.rollback()
            throw error
        }
        try connection.execute("DETACH original")
        return Int(try connection.row("SELECT count(*) FROM sessions") { $0.int(0) } ?? 0)
    }

    private static func checkTables(_ connection: Connection, beside directory: String) throws {
        let found = try connection.row("PRAGMA user_version") { $0.int(0) } ?? 0
        guard found > 0 else { throw foreign("it has no schema") }
        let pattern = "\(directory)/.pattern.sqlite"
        defer { removeFiles(pattern) }
        try DurableFile.write([], to: pattern)
        let blank = try Connection(path: pattern)
        guard try StoreSchema.build(blank, version: found) else {
            throw JarvisError(
                "store.newer",
                "The conversations have schema version \(found); this program knows versions up to"
                    + " \(StoreSchema.version).", hint: "Import them with the newer jarvis that wrote them.")
        }
        let wanted = try schema(blank)
        guard try schema(connection) == wanted else { throw foreign("it has other tables than a gateway makes") }
    }

    private static func schema(_ connection: Connection) throws -> [String] {
        try connection.rows("SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY 1") {
            $0.text(0)
        }
    }

    private static func guarded<T>(_ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as SQLiteError {
            throw JarvisError(error)
        } catch let error as SystemCallError {
            throw JarvisError("store.copy", "The conversations can't be copied: \(error).", cause: error)
        }
    }

    private static func foreign(_ reason: String) -> JarvisError {
        JarvisError("store.foreign", "The conversations can't be taken over: \(reason).", exitCode: 2)
    }

    private static func real(_ directory: String) throws -> String {
        guard let resolved = realpath(directory, nil) else {
            throw SystemCallError(call: "realpath", errorNumber: errno, subject: directory)
        }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func duplicate(_ from: String, to: String) throws {
        let input = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard input >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: from) }
        defer { close(input) }
        let output = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: to) }
        defer { close(output) }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(input, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SystemCallError(call: "read", errorNumber: errno, subject: from) }
            if count == 0 { return }
            var offset = 0
            while offset < count {
                let written = buffer.withUnsafeBytes { bytes in
                    bytes.baseAddress.map { write(output, $0 + offset, count - offset) } ?? -1
                }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw SystemCallError(call: "write", errorNumber: errno, subject: to) }
                offset += written
            }
        }
    }

    private static func removeFiles(_ path: String) {
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }
}
