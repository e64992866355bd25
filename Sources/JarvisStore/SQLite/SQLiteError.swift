import CSQLite
import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What SQLite said, before it is turned into a `JarvisError` for callers.
struct SQLiteError: Error, Sendable, CustomStringConvertible {
    /// The extended result code.
    var code: Int32
    /// SQLite's words; they name tables and constraints, never values.
    var message: String
    /// The errno of the failed system call, 0 when there was none.
    var systemError: Int32
    /// What was being done.
    var doing: String

    /// The result code without its extension.
    var primary: Int32 { code & 0xFF }

    var description: String {
        let system = systemError == 0 ? "" : ", \(SystemCallError.text(systemError))"
        return "\(doing): \(message) (SQLite \(code)\(system))"
    }

    /// What a failure means for the store.
    enum Family: Sendable, Equatable {
        /// This statement only: a constraint, a misuse.
        case statement
        /// No room; passes when space returns.
        case full
        /// The disk failed. What the kernel holds of earlier writes can't be trusted any more.
        case disk
        /// The file is not, or no longer, a sound database.
        case corrupt
        /// Another connection holds the lock longer than the busy timeout.
        case busy
    }

    var family: Family {
        switch primary {
        case SQLITE_FULL: .full
        case SQLITE_CORRUPT, SQLITE_NOTADB: .corrupt
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_IOERR: isOutOfSpace ? .full : .disk
        case SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH, SQLITE_PROTOCOL: .disk
        default: .statement
        }
    }

    /// A quota, or no room to grow the shared-memory file, comes as an I/O error. A sync that fails for lack of room is
    /// still a failed sync: the kernel has dropped the pages.
    private var isOutOfSpace: Bool {
        // SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC are macros that Swift does not import.
        let failedSyncs = [SQLITE_IOERR | (4 << 8), SQLITE_IOERR | (5 << 8)]
        let sharedMemorySize = SQLITE_IOERR | (19 << 8)
        if failedSyncs.contains(code) { return false }
        if code == sharedMemorySize { return systemError != EIO }
        return systemError == ENOSPC || systemError == EDQUOT
    }

    /// Whether a UNIQUE or PRIMARY KEY constraint refused the row.
    var isUniqueViolation: Bool { code == SQLITE_CONSTRAINT | (8 << 8) || code == SQLITE_CONSTRAINT | (6 << 8) }
}

extension JarvisError {
    /// The error that callers of the store see for `error`.
    init(_ error: SQLiteError) {
        switch error.family {
        case .full:
            self.init(
                "store.full", "The disk that holds the database is full: the write was refused and nothing was lost",
                hint: "Free some space; the gateway goes on by itself", cause: error)
        case .disk:
            self.init(
                "store.failed", "The disk that holds the database failed: \(error)",
                hint: "Look at the disk (dmesg), then restart the gateway", cause: error)
        case .corrupt:
            self.init(
                "store.corrupt", "The database is damaged: \(error)",
                hint: "Restart the gateway: it sets a damaged database aside and says where", cause: error)
        case .busy:
            self.init(
                "store.busy", "Another program holds the database", hint: "Close what has jarvis.sqlite open",
                cause: error)
        case .statement:
            self.init("store.statement", "The database refused a statement: \(error)", cause: error)
        }
    }
}
