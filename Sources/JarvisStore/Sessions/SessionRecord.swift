import JarvisCore
import JarvisKit

/// One conversation and its settings.
package struct SessionRecord: Sendable, Hashable {
    /// Its name.
    package var key: SessionKey
    /// The name of its current transcript; a reset gives a new one.
    package var sessionId: String
    /// The agent that answers.
    package var agentId: String
    /// When the session began.
    package var createdAt: EpochMilliseconds
    /// When something was last said or changed.
    package var updatedAt: EpochMilliseconds
    /// The members of a session entry except key, sessionId and updatedAt, in the words of the family: `label`,
    /// `thinkingLevel`, `model`, `modelProvider`, `abortedLastRun` … The counts `inputTokens`, `outputTokens`,
    /// `cacheRead` and `cacheWrite` add up over the runs since the last reset; `totalTokens` is what the last turn held.
    package var fields: JSONObject

    /// A session; the store makes its own, tests make theirs.
    package init(
        key: SessionKey, sessionId: String, agentId: String, createdAt: EpochMilliseconds,
        updatedAt: EpochMilliseconds, fields: JSONObject = [:]
    ) {
        self.key = key
        self.sessionId = sessionId
        self.agentId = agentId
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.fields = fields
    }
}

/// A session's row as the writer needs it; the JSON is read on the caller's side.
struct SessionRow: Sendable {
    var id: Int64
    var key: String
    var sessionId: String
    var transcript: Int64
    var agentId: String
    var createdAt: EpochMilliseconds
    var updatedAt: EpochMilliseconds
    var leafId: String?
    var fields: [UInt8]

    /// The columns that `init(_:)` reads, in its order.
    static let columns =
        "id, key, session_id, transcript, agent_id, created_at, updated_at, leaf_id, fields"

    init(_ row: Statement) {
        id = row.int(0)
        key = row.text(1)
        sessionId = row.text(2)
        transcript = row.int(3)
        agentId = row.text(4)
        createdAt = row.int(5)
        updatedAt = row.int(6)
        leafId = row.optionalText(7)
        fields = row.bytes(8)
    }

    static func find(_ key: SessionKey, _ database: Connection) throws -> SessionRow? {
        try database.row(
            """
            SELECT id, key, session_id, transcript, agent_id, created_at, updated_at, leaf_id, fields
            FROM sessions WHERE key = ?
            """, .text(key.text), read: SessionRow.init)
    }

    /// The session, or the error that says it does not exist.
    static func get(_ key: SessionKey, _ database: Connection) throws -> SessionRow {
        if let row = try find(key, database) { return row }
        throw JarvisError(
            "session.unknown", "There is no session \(key)", hint: "List them with: jarvis sessions",
            metadata: ["sessionKey": key.text])
    }

    /// Creates the session with a new session id, or a given one.
    static func create(
        _ key: SessionKey, agentId: String, sessionId: String = Identifiers.uuid(), fields: JSONObject = [:],
        at now: EpochMilliseconds, _ database: Connection
    ) throws -> SessionRow {
        let transcript = try newTranscript(key.text, agentId: agentId, sessionId: sessionId, at: now, database)
        try database.run(
            """
            INSERT INTO sessions (key, session_id, transcript, agent_id, created_at, updated_at, label, spawned_by,
            search, fields) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .text(key.text), .text(sessionId), .int(transcript), .text(agentId), .int(now), .int(now),
            SQLValue(fields["label"]?.stringValue), SQLValue(fields["spawnedBy"]?.stringValue),
            .text(searchText(key.text, sessionId, fields)), StoredJSON.value(fields))
        return try get(key, database)
    }

    /// A new, empty transcript.
    static func newTranscript(
        _ key: String, agentId: String, sessionId: String, at now: EpochMilliseconds, _ database: Connection
    ) throws -> Int64 {
        try database.run(
            "INSERT INTO transcripts (session_id, session_key, agent_id, created_at) VALUES (?, ?, ?, ?)",
            .text(sessionId), .text(key), .text(agentId), .int(now))
        return database.lastInsertedRow
    }

    /// Writes `fields` and what is derived from them.
    func save(_ fields: JSONObject, at now: EpochMilliseconds, _ database: Connection) throws {
        try database.run(
            "UPDATE sessions SET fields = ?, label = ?, spawned_by = ?, search = ?, updated_at = max(updated_at, ?) WHERE id = ?",
            StoredJSON.value(fields), SQLValue(fields["label"]?.stringValue),
            SQLValue(fields["spawnedBy"]?.stringValue), .text(Self.searchText(key, sessionId, fields)), .int(now),
            .int(id))
    }

    func record() throws -> SessionRecord {
        guard let key = SessionKey(key) else {
            throw JarvisError("store.corrupt", "A session of the database has no valid key")
        }
        return SessionRecord(
            key: key, sessionId: sessionId, agentId: agentId, createdAt: createdAt, updatedAt: updatedAt,
            fields: try StoredJSON.object(fields))
    }

    /// What a search looks into, in lower case.
    private static func searchText(_ key: String, _ sessionId: String, _ fields: JSONObject) -> String {
        let names = ["label", "displayName", "subject"].compactMap { fields[$0]?.stringValue }
        return ([key, sessionId] + names).joined(separator: "\n").lowercased()
    }
}
