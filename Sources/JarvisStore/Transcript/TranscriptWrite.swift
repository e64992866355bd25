import JarvisCore
import JarvisKit

/// The one place that adds entries to a transcript.
enum TranscriptWriter {
    /// Appends `drafts` behind the session's newest entry and updates what lists show of it.
    ///
    /// - Parameter updatesTime: whether the session counts as used now.
    static func append(
        _ drafts: [EncodedDraft], to session: SessionRow, runId: String?, at now: EpochMilliseconds,
        _ database: Connection
    ) throws -> [TranscriptEntry] {
        guard !drafts.isEmpty else { return [] }
        let entries = try insert(
            drafts, transcript: session.transcript, after: session.leafId, runId: runId, at: now, database)
        try database.run(
            """
            UPDATE sessions SET leaf_id = ?, updated_at = max(updated_at, ?), title = coalesce(title, ?),
            preview = coalesce(?, preview) WHERE id = ?
            """,
            SQLValue(entries.last?.id), .int(now), SQLValue(drafts.lazy.compactMap(\.title).first),
            SQLValue(drafts.lazy.compactMap(\.preview).last), .int(session.id))
        return entries
    }

    /// Adds `drafts` to a transcript, also an archived one, behind the entry `leaf`.
    static func insert(
        _ drafts: [EncodedDraft], transcript: Int64, after leaf: String?, runId: String?, at now: EpochMilliseconds,
        _ database: Connection
    ) throws -> [TranscriptEntry] {
        var parent = leaf
        return try drafts.map { draft in
            let entry = try insert(draft, transcript: transcript, parent: parent, runId: runId, at: now, database)
            parent = entry.id
            return entry
        }
    }

    private static func insert(
        _ draft: EncodedDraft, transcript: Int64, parent: String?, runId: String?, at now: EpochMilliseconds,
        _ database: Connection
    ) throws -> TranscriptEntry {
        let seq = try nextSeq(database)
        let entry = TranscriptEntry(
            id: name(of: seq), parentId: parent, type: draft.draft.type, timestamp: now, body: draft.draft.body,
            runId: runId, seq: seq)
        try database.run(
            """
            INSERT INTO entries (seq, transcript, id, parent_id, type, timestamp, run_id, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .int(seq), .int(transcript), .text(entry.id), SQLValue(parent), .text(entry.type), .int(now),
            SQLValue(runId), .utf8(draft.body))
        return entry
    }

    /// The place behind every entry.
    static func nextSeq(_ database: Connection) throws -> Int64 {
        (try database.row("SELECT max(seq) FROM entries") { $0.int(0) } ?? 0) + 1
    }

    /// The id of an entry made at the place `seq`: 8 hexadecimal digits that look random and repeat only after 2^32
    /// entries, so that no index has to keep them unique.
    static func name(of seq: Int64) -> String {
        // Multiplying by an odd number permutes the 32-bit numbers.
        let mixed = UInt32(truncatingIfNeeded: seq) &* 0x9E37_79B1 ^ 0x5A3C_96E7
        return Identifiers.hex((0..<4).map { UInt8(truncatingIfNeeded: mixed >> (24 - 8 * $0)) })
    }

    /// The newest entry of a transcript.
    static func leaf(_ transcript: Int64, _ database: Connection) throws -> String? {
        try database.row(
            "SELECT id FROM entries WHERE transcript = ? ORDER BY seq DESC LIMIT 1", .int(transcript)
        ) { $0.text(0) }
    }
}
