import JarvisCore

/// The two lists of devices.
package enum DeviceKind: String, Sendable, Hashable {
    /// Asked to be paired; named by the request's id.
    case pending
    /// Paired; named by the device's id.
    case paired
}

/// One device record.
package struct DeviceRecord: Sendable, Hashable {
    /// The request's or the device's id.
    package var id: String
    /// The record as the pairing code wrote it.
    package var record: JSONObject
}

extension Store {
    /// All records of one list, by id.
    package func devices(_ kind: DeviceKind) async throws -> [DeviceRecord] {
        try await read { database in
            try database.rows("SELECT id, record FROM devices WHERE kind = ? ORDER BY id", .text(kind.rawValue)) {
                DeviceRecord(id: $0.text(0), record: try StoredJSON.object($0.bytes(1)))
            }
        }
    }

    /// One record, or nil.
    package func device(_ kind: DeviceKind, id: String) async throws -> JSONObject? {
        try await read { database in
            try database.row(
                "SELECT record FROM devices WHERE kind = ? AND id = ?", .text(kind.rawValue), .text(id)
            ) { try StoredJSON.object($0.bytes(0)) }
        }
    }

    /// Adds or replaces a record.
    package func putDevice(_ kind: DeviceKind, id: String, record: JSONObject) async throws {
        let now = clock.now()
        try await write { try Self.put(kind, id, record, at: now, $0) }
    }

    /// Removes a record; false when there was none.
    @discardableResult
    package func removeDevice(_ kind: DeviceKind, id: String) async throws -> Bool {
        try await write { try Self.remove(kind, id, $0) }
    }

    /// Adds or replaces a paired device and removes the request that led to it, in one transaction.
    package func pairDevice(id: String, record: JSONObject, removingPending requestId: String?) async throws {
        let now = clock.now()
        try await write { database in
            try Self.put(.paired, id, record, at: now, database)
            if let requestId { _ = try Self.remove(.pending, requestId, database) }
        }
    }

    private static func put(
        _ kind: DeviceKind, _ id: String, _ record: JSONObject, at now: EpochMilliseconds, _ database: Connection
    ) throws {
        try database.run(
            "INSERT OR REPLACE INTO devices (kind, id, record, updated_at) VALUES (?, ?, ?, ?)",
            .text(kind.rawValue), .text(id), StoredJSON.value(record), .int(now))
    }

    private static func remove(_ kind: DeviceKind, _ id: String, _ database: Connection) throws -> Bool {
        try database.run("DELETE FROM devices WHERE kind = ? AND id = ?", .text(kind.rawValue), .text(id))
        return database.changes > 0
    }
}
