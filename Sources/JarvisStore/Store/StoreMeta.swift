import JarvisCore

extension Store {
    /// The value kept under `key`, or nil. Keys that begin with `store.` are the store's own.
    package func meta(_ key: String) async throws -> String? {
        try await read { database in
            try database.row("SELECT value FROM meta WHERE key = ?", .text(key)) { $0.text(0) }
        }
    }

    /// Keeps `value` under `key`; nil forgets it.
    package func setMeta(_ key: String, _ value: String?) async throws {
        try await write { database in
            guard let value else { return try database.run("DELETE FROM meta WHERE key = ?", .text(key)) }
            try database.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", .text(key), .text(value))
        }
    }

    /// Reads the whole database and tells what is wrong with it; empty when it is sound. Takes about a second for each
    /// gigabyte, on the readers' side.
    package func checkIntegrity() async throws -> [String] {
        let findings = try await read { database in
            try database.rows("PRAGMA quick_check(20)") { $0.text(0) }
        }
        return findings == ["ok"] ? [] : findings
    }
}
