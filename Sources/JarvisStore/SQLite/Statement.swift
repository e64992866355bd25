import CSQLite
import JarvisCore

/// A value to bind.
enum SQLValue: Sendable {
    case null
    case int(Int64)
    /// Any string, U+0000 included.
    case text(String)
    /// UTF-8 bytes bound as text.
    case utf8([UInt8])

    init(_ text: String?) { self = text.map(SQLValue.text) ?? .null }
    init(_ number: Int64?) { self = number.map(SQLValue.int) ?? .null }
}

/// One prepared statement. Used on its connection's thread only.
final class Statement {
    private let handle: OpaquePointer
    private let database: OpaquePointer

    /// Tells SQLite to copy what is bound.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(_ database: OpaquePointer, sql: UnsafePointer<CChar>, length: Int, keep: Bool) throws(SQLiteError) {
        var handle: OpaquePointer?
        let flags = keep ? UInt32(SQLITE_PREPARE_PERSISTENT) : 0
        let code = sqlite3_prepare_v3(database, sql, Int32(length), flags, &handle, nil)
        guard code == SQLITE_OK, let handle else { throw Connection.error(database, code, "prepare") }
        self.handle = handle
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    func bind(_ values: [SQLValue]) throws(SQLiteError) {
        for (offset, value) in values.enumerated() {
            let index = Int32(offset + 1)
            let code: Int32
            switch value {
            case .null: code = sqlite3_bind_null(handle, index)
            case .int(let number): code = sqlite3_bind_int64(handle, index, number)
            case .text(var text):
                code = text.withUTF8 { bind(UnsafeRawBufferPointer($0), at: index) }
            case .utf8(let bytes):
                code = bytes.withUnsafeBytes { bind($0, at: index) }
            }
            guard code == SQLITE_OK else { throw Connection.error(database, code, "bind") }
        }
    }

    private func bind(_ bytes: UnsafeRawBufferPointer, at index: Int32) -> Int32 {
        // A nil pointer would bind NULL: an empty text needs one that is not.
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            return sqlite3_bind_text(handle, index, "", 0, Self.transient)
        }
        let start = base.assumingMemoryBound(to: CChar.self)
        return sqlite3_bind_text64(handle, index, start, UInt64(bytes.count), Self.transient, UInt8(SQLITE_UTF8))
    }

    /// The next row is there; false at the end.
    func step() throws(SQLiteError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw Connection.error(database, code, "step")
        }
    }

    /// Ready for the next use, without what was bound.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }

    /// Reads the current row's columns from 0.
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }
    func text(_ column: Int32) -> String { String(decoding: buffer(column), as: UTF8.self) }
    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
    func bytes(_ column: Int32) -> [UInt8] { Array(buffer(column)) }

    private func buffer(_ column: Int32) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(handle, column)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
    }
}
