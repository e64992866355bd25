import JarvisCore
import JarvisKit

/// What a reset left.
package struct SessionReset: Sendable, Hashable {
    /// The session with its new session id.
    package var session: SessionRecord
    /// The transcript that was put away; nil when the session was new.
    package var archivedSessionId: String?
}

/// What a deletion did.
package struct SessionDeletion: Sendable, Hashable {
    /// Whether there was such a session.
    package var deleted: Bool
    /// The session id of the transcript that was put away.
    package var archivedSessionId: String?
    /// Runs that had not ended and were ended as aborted.
    package var endedRuns: [String]
}

/// What a compaction did.
package struct SessionCompaction: Sendable, Hashable {
    /// Whether anything was put away.
    package var compacted: Bool
    /// How many entries the session has now.
    package var kept: Int
    /// How many entries were put away.
    package var archived: Int
}

extension Store {
    /// The session, created when it is new; `fields` count only then.
    package func ensureSession(
        _ key: SessionKey, agentId: String, fields: JSONObject = [:]
    ) async throws -> SessionRecord {
        let now = clock.now()
        return try await write { database in
            try SessionRow.find(key, database)
                ?? SessionRow.create(key, agentId: agentId, fields: fields, at: now, database)
        }.record()
    }

    /// Sets fields of a session; `null` clears one. `key`, `sessionId` and `updatedAt` can't be set.
    ///
    /// - Parameter agentId: creates the session for this agent when it is new.
    /// - Throws: `JarvisError`: `session.unknown`, `session.label.taken`.
    package func patchSession(
        _ key: SessionKey, fields: JSONObject, creatingFor agentId: String? = nil
    ) async throws -> SessionRecord {
        let now = clock.now()
        return try await write { database in
            let session = try Self.find(key, creatingFor: agentId, at: now, database)
            var merged = try StoredJSON.object(session.fields)
            for (name, value) in fields where !["key", "sessionId", "updatedAt"].contains(name) {
                if value.isNull { merged.removeValue(forKey: name) } else { merged[name] = value }
            }
            if let label = merged["label"]?.stringValue {
                let owner = try database.row(
                    "SELECT key FROM sessions WHERE label = ? AND id <> ? LIMIT 1", .text(label), .int(session.id)
                ) { $0.text(0) }
                if let owner {
                    throw JarvisError(
                        "session.label.taken", "The label \(label) is already used by the session \(owner)",
                        hint: "Choose another label", metadata: ["sessionKey": owner], exitCode: 2)
                }
            }
            try session.save(merged, at: now, database)
            return try SessionRow.get(key, database)
        }.record()
    }

    /// Marks a session as used now.
    ///
    /// - Throws: `JarvisError`: `session.unknown`.
    package func touchSession(_ key: SessionKey) async throws {
        let now = clock.now()
        try await write { database in
            try database.run(
                "UPDATE sessions SET updated_at = max(updated_at, ?) WHERE key = ?", .int(now), .text(key.text))
            if database.changes == 0 { _ = try SessionRow.get(key, database) }
        }
    }

    /// Gives the session a new, empty transcript with a new session id; the old one is put away and the settings stay.
    /// Messages that still wait for their run move to the new transcript when it begins.
    ///
    /// - Parameters:
    ///   - reason: kept with the old transcript: `new`, `reset` …
    ///   - agentId: creates the session for this agent when it is new.
    /// - Throws: `JarvisError`: `session.unknown`.
    package func resetSession(
        _ key: SessionKey, reason: String, creatingFor agentId: String? = nil
    ) async throws -> SessionReset {
        let now = clock.now()
        let (row, archived) = try await write { database -> (SessionRow, String?) in
            guard let old = try SessionRow.find(key, database) else {
                return (try Self.find(key, creatingFor: agentId, at: now, database), nil)
            }
            try Self.archive(old.transcript, reason: reason, at: now, database)
            let sessionId = Identifiers.uuid()
            let transcript = try SessionRow.newTranscript(
                old.key, agentId: old.agentId, sessionId: sessionId, at: now, database)
            try database.run(
                """
                UPDATE sessions SET session_id = ?, transcript = ?, created_at = ?, leaf_id = NULL, title = NULL,
                preview = NULL WHERE id = ?
                """, .text(sessionId), .int(transcript), .int(now), .int(old.id))
            let fields = try StoredJSON.object(old.fields)
            try SessionRow.get(key, database).save(
                fields.filter { !Self.perTranscript.contains($0.key) }, at: now, database)
            return (try SessionRow.get(key, database), old.sessionId)
        }
        return SessionReset(session: try row.record(), archivedSessionId: archived)
    }

    /// Removes the session with its settings; its transcript is put away. Its unfinished runs end as aborted. The
    /// caller refuses to delete a main session.
    package func deleteSession(_ key: SessionKey) async throws -> SessionDeletion {
        let now = clock.now()
        return try await write { database in
            guard let session = try SessionRow.find(key, database) else {
                return SessionDeletion(deleted: false, archivedSessionId: nil, endedRuns: [])
            }
            let open = try database.rows(
                "SELECT run_id FROM runs WHERE ended_at IS NULL AND session_key = ? ORDER BY seq", .text(key.text)
            ) { $0.text(0) }
            try database.run(
                """
                UPDATE runs SET state = 'aborted', ended_at = ?, error = 'The session was deleted'
                WHERE ended_at IS NULL AND session_key = ?
                """, .int(now), .text(key.text))
            try Self.archive(session.transcript, reason: "deleted", at: now, database)
            try database.run("DELETE FROM sessions WHERE id = ?", .int(session.id))
            return SessionDeletion(deleted: true, archivedSessionId: session.sessionId, endedRuns: open)
        }
    }

    /// Keeps the newest `keepLast` entries and puts the older ones away as an archive of their own (reason `compact`).
    /// Results of tool calls that are put away go with them, so a few less may stay; what belongs to a run that has not
    /// ended stays.
    ///
    /// - Throws: `JarvisError`: `session.unknown`.
    package func compactSession(_ key: SessionKey, keepLast: Int) async throws -> SessionCompaction {
        let now = clock.now()
        return try await write { database in
            let session = try SessionRow.get(key, database)
            let transcript = SQLValue.int(session.transcript)
            let total =
                try database.row("SELECT count(*) FROM entries WHERE transcript = ?", transcript) { Int($0.int(0)) }
                ?? 0
            let newest = try database.rows(
                "SELECT seq, body FROM entries WHERE transcript = ? ORDER BY seq DESC LIMIT ?", transcript,
                .int(Int64(max(keepLast, 1)))
            ) { (seq: $0.int(0), body: $0.bytes(1)) }
            let firstKept = try newest.reversed().first { entry in
                try StoredJSON.object(entry.body)["message"]?["role"]?.stringValue != "toolResult"
            }?.seq
            let firstPromised = try database.row(
                """
                SELECT min(seq) FROM entries WHERE transcript = ? AND run_id IN (
                    SELECT run_id FROM runs WHERE ended_at IS NULL)
                """, transcript
            ) { $0.optionalInt(0) }
            guard total > newest.count, let firstKept else {
                return SessionCompaction(compacted: false, kept: total, archived: 0)
            }
            let archive = try SessionRow.newTranscript(
                session.key, agentId: session.agentId, sessionId: session.sessionId, at: session.createdAt, database)
            try Self.archive(archive, reason: "compact", at: now, database)
            try database.run(
                "UPDATE entries SET transcript = ? WHERE transcript = ? AND seq < ?", .int(archive), transcript,
                .int(min(firstKept, (firstPromised ?? nil) ?? .max)))
            let archived = database.changes
            try database.run(
                """
                UPDATE entries SET parent_id = NULL WHERE transcript = ?1 AND parent_id IS NOT NULL
                AND parent_id NOT IN (SELECT id FROM entries WHERE transcript = ?1)
                """, transcript)
            var fields = try StoredJSON.object(session.fields)
            for name in ["totalTokens", "totalTokensFresh"] { fields.removeValue(forKey: name) }
            try session.save(fields, at: now, database)
            return SessionCompaction(compacted: archived > 0, kept: total - archived, archived: archived)
        }
    }

    // MARK: Parts

    /// Fields that describe a transcript and not the wish of a user: a reset clears them.
    private static let perTranscript: Set<String> = [
        "inputTokens", "outputTokens", "totalTokens", "totalTokensFresh", "cacheRead", "cacheWrite", "contextTokens",
        "compactionCount", "memoryFlushAt", "memoryFlushCompactionCount", "abortedLastRun", "systemSent",
        "cliSessionIds", "skillsSnapshot", "systemPromptReport", "sessionFile", "lastHeartbeatText",
        "lastHeartbeatSentAt",
    ]

    private static func find(
        _ key: SessionKey, creatingFor agentId: String?, at now: EpochMilliseconds, _ database: Connection
    ) throws -> SessionRow {
        if let agentId, try SessionRow.find(key, database) == nil {
            return try SessionRow.create(key, agentId: agentId, at: now, database)
        }
        return try SessionRow.get(key, database)
    }

    private static func archive(
        _ transcript: Int64, reason: String, at now: EpochMilliseconds, _ database: Connection
    ) throws {
        try database.run(
            "UPDATE transcripts SET archived_at = ?, archive_reason = ? WHERE id = ?", .int(now), .text(reason),
            .int(transcript))
    }
}
