import CSQLite
import JarvisCore

/// One SQLite connection with its prepared statements. Not thread safe: whoever owns it, owns it alone.
final class Connection {
    /// The path of the database file.
    let path: String
    private let handle: OpaquePointer
    private var statements: [UnsafePointer<UInt8>: Statement] = [:]
    private let walPages: UnsafeMutablePointer<Int32>

    /// Opens the existing file at `path`; its directory must hold no symbolic link.
    init(path: String, isReadOnly: Bool = false) throws(SQLiteError) {
        var handle: OpaquePointer?
        let access = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK, let handle else {
            let error = handle.map { Self.error($0, code, "open \(path)") }
            sqlite3_close_v2(handle)
            throw error ?? SQLiteError(code: code, message: "out of memory", systemError: 0, doing: "open \(path)")
        }
        self.path = path
        self.handle = handle
        walPages = .allocate(capacity: 1)
        walPages.initialize(to: 0)
        sqlite3_busy_timeout(handle, 5000)
    }

    deinit {
        statements.removeAll()
        sqlite3_close_v2(handle)
        walPages.deallocate()
    }

    static func error(_ database: OpaquePointer, _ code: Int32, _ doing: String) -> SQLiteError {
        SQLiteError(
            code: code, message: String(cString: sqlite3_errmsg(database)),
            systemError: sqlite3_system_errno(database), doing: doing)
    }

    /// Whether no transaction is open; also after SQLite itself rolled one back.
    var isIdle: Bool { sqlite3_get_autocommit(handle) != 0 }

    /// How many rows the last statement changed.
    var changes: Int { Int(sqlite3_changes(handle)) }

    /// The rowid of the last insert.
    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

    // MARK: Statements

    /// Runs a statement that gives no row.
    func run(_ sql: StaticString, _ values: SQLValue...) throws(SQLiteError) {
        let statement = try cached(sql)
        defer { statement.reset() }
        try statement.bind(values)
        while try statement.step() {}
    }

    /// The first row of a query, read by `read`; nil when there is none.
    func row<T>(_ sql: StaticString, _ values: SQLValue..., read: (Statement) throws -> T) throws -> T? {
        let statement = try cached(sql)
        defer { statement.reset() }
        try statement.bind(values)
        return try statement.step() ? read(statement) : nil
    }

    /// All rows of a query.
    func rows<T>(_ sql: StaticString, _ values: SQLValue..., read: (Statement) throws -> T) throws -> [T] {
        let statement = try cached(sql)
        defer { statement.reset() }
        return try collect(statement, values, read)
    }

    /// All rows of a query whose text is put together at run time; prepared for this call only.
    func rows<T>(built sql: String, _ values: [SQLValue], read: (Statement) throws -> T) throws -> [T] {
        try collect(try once(sql), values, read)
    }

    /// Runs one or more statements without values.
    func execute(_ sql: String) throws(SQLiteError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw Self.error(handle, code, "execute") }
    }

    private func collect<T>(_ statement: Statement, _ values: [SQLValue], _ read: (Statement) throws -> T) throws -> [T]
    {
        try statement.bind(values)
        var result: [T] = []
        while try statement.step() { result.append(try read(statement)) }
        return result
    }

    private func cached(_ sql: StaticString) throws(SQLiteError) -> Statement {
        // A literal's address never changes, so it is the cheapest name that a statement can have.
        let name = sql.utf8Start
        if let statement = statements[name] { return statement }
        let text = UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self)
        let statement = try Statement(handle, sql: text, length: sql.utf8CodeUnitCount, keep: true)
        statements[name] = statement
        return statement
    }

    private func once(_ sql: String) throws(SQLiteError) -> Statement {
        try Statement(handle, sql: sql, length: sql.utf8.count, keep: false)
    }

    // MARK: Transactions

    /// Runs `body` on one snapshot.
    func snapshot<T>(_ body: (Connection) throws -> T) throws -> T {
        try run("BEGIN")
        do {
            let value = try body(self)
            try run("COMMIT")
            return value
        } catch {
            rollback()
            throw error
        }
    }

    /// Undoes the open transaction, if there is one.
    func rollback() {
        guard !isIdle else { return }
        try? run("ROLLBACK")  // SQLite may have rolled back by itself in between; there is nothing else to undo
    }

    // MARK: Write-ahead log

    /// From now on `walFrames` tells how long the log is, and nothing but `checkpoint` moves it into the database.
    func watchLog() {
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            }, walPages)
    }

    /// The length of the log in pages after the last commit.
    var logPages: Int { Int(walPages.pointee) }

    /// Moves the log into the database as far as readers allow; `truncate` waits for them and empties the log.
    func checkpoint(truncate: Bool = false) throws(SQLiteError) {
        let mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
        let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
        guard code == SQLITE_OK || code & 0xFF == SQLITE_BUSY else { throw Self.error(handle, code, "checkpoint") }
        walPages.pointee = 0
    }
}
