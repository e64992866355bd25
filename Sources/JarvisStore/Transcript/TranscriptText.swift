import JarvisCore
import JarvisKit

/// What lists and previews show of an entry.
enum TranscriptText {
    /// The longest derived title, in characters.
    static let titleLength = 60
    /// The longest last-message preview, in characters.
    static let previewLength = 120

    /// Who speaks (`user`, `assistant`, `tool`, `system`, `other`) and what; nil when there is nothing to show.
    static func line(type: String, body: JSONObject) -> (role: String, text: String)? {
        switch type {
        case "message":
            guard let message = body["message"] else { return nil }
            let blocks = ContentBlock.list(message["content"])
            let text = blocks.plainText
            switch message["role"]?.stringValue {
            case "user": return text.isEmpty ? nil : ("user", text)
            case "assistant":
                if !text.isEmpty { return ("assistant", text) }
                let names = blocks.compactMap { block in
                    if case .toolCall(let call) = block { return call.name } else { return nil }
                }
                return names.isEmpty ? nil : ("assistant", "call \(names.joined(separator: ", "))")
            case "toolResult": return text.isEmpty ? nil : ("tool", text)
            case "system": return text.isEmpty ? nil : ("system", text)
            default: return text.isEmpty ? nil : ("other", text)
            }
        case "compaction", "branch_summary": return body["summary"]?.stringValue.map { ("system", $0) }
        case "custom_message":
            let text = ContentBlock.list(body["content"]).plainText
            return text.isEmpty ? nil : ("other", text)
        default: return nil
        }
    }

    /// `text` on one line and at most `limit` characters long, the `…` of a cut included.
    static func short(_ text: String, _ limit: Int) -> String {
        if let result = shortASCII(text, limit) { return result }
        var result = ""
        var count = 0
        var pendingSpace = false
        for character in text {
            if character.isWhitespace || character == "\0" {
                pendingSpace = count > 0
                continue
            }
            if pendingSpace {
                result.append(" ")
                count += 1
                pendingSpace = false
            }
            if count >= limit {
                while count >= limit, !result.isEmpty {
                    result.removeLast()
                    count -= 1
                }
                return result + "…"
            }
            result.append(character)
            count += 1
        }
        return result
    }

    /// The same without looking for characters, as long as every byte that matters is one; else nil.
    private static func shortASCII(_ text: String, _ limit: Int) -> String? {
        var result: [UInt8] = []
        result.reserveCapacity(limit + 3)
        var pendingSpace = false
        for byte in text.utf8 {
            switch byte {
            case 0x80...: return nil
            case 0, 0x09...0x0D, 0x20: pendingSpace = !result.isEmpty
            default:
                if pendingSpace { result.append(UInt8(ascii: " ")) }
                pendingSpace = false
                if result.count >= limit {
                    result.removeLast(result.count - max(limit - 1, 0))
                    result.append(contentsOf: "…".utf8)
                    return String(decoding: result, as: UTF8.self)
                }
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
