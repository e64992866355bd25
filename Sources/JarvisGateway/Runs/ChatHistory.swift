import JarvisCore
import JarvisKit
import JarvisStore

/// Transcript entries as `chat.history` shows them: bounded in total, by message and by text; images without bytes.
enum ChatHistory {
    /// The whole answer's messages, in bytes.
    static let totalLimit = 6 << 20
    /// One message, in bytes.
    static let messageLimit = 128 << 10
    /// One text block, in characters.
    static let textLimit = 12_000

    /// The messages, oldest first; when they are too many together the oldest are left out.
    static func messages(_ entries: [TranscriptEntry]) -> [JSONValue] {
        var kept: [JSONValue] = []
        var total = 0
        for entry in entries.reversed() {
            guard let message = shown(entry) else { continue }
            total += JSONWriter.encode(message).count
            if total > totalLimit { break }
            kept.append(message)
        }
        return kept.reversed()
    }

    private static func shown(_ entry: TranscriptEntry) -> JSONValue? {
        if entry.type == "compaction" {
            let text = entry.body["summary"]?.stringValue ?? "Earlier messages were compacted."
            return [
                "role": "system", "content": [["type": "text", "text": .string(text)]],
                "timestamp": .int(entry.timestamp), "id": .string(entry.id),
            ]
        }
        guard var message = entry.body["message"], let role = message["role"] else { return nil }
        if let blocks = message["content"]?.arrayValue { message["content"] = .array(blocks.map(bounded)) }
        if let text = message["content"]?.stringValue {
            message["content"] = [["type": "text", "text": .string(cut(text))]]
        }
        message["id"] = .string(entry.id)
        if let runId = entry.runId { message["runId"] = .string(runId) }
        if JSONWriter.encode(message).count > messageLimit {
            return [
                "role": role, "content": [["type": "text", "text": "[message too large to show]"]],
                "timestamp": .int(entry.timestamp), "id": .string(entry.id),
            ]
        }
        return message
    }

    private static func bounded(_ block: JSONValue) -> JSONValue {
        var block = block
        switch block["type"]?.stringValue {
        case "text": block["text"] = block["text"]?.stringValue.map { .string(cut($0)) }
        case "thinking": block["thinking"] = block["thinking"]?.stringValue.map { .string(cut($0)) }
        case "image":
            let bytes = (block["data"]?.stringValue?.utf8.count ?? 0) * 3 / 4
            block["data"] = nil
            block["omitted"] = true
            block["bytes"] = JSONValue(bytes)
        default: break
        }
        return block
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > textLimit, text.count > textLimit else { return text }
        return text.prefix(textLimit) + "\n… [cut, \(text.count) characters in all]"
    }
}
