import JarvisCore
import JarvisKit

/// Where a run is in its life.
package enum RunState: String, Sendable, Hashable {
    /// Promised, not begun.
    case accepted
    /// Begun; after a restart: interrupted.
    case running
    /// Answered.
    case ok
    /// Failed, and the user was told.
    case error
    /// Stopped on request.
    case aborted

    /// Whether nothing more will happen.
    package var isEnded: Bool { self != .accepted && self != .running }
}

/// One turn of work that the gateway has promised.
package struct RunRecord: Sendable, Hashable {
    /// The client's idempotency key.
    package var runId: String
    /// The conversation.
    package var sessionKey: SessionKey
    /// The transcript that it writes to.
    package var sessionId: String
    /// The agent that answers.
    package var agentId: String
    /// What started it: `chat.send`, `agent` …
    package var method: String
    /// Where it is in its life.
    package var state: RunState
    /// What is needed to do it again after a crash.
    package var request: JSONObject
    /// When it was promised.
    package var acceptedAt: EpochMilliseconds
    /// When work began; after a restart the last time.
    package var startedAt: EpochMilliseconds?
    /// When it ended.
    package var endedAt: EpochMilliseconds?
    /// How often work began: more than 1 after a crash in the middle.
    package var attempts: Int
    /// The failure, safe to show.
    package var errorMessage: String?
    /// One line for `agent.wait`.
    package var summary: String?
    /// The transcript entry of the user's message.
    package var userEntryId: String?

    /// A run; the store makes its own, tests make theirs.
    package init(
        runId: String, sessionKey: SessionKey, sessionId: String, agentId: String, method: String,
        state: RunState = .accepted, request: JSONObject = [:], acceptedAt: EpochMilliseconds,
        startedAt: EpochMilliseconds? = nil, endedAt: EpochMilliseconds? = nil, attempts: Int = 0,
        errorMessage: String? = nil, summary: String? = nil, userEntryId: String? = nil
    ) {
        self.runId = runId
        self.sessionKey = sessionKey
        self.sessionId = sessionId
        self.agentId = agentId
        self.method = method
        self.state = state
        self.request = request
        self.acceptedAt = acceptedAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.attempts = attempts
        self.errorMessage = errorMessage
        self.summary = summary
        self.userEntryId = userEntryId
    }
}

/// A message to promise an answer to.
package struct InboundRequest: Sendable {
    /// The name of the run: the client's idempotency key. At most 256 bytes.
    package var runId: String
    /// The conversation; created when new.
    package var sessionKey: SessionKey
    /// The agent that answers.
    package var agentId: String
    /// What started it: `chat.send`, `agent` …
    package var method: String
    /// What the user said.
    package var message: Message
    /// What the run needs to be done again after a crash: thinking, timeoutMs, extraSystemPrompt …
    package var request: JSONObject
    /// Within a scope a run id is answered once. A run id of another scope is refused.
    package var dedupeScope: String

    /// A request.
    package init(
        runId: String, sessionKey: SessionKey, agentId: String, method: String, message: Message,
        request: JSONObject = [:], dedupeScope: String
    ) {
        self.runId = runId
        self.sessionKey = sessionKey
        self.agentId = agentId
        self.method = method
        self.message = message
        self.request = request
        self.dedupeScope = dedupeScope
    }
}

/// What became of an inbound request.
package enum AcceptResult: Sendable {
    /// Promised and on the disk: the run, the user's entry, the session.
    case accepted(RunRecord, TranscriptEntry, SessionRecord)
    /// It was promised before; this is where that run is now. Nothing was written.
    case duplicate(RunRecord)
}

/// The end of a run.
package struct RunFinish: Sendable {
    /// The run.
    package var runId: String
    /// How it ended. Its `message` is not appended by itself: put it into `entries`.
    package var outcome: RunOutcome
    /// What was said and is not in the transcript yet, usually the one assistant message.
    package var entries: [Message]
    /// One line for `agent.wait`.
    package var summary: String?
    /// What to send where, when the run answers into a channel: stored in the same transaction.
    package var delivery: OutboxDraft?

    /// An end.
    package init(
        runId: String, outcome: RunOutcome, entries: [Message] = [], summary: String? = nil,
        delivery: OutboxDraft? = nil
    ) {
        self.runId = runId
        self.outcome = outcome
        self.entries = entries
        self.summary = summary
        self.delivery = delivery
    }
}

/// A run's row; the JSON is read on the caller's side.
struct RunRow: Sendable {
    var seq: Int64
    var runId: String
    var sessionKey: String
    var sessionId: String
    var transcript: Int64
    var agentId: String
    var method: String
    var state: String
    var request: [UInt8]
    var acceptedAt: EpochMilliseconds
    var startedAt: EpochMilliseconds?
    var endedAt: EpochMilliseconds?
    var attempts: Int
    var error: String?
    var summary: String?
    var userEntryId: String?
    var userEntrySeq: Int64?

    init(_ row: Statement) {
        seq = row.int(0)
        runId = row.text(1)
        sessionKey = row.text(2)
        sessionId = row.text(3)
        transcript = row.int(4)
        agentId = row.text(5)
        method = row.text(6)
        state = row.text(7)
        request = row.bytes(8)
        acceptedAt = row.int(9)
        startedAt = row.optionalInt(10)
        endedAt = row.optionalInt(11)
        attempts = Int(row.int(12))
        error = row.optionalText(13)
        summary = row.optionalText(14)
        userEntryId = row.optionalText(15)
        userEntrySeq = row.optionalInt(16)
    }

    static func find(_ runId: String, _ database: Connection) throws -> RunRow? {
        try database.row(
            """
            SELECT seq, run_id, session_key, session_id, transcript, agent_id, method, state, request, accepted_at,
            started_at, ended_at, attempts, error, summary, user_entry_id, user_entry_seq FROM runs WHERE run_id = ?
            """, .text(runId), read: RunRow.init)
    }

    /// The run, or the error that says it does not exist.
    static func get(_ runId: String, _ database: Connection) throws -> RunRow {
        if let row = try find(runId, database) { return row }
        throw JarvisError("run.unknown", "There is no run \(runId)", metadata: ["runId": runId])
    }

    /// The run, or the error that says it is over.
    static func getOpen(_ runId: String, _ database: Connection) throws -> RunRow {
        let row = try get(runId, database)
        if row.endedAt == nil { return row }
        throw JarvisError(
            "run.ended", "The run \(runId) has ended: \(row.state)", metadata: ["runId": runId, "state": row.state])
    }

    func record() throws -> RunRecord {
        guard let key = SessionKey(sessionKey), let state = RunState(rawValue: state) else {
            throw JarvisError("store.corrupt", "A run of the database has no valid session key or state")
        }
        return RunRecord(
            runId: runId, sessionKey: key, sessionId: sessionId, agentId: agentId, method: method, state: state,
            request: try StoredJSON.object(request), acceptedAt: acceptedAt, startedAt: startedAt, endedAt: endedAt,
            attempts: attempts, errorMessage: error, summary: summary, userEntryId: userEntryId)
    }
}
