import JarvisCore
import JarvisKit

/// One entry of a conversation as the context needs it.
package struct ContextEntry: Sendable {
    /// What it is.
    package enum Kind: Sendable {
        /// Something said.
        case message(Message)
        /// Everything before `firstKeptEntryId` (nil: before this entry) is replaced by `summary`.
        case compaction(summary: String, firstKeptEntryId: String?)
        /// A call that is not harmless to repeat began.
        case toolBegan(callId: String)
    }

    /// The entry's id.
    package var id: String
    /// The run that it belongs to.
    package var runId: String?
    /// What it is.
    package var kind: Kind

    /// An entry.
    package init(id: String, runId: String?, kind: Kind) {
        self.id = id
        self.runId = runId
        self.kind = kind
    }
}

/// What is noted before a call that acts runs.
package struct ToolBeginning: Sendable, Hashable {
    /// The model's id of the call.
    package var callId: String
    /// The tool.
    package var tool: String
    /// What the call risks.
    package var risk: ToolRisk
    /// Why it may run: `no approval needed`, `allow-once by …`.
    package var why: String
    /// The fingerprint of what was judged (`ApprovalRequest.fingerprint`).
    package var fingerprint: String

    /// A note.
    package init(callId: String, tool: String, risk: ToolRisk, why: String, fingerprint: String) {
        self.callId = callId
        self.tool = tool
        self.risk = risk
        self.why = why
        self.fingerprint = fingerprint
    }
}

/// Where a run is remembered. What a call wrote is durable when it returns.
package protocol RunJournal: Sendable {
    /// The run begins, or begins again after a crash.
    ///
    /// - Throws: When it is unknown or has ended.
    func beginRun(_ runId: String) async throws

    /// The conversation as this run's model must see it, oldest first: with the run's own message and what an earlier
    /// attempt of the run added, without messages that wait for other runs.
    func context(runId: String, sessionKey: SessionKey) async throws -> [ContextEntry]

    /// Adds what happened in the middle of the run.
    func append(_ messages: [Message], runId: String, sessionKey: SessionKey) async throws

    /// A call that is not harmless to repeat begins now. Without this record it did not.
    func toolBegins(_ record: ToolBeginning, runId: String, sessionKey: SessionKey) async throws

    /// The run ends: entries, state and token counts in one step. A run ends once; a second end changes nothing.
    func finishRun(_ runId: String, outcome: RunOutcome, entries: [Message]) async throws
}
