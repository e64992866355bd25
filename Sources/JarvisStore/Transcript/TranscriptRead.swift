import JarvisCore
import JarvisKit

/// A transcript that was put away.
package struct TranscriptArchive: Sendable, Hashable {
    /// Its session id.
    package var sessionId: String
    /// The session that it belonged to.
    package var sessionKey: String
    /// When it was put away.
    package var archivedAt: EpochMilliseconds
    /// Why: `new`, `reset`, `deleted`, `compact` …
    package var reason: String
    /// How many entries it has.
    package var entries: Int
}

extension Store {
    /// The entries of a session's current transcript, oldest first; empty for an unknown session.
    ///
    /// - Parameters:
    ///   - limit: keeps the newest so many. Default all.
    ///   - before: only entries whose `seq` is smaller.
    package func entries(
        _ key: SessionKey, limit: Int? = nil, before: Int64? = nil
    ) async throws -> [TranscriptEntry] {
        try await read { database in
            guard let session = try SessionRow.find(key, database) else { return [] }
            return try Self.entries(session.transcript, limit, before, database)
        }
    }

    /// The entries of a transcript, also one that was put away, oldest first; empty for an unknown id.
    package func entries(
        sessionId: String, limit: Int? = nil, before: Int64? = nil
    ) async throws -> [TranscriptEntry] {
        try await read { database in
            guard let transcript = try Self.transcript(sessionId, database) else { return [] }
            return try Self.entries(transcript.id, limit, before, database)
        }
    }

    /// Transcripts that were put away, the newest first; those of one session or of all.
    package func archives(key: SessionKey? = nil) async throws -> [TranscriptArchive] {
        try await read { database in
            try database.rows(
                """
                SELECT session_id, session_key, archived_at, archive_reason,
                (SELECT count(*) FROM entries WHERE entries.transcript = transcripts.id) FROM transcripts
                WHERE archived_at IS NOT NULL AND (?1 IS NULL OR session_key = ?1) ORDER BY archived_at DESC, id DESC
                """, SQLValue(key?.text)
            ) {
                TranscriptArchive(
                    sessionId: $0.text(0), sessionKey: $0.text(1), archivedAt: $0.int(2), reason: $0.text(3),
                    entries: Int($0.int(4)))
            }
        }
    }

    /// Deletes transcripts that were put away before `time`, for good. Unfinished runs keep theirs.
    ///
    /// - Returns: how many.
    @discardableResult
    package func purgeArchives(before time: EpochMilliseconds) async throws -> Int {
        try await write { database in
            let old = try database.rows(
                """
                SELECT id FROM transcripts WHERE archived_at < ?
                AND id NOT IN (SELECT transcript FROM runs WHERE ended_at IS NULL)
                """, .int(time)
            ) { $0.int(0) }
            for id in old {
                try database.run("DELETE FROM entries WHERE transcript = ?", .int(id))
                try database.run("DELETE FROM transcripts WHERE id = ?", .int(id))
            }
            return old.count
        }
    }

    /// The transcript of this session id: the current one, else the one put away last.
    static func transcript(
        _ sessionId: String, _ database: Connection
    ) throws -> (id: Int64, createdAt: EpochMilliseconds)? {
        try database.row(
            """
            SELECT id, created_at FROM transcripts WHERE session_id = ?
            ORDER BY archived_at IS NOT NULL, archive_reason = 'compact', id DESC LIMIT 1
            """, .text(sessionId)
        ) { (id: $0.int(0), createdAt: $0.int(1)) }
    }

    static func entries(
        _ transcript: Int64, _ limit: Int?, _ before: Int64?, _ database: Connection
    ) throws -> [TranscriptEntry] {
        try database.rows(
            """
            SELECT id, parent_id, type, timestamp, run_id, seq, body FROM entries
            WHERE transcript = ? AND seq < ? ORDER BY seq DESC LIMIT ?
            """, .int(transcript), .int(before ?? .max), .int(Int64(limit ?? -1)), read: TranscriptEntry.init
        ).reversed()
    }
}
