import JarvisCore
import JarvisKit

/// One line of a conversation.
package struct TranscriptEntry: Sendable, Hashable {
    /// The entry's name in its transcript: 8 hexadecimal digits when we made it, up to 64 characters when imported.
    package var id: String
    /// The entry that this one follows; nil for the first.
    package var parentId: String?
    /// `message`, `compaction`, `model_change` and the other types of the transcript format.
    package var type: String
    /// When it was written.
    package var timestamp: EpochMilliseconds
    /// The other members of its transcript line, for a message `message`.
    package var body: JSONObject
    /// The run that it belongs to.
    package var runId: String?
    /// Its place: later entries have greater numbers. A queued user message gets a new one when its run begins.
    package var seq: Int64

    /// An entry; the store makes its own, tests make theirs.
    package init(
        id: String, parentId: String?, type: String, timestamp: EpochMilliseconds, body: JSONObject, runId: String?,
        seq: Int64
    ) {
        self.id = id
        self.parentId = parentId
        self.type = type
        self.timestamp = timestamp
        self.body = body
        self.runId = runId
        self.seq = seq
    }

    /// The message; nil for entries of other types and for messages of unknown shape.
    package var message: Message? {
        type == "message" ? body["message"].flatMap { Message(json: $0) } : nil
    }
}

/// An entry to append; the store gives it id, parent, time and place.
package struct TranscriptDraft: Sendable {
    /// `message`, `compaction` …
    package var type: String
    /// The members of the transcript line besides type, id, parentId and timestamp.
    package var body: JSONObject

    /// An entry of any type.
    package init(type: String, body: JSONObject) {
        self.type = type
        self.body = body
    }

    /// A message entry.
    package static func message(_ message: Message) -> TranscriptDraft {
        TranscriptDraft(type: "message", body: ["message": message.json])
    }
}

/// A draft made ready on the caller's side, so that the writer only has to write.
struct EncodedDraft: Sendable {
    var draft: TranscriptDraft
    var body: [UInt8]
    /// What the session's list row shows when this is its newest message; nil when it shows nothing.
    var preview: String?
    /// What names the session when this is its first user message.
    var title: String?

    init(_ draft: TranscriptDraft) {
        self.draft = draft
        body = JSONWriter.encode(.object(draft.body))
        guard let line = TranscriptText.line(type: draft.type, body: draft.body) else { return }
        if line.role == "user" || line.role == "assistant" {
            preview = TranscriptText.short(line.text, TranscriptText.previewLength)
        }
        if line.role == "user" { title = TranscriptText.short(line.text, TranscriptText.titleLength) }
    }
}

extension TranscriptEntry {
    /// The columns that `init(_:)` reads, in its order.
    static let columns = "id, parent_id, type, timestamp, run_id, seq, body"

    /// Reads a row of `columns`.
    init(_ row: Statement) throws {
        id = row.text(0)
        parentId = row.optionalText(1)
        type = row.text(2)
        timestamp = row.int(3)
        runId = row.optionalText(4)
        seq = row.int(5)
        body = try StoredJSON.object(row.bytes(6))
    }
}

/// JSON that we wrote into a column.
enum StoredJSON {
    /// What was accepted at the door may be nested as deep as the door allows; the row adds a few levels.
    private static let depth = JSONParser.defaultMaximumDepth + 16

    static func object(_ bytes: [UInt8]) throws -> JSONObject {
        do {
            if let object = try JSONParser.parse(bytes, maximumDepth: depth).objectValue { return object }
            throw JarvisError("store.corrupt", "A row of the database holds JSON that is no object")
        } catch let error as JSONParseError {
            throw JarvisError("store.corrupt", "A row of the database holds broken JSON: \(error)", cause: error)
        }
    }

    static func value(_ object: JSONObject) -> SQLValue { .utf8(JSONWriter.encode(.object(object))) }
}
