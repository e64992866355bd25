import JarvisCore
import JarvisKit

extension Store {
    /// The longest run id (idempotency key), in bytes.
    package static let maximumRunIdLength = 256

    /// The promise point: when this returns `.accepted`, session, user entry and run record are on the disk, and the
    /// message will be answered once even if the process dies now. Calls made at the same time share one sync.
    ///
    /// - Throws: `JarvisError`: `run.id.invalid`, `run.id.taken` (the id belongs to another dedupe scope), or one of the
    ///   store's own. Then nothing was promised.
    package func accept(_ inbound: InboundRequest) async throws -> AcceptResult {
        guard (1...Self.maximumRunIdLength).contains(inbound.runId.utf8.count) else {
            throw JarvisError(
                "run.id.invalid",
                "An idempotency key has 1 to \(Self.maximumRunIdLength) bytes; this one has \(inbound.runId.utf8.count)"
            )
        }
        // What is costly happens here, on the caller's side of the queue.
        let draft = EncodedDraft(.message(inbound.message))
        let request = JSONWriter.encode(.object(inbound.request))
        let now = clock.now()
        let result = try await write { database in
            try Self.accept(inbound, draft, request, at: now, database)
        }
        switch result {
        case .duplicate(let run): return .duplicate(try run.record())
        case .accepted(let entry, let session):
            return .accepted(
                RunRecord(
                    runId: inbound.runId, sessionKey: inbound.sessionKey, sessionId: session.sessionId,
                    agentId: inbound.agentId, method: inbound.method, state: .accepted, request: inbound.request,
                    acceptedAt: now, attempts: 0, userEntryId: entry.id), entry, try session.record())
        }
    }

    private enum Accepted: Sendable {
        case accepted(TranscriptEntry, SessionRow)
        case duplicate(RunRow)
    }

    private static func accept(
        _ inbound: InboundRequest, _ draft: EncodedDraft, _ request: [UInt8], at now: EpochMilliseconds,
        _ database: Connection
    ) throws -> Accepted {
        let scope = try database.row(
            "SELECT scope FROM runs WHERE run_id = ?", .text(inbound.runId)
        ) { $0.text(0) }
        if let scope {
            guard scope == inbound.dedupeScope else {
                throw JarvisError(
                    "run.id.taken", "The idempotency key \(inbound.runId) is already used for something else",
                    hint: "Use a new random key for every request", metadata: ["runId": inbound.runId], exitCode: 2)
            }
            return .duplicate(try RunRow.get(inbound.runId, database))
        }
        var session =
            try SessionRow.find(inbound.sessionKey, database)
            ?? SessionRow.create(inbound.sessionKey, agentId: inbound.agentId, at: now, database)
        let entry = try TranscriptWriter.append(
            [draft], to: session, runId: inbound.runId, at: now, database)[0]
        try database.run(
            """
            INSERT INTO runs (run_id, scope, session_key, session_id, transcript, agent_id, method, state, request,
            accepted_at, user_entry_id, user_entry_seq) VALUES (?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?, ?, ?)
            """,
            .text(inbound.runId), .text(inbound.dedupeScope), .text(session.key), .text(session.sessionId),
            .int(session.transcript), .text(inbound.agentId), .text(inbound.method), .utf8(request), .int(now),
            .text(entry.id), .int(entry.seq))
        session.updatedAt = max(session.updatedAt, now)
        session.leafId = entry.id
        return .accepted(entry, session)
    }
}
