import JarvisCore
import JarvisKit
import JarvisStore

/// The journal that the gateway uses: the instance's store.
package struct StoreJournal: RunJournal {
    /// The newest entries of a conversation that a run looks at; what lies before them no longer fits any window.
    package static let contextEntries = 2000

    private let store: Store

    /// A journal in `store`.
    package init(store: Store) { self.store = store }

    /// Marks the run as running.
    package func beginRun(_ runId: String) async throws { _ = try await store.beginRun(runId) }

    /// Reads the run's conversation.
    package func context(runId: String, sessionKey: SessionKey) async throws -> [ContextEntry] {
        try await store.contextEntries(forRun: runId, limit: Self.contextEntries).compactMap(Self.entry)
    }

    /// Adds entries to the run.
    package func append(_ messages: [Message], runId: String, sessionKey: SessionKey) async throws {
        _ = try await store.append(messages.map(TranscriptDraft.message), to: sessionKey, runId: runId)
    }

    /// Notes that a call begins: an entry of the transcript, of a type that no model reads.
    package func toolBegins(_ record: ToolBeginning, runId: String, sessionKey: SessionKey) async throws {
        let data: JSONValue = [
            "toolCallId": .string(record.callId), "toolName": .string(record.tool),
            "risk": .string(record.risk.rawValue), "why": .string(record.why),
            "fingerprint": .string(record.fingerprint),
        ]
        let draft = TranscriptDraft(type: "custom", body: ["customType": .string(Self.toolBegan), "data": data])
        _ = try await store.append([draft], to: sessionKey, runId: runId)
    }

    private static let toolBegan = "jarvis.tool-began"

    /// Ends the run.
    package func finishRun(_ runId: String, outcome: RunOutcome, entries: [Message]) async throws {
        let summary =
            switch outcome.status {
            case .ok: "completed"
            case .error: outcome.errorMessage
            case .aborted: "aborted"
            }
        try await store.finishRun(RunFinish(runId: runId, outcome: outcome, entries: entries, summary: summary))
    }

    /// A store's entry as the context needs it; nil for what says nothing to a model.
    static func entry(_ entry: TranscriptEntry) -> ContextEntry? {
        if let message = entry.message {
            return ContextEntry(id: entry.id, runId: entry.runId, kind: .message(message))
        }
        if entry.type == "custom", entry.body["customType"]?.stringValue == toolBegan,
            let id = entry.body["data"]?["toolCallId"]?.stringValue
        {
            return ContextEntry(id: entry.id, runId: entry.runId, kind: .toolBegan(callId: id))
        }
        guard entry.type == "compaction", let summary = entry.body["summary"]?.stringValue else { return nil }
        return ContextEntry(
            id: entry.id, runId: nil,
            kind: .compaction(summary: summary, firstKeptEntryId: entry.body["firstKeptEntryId"]?.stringValue))
    }
}

extension RunRequest {
    /// The run of a record, from the members of its `request`: `timeoutMs` (1 to 7 days), `thinking`,
    /// `extraSystemPrompt`. The first submission and the pass at boot read the same record, so that both do the same.
    ///
    /// - Parameter defaultTimeout: Where the record has no usable `timeoutMs`.
    package init(_ record: RunRecord, defaultTimeout: Duration = .seconds(600)) {
        let asked = record.request["timeoutMs"]?.intValue ?? 0
        self.init(
            runId: record.runId, sessionKey: record.sessionKey, agentId: record.agentId,
            timeout: asked > 0 ? .milliseconds(min(asked, 7 * 86_400_000)) : defaultTimeout,
            extraSystemPrompt: record.request["extraSystemPrompt"]?.stringValue,
            thinking: record.request["thinking"]?.stringValue)
    }
}

extension UnfinishedRun {
    /// A run as the store knows it.
    package init(_ record: RunRecord) {
        self.init(
            runId: record.runId, sessionKey: record.sessionKey, agentId: record.agentId, attempts: record.attempts,
            acceptedAt: record.acceptedAt)
    }
}
