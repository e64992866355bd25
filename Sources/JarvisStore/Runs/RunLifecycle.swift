import JarvisCore
import JarvisKit

extension Store {
    /// Marks a promised or interrupted run as running and counts the attempt.
    ///
    /// At the first attempt its user entry moves behind everything that was said while it waited, into the session's
    /// current transcript: the conversation then reads question, answer, question, answer.
    ///
    /// - Throws: `JarvisError`: `run.unknown`, `run.ended`, `session.unknown`.
    package func beginRun(_ runId: String) async throws -> RunRecord {
        let now = clock.now()
        let row = try await write { database in
            let run = try RunRow.getOpen(runId, database)
            try Self.moveUserEntry(of: run, database)
            try database.run(
                "UPDATE runs SET state = 'running', started_at = ?, attempts = attempts + 1 WHERE seq = ?",
                .int(now), .int(run.seq))
            return try RunRow.get(runId, database)
        }
        return try row.record()
    }

    /// Appends entries, durably, behind the newest entry of the session. With a run they belong to it and go to the
    /// run's own transcript, also when the session was reset meanwhile.
    ///
    /// - Throws: `JarvisError`: `session.unknown`, `run.unknown`, `run.ended`.
    package func append(
        _ drafts: [TranscriptDraft], to key: SessionKey, runId: String? = nil
    ) async throws -> [TranscriptEntry] {
        let encoded = drafts.map(EncodedDraft.init)
        let now = clock.now()
        return try await write { database in
            guard let runId else {
                let session = try SessionRow.get(key, database)
                return try TranscriptWriter.append(encoded, to: session, runId: nil, at: now, database)
            }
            let run = try RunRow.getOpen(runId, database)
            return try Self.append(encoded, for: run, at: now, database).entries
        }
    }

    /// Adds a message that no run produced, such as an operator's note.
    ///
    /// - Throws: `JarvisError`: `session.unknown`.
    package func inject(_ message: Message, into key: SessionKey) async throws -> TranscriptEntry {
        try await append([.message(message)], to: key)[0]
    }

    /// Ends a run, once: its last entries, its state, the session's counts and the delivery are one transaction.
    ///
    /// - Returns: the run as stored. When it had ended before, that record, and nothing was written.
    /// - Throws: `JarvisError`: `run.unknown`.
    @discardableResult
    package func finishRun(_ finish: RunFinish) async throws -> RunRecord {
        let encoded = finish.entries.map { EncodedDraft(.message($0)) }
        let now = clock.now()
        let row = try await write { database in
            let run = try RunRow.get(finish.runId, database)
            if run.endedAt != nil { return run }
            let session = try Self.append(encoded, for: run, at: now, database).session
            let outcome = finish.outcome
            try database.run(
                """
                UPDATE runs SET state = ?, started_at = coalesce(started_at, ?), ended_at = ?, error = ?, summary = ?
                WHERE seq = ?
                """,
                .text(outcome.status.rawValue), .int(outcome.startedAt), .int(outcome.endedAt),
                SQLValue(outcome.errorMessage), SQLValue(finish.summary), .int(run.seq))
            if let session { try Self.count(finish, on: session, at: now, database) }
            if let delivery = finish.delivery { try delivery.insert(runId: run.runId, at: now, database) }
            return try RunRow.get(finish.runId, database)
        }
        return try row.record()
    }

    // MARK: Parts

    /// Appends to the run's transcript. The session is nil when it has a newer transcript or is gone.
    static func append(
        _ drafts: [EncodedDraft], for run: RunRow, at now: EpochMilliseconds, _ database: Connection
    ) throws -> (entries: [TranscriptEntry], session: SessionRow?) {
        if let key = SessionKey(run.sessionKey), let session = try SessionRow.find(key, database),
            session.transcript == run.transcript
        {
            return (
                try TranscriptWriter.append(drafts, to: session, runId: run.runId, at: now, database), session
            )
        }
        let leaf = try TranscriptWriter.leaf(run.transcript, database)
        let entries = try TranscriptWriter.insert(
            drafts, transcript: run.transcript, after: leaf, runId: run.runId, at: now, database)
        return (entries, nil)
    }

    private static func moveUserEntry(of run: RunRow, _ database: Connection) throws {
        guard let key = SessionKey(run.sessionKey), let entry = run.userEntryId, let seq = run.userEntrySeq else {
            return
        }
        let session = try SessionRow.get(key, database)
        if session.transcript == run.transcript, session.leafId == entry { return }
        let answer = try database.row(
            "SELECT 1 FROM entries WHERE transcript = ? AND seq > ? AND run_id = ? LIMIT 1", .int(run.transcript),
            .int(seq), .text(run.runId)
        ) { _ in true }
        if answer == true { return }
        let parent = try database.row("SELECT parent_id FROM entries WHERE seq = ?", .int(seq)) { $0.optionalText(0) }
        guard let parent else { return }
        let next = try TranscriptWriter.nextSeq(database)
        try database.run(
            "UPDATE entries SET parent_id = ? WHERE transcript = ? AND seq > ? AND parent_id = ?", SQLValue(parent),
            .int(run.transcript), .int(seq), .text(entry))
        try database.run(
            "UPDATE entries SET seq = ?, transcript = ?, parent_id = ? WHERE seq = ?", .int(next),
            .int(session.transcript), SQLValue(session.leafId), .int(seq))
        try database.run("UPDATE sessions SET leaf_id = ? WHERE id = ?", .text(entry), .int(session.id))
        try database.run(
            "UPDATE runs SET transcript = ?, session_id = ?, user_entry_seq = ? WHERE seq = ?",
            .int(session.transcript), .text(session.sessionId), .int(next), .int(run.seq))
    }

    /// Adds what a run used to the session's counts.
    private static func count(
        _ finish: RunFinish, on session: SessionRow, at now: EpochMilliseconds, _ database: Connection
    ) throws {
        var fields = try StoredJSON.object(session.fields)
        let outcome = finish.outcome
        for (name, tokens) in [
            ("inputTokens", outcome.usage.input), ("outputTokens", outcome.usage.output),
            ("cacheRead", outcome.usage.cacheRead), ("cacheWrite", outcome.usage.cacheWrite),
        ] where tokens > 0 {
            fields[name] = JSONValue((fields[name]?.intValue ?? 0) + tokens)
        }
        if let message = outcome.message {
            if message.usage.totalTokens > 0 {
                fields["totalTokens"] = JSONValue(message.usage.totalTokens)
                fields["totalTokensFresh"] = true
            }
            fields["modelProvider"] = .string(message.provider)
            fields["model"] = .string(message.model)
        }
        fields["abortedLastRun"] = .bool(outcome.status == .aborted)
        try session.save(fields, at: now, database)
    }
}
