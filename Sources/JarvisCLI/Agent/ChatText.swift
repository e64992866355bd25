import JarvisCore

/// The readable part of a chat message of the protocol.
enum ChatText {
    /// The text blocks of `message`, joined; a block of another kind in brackets.
    static func plain(_ message: JSONValue) -> String {
        if let text = message["content"]?.stringValue { return text }
        var parts: [String] = []
        for block in message["content"]?.arrayValue ?? [] {
            switch block["type"]?.stringValue {
            case "text": parts.append(block["text"]?.stringValue ?? "")
            case "image": parts.append("[image]")
            default: break
            }
        }
        return parts.joined(separator: "\n")
    }
}
