import JarvisCore
import JarvisKit

extension Store {
    /// The run, or nil.
    package func run(_ runId: String) async throws -> RunRecord? {
        try await read { try RunRow.find(runId, $0) }?.record()
    }

    /// What was promised and has not ended, oldest promise first: the work of a start after a crash.
    package func unfinishedRuns() async throws -> [RunRecord] {
        let rows = try await read { database in
            try database.rows(
                """
                SELECT seq, run_id, session_key, session_id, transcript, agent_id, method, state, request, accepted_at,
                started_at, ended_at, attempts, error, summary, user_entry_id, user_entry_seq FROM runs WHERE ended_at IS NULL
                ORDER BY seq
                """, read: RunRow.init)
        }
        return try rows.map { try $0.record() }
    }

    /// The entries of a run in their order: the user's message, tool calls and results, the answer.
    package func entriesForRun(_ runId: String) async throws -> [TranscriptEntry] {
        try await read { try Self.entries(of: try RunRow.get(runId, $0), $0) }
    }

    /// The conversation as the model of this run must see it, oldest first: without the messages that still wait for
    /// runs of their own.
    ///
    /// - Parameter limit: keeps the newest so many.
    /// - Throws: `JarvisError`: `run.unknown`.
    package func contextEntries(forRun runId: String, limit: Int? = nil) async throws -> [TranscriptEntry] {
        try await read { database in
            let run = try RunRow.get(runId, database)
            return try database.rows(
                """
                SELECT id, parent_id, type, timestamp, run_id, seq, body FROM entries WHERE transcript = ?
                AND (run_id IS NULL OR run_id NOT IN (
                    SELECT run_id FROM runs WHERE ended_at IS NULL AND state = 'accepted' AND run_id <> ?))
                ORDER BY seq DESC LIMIT ?
                """, .int(run.transcript), .text(runId), .int(Int64(limit ?? -1)), read: TranscriptEntry.init
            ).reversed()
        }
    }

    /// Answers every tool call of an unfinished run that has no recorded result with an error result, so that the
    /// transcript can be given to a model again.
    ///
    /// - Returns: the entries added; empty when nothing was open.
    /// - Throws: `JarvisError`: `run.unknown`, `run.ended`.
    @discardableResult
    package func repairOrphanToolCalls(runId: String) async throws -> [TranscriptEntry] {
        let now = clock.now()
        return try await write { database in
            let run = try RunRow.getOpen(runId, database)
            var open: [ToolCall] = []
            for case let message? in try Self.entries(of: run, database).map(\.message) {
                switch message {
                case .assistant(let answer):
                    for case .toolCall(let call) in answer.content { open.append(call) }
                case .toolResult(let result): open.removeAll { $0.id == result.toolCallId }
                case .user: break
                }
            }
            let drafts = open.map { call in
                EncodedDraft(
                    .message(
                        .toolResult(
                            ToolResultMessage(
                                toolCallId: call.id, toolName: call.name, content: [.text(Self.orphanText)],
                                isError: true, timestamp: now))))
            }
            return try Self.append(drafts, for: run, at: now, database).entries
        }
    }

    private static let orphanText = """
        The gateway restarted before the result of this call was recorded. It may or may not have taken effect: check \
        before you repeat it.
        """

    private static func entries(of run: RunRow, _ database: Connection) throws -> [TranscriptEntry] {
        try database.rows(
            """
            SELECT id, parent_id, type, timestamp, run_id, seq, body FROM entries
            WHERE transcript = ? AND seq >= ? AND run_id = ? ORDER BY seq
            """, .int(run.transcript), .int(run.userEntrySeq ?? 0), .text(run.runId), read: TranscriptEntry.init)
    }

    /// Forgets runs that ended before `time`, and with them their idempotency keys: keep at least a day more than
    /// clients repeat a request. Transcripts stay.
    ///
    /// - Returns: how many.
    @discardableResult
    package func pruneRuns(endedBefore time: EpochMilliseconds) async throws -> Int {
        try await write { database in
            try database.run(
                """
                DELETE FROM runs WHERE ended_at < ? AND NOT EXISTS (
                    SELECT 1 FROM outbox WHERE outbox.run_id = runs.run_id AND outbox.state <> 'sent')
                """, .int(time))
            return database.changes
        }
    }
}
