import JarvisCore
import JarvisKit

/// Something to send into a channel once the run that wrote it has ended.
package struct OutboxDraft: Sendable {
    /// Sent at most once under this name, over the whole life of the database.
    package var idempotencyKey: String
    /// Where: channel, account, chat, thread.
    package var target: JSONObject
    /// What.
    package var payload: JSONObject

    /// A delivery.
    package init(idempotencyKey: String, target: JSONObject, payload: JSONObject) {
        self.idempotencyKey = idempotencyKey
        self.target = target
        self.payload = payload
    }

    func insert(runId: String, at now: EpochMilliseconds, _ database: Connection) throws {
        try database.run(
            """
            INSERT INTO outbox (run_id, idempotency_key, target, payload, state, created_at, due_at)
            VALUES (?, ?, ?, ?, 'pending', ?, ?) ON CONFLICT (idempotency_key) DO NOTHING
            """,
            .text(runId), .text(idempotencyKey), StoredJSON.value(target), StoredJSON.value(payload), .int(now),
            .int(now))
    }
}

/// Where a delivery is.
package enum OutboxState: String, Sendable, Hashable {
    /// Waits for its time.
    case pending
    /// Handed to the channel; after a restart nobody knows whether it arrived.
    case sending
    /// Arrived; `deliveredId` names it there.
    case sent
    /// Nobody knows whether it arrived; it is shown, never silently repeated.
    case ambiguous
}

/// A stored delivery.
package struct OutboxItem: Sendable, Hashable {
    /// Its number: deliveries go out in this order.
    package var id: Int64
    /// The run that wrote it.
    package var runId: String
    /// Its name towards the channel.
    package var idempotencyKey: String
    /// Where.
    package var target: JSONObject
    /// What.
    package var payload: JSONObject
    /// Where it is.
    package var state: OutboxState
    /// How often it was handed to the channel.
    package var attempts: Int
    /// Not before this time.
    package var dueAt: EpochMilliseconds
    /// The channel's name for it once it arrived.
    package var deliveredId: String?
    /// The last failure.
    package var errorMessage: String?
}

extension Store {
    /// Deliveries that wait or were interrupted (`sending`), in order, due or not.
    package func pendingOutbox(limit: Int = 100) async throws -> [OutboxItem] {
        try await read { database in
            try database.rows(
                """
                SELECT id, run_id, idempotency_key, target, payload, state, attempts, due_at, delivered_id, error
                FROM outbox WHERE state IN ('pending', 'sending') ORDER BY id LIMIT ?
                """, .int(Int64(limit)), read: OutboxItem.init)
        }
    }

    /// Records, before the channel is asked, that it will be.
    package func markOutboxSending(_ id: Int64) async throws {
        try await updateOutbox(id) { database in
            try database.run("UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE id = ?", .int(id))
        }
    }

    /// Records that the channel took it under the name `deliveredId`.
    package func markOutboxSent(_ id: Int64, deliveredId: String?) async throws {
        try await updateOutbox(id) { database in
            try database.run(
                "UPDATE outbox SET state = 'sent', delivered_id = ?, error = NULL WHERE id = ?",
                SQLValue(deliveredId), .int(id))
        }
    }

    /// Records that nobody knows whether it arrived.
    package func markOutboxAmbiguous(_ id: Int64, reason: String) async throws {
        try await updateOutbox(id) { database in
            try database.run("UPDATE outbox SET state = 'ambiguous', error = ? WHERE id = ?", .text(reason), .int(id))
        }
    }

    /// Puts it back for another attempt at `time`: the channel said that it did not take it.
    package func retryOutbox(_ id: Int64, at time: EpochMilliseconds, error: String) async throws {
        try await updateOutbox(id) { database in
            try database.run(
                "UPDATE outbox SET state = 'pending', due_at = ?, error = ? WHERE id = ?", .int(time), .text(error),
                .int(id))
        }
    }

    private func updateOutbox(_ id: Int64, _ body: @escaping @Sendable (Connection) throws -> Void) async throws {
        try await write { database in
            try body(database)
            if database.changes == 0 { throw JarvisError("outbox.unknown", "There is no delivery \(id)") }
        }
    }
}

extension OutboxItem {
    init(_ row: Statement) throws {
        id = row.int(0)
        runId = row.text(1)
        idempotencyKey = row.text(2)
        target = try StoredJSON.object(row.bytes(3))
        payload = try StoredJSON.object(row.bytes(4))
        state = OutboxState(rawValue: row.text(5)) ?? .ambiguous
        attempts = Int(row.int(6))
        dueAt = row.int(7)
        deliveredId = row.optionalText(8)
        errorMessage = row.optionalText(9)
    }
}
