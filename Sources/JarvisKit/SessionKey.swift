/// The name of one conversation: lower-case, `agent:<agent>:<rest>` for a session of an agent, or a global name such
/// as `hook:<uuid>`.
public struct SessionKey: Hashable, Sendable, CustomStringConvertible, Comparable {
    /// The key's text, in lower case.
    public let text: String

    /// The longest key accepted, in bytes.
    public static let maximumLength = 512

    /// The key of the main conversation of `agent`.
    public static func main(agent: String = "main", mainKey: String = "main") -> SessionKey {
        SessionKey(unchecked: "agent:\(agent):\(mainKey)")
    }

    /// A key as a client spelled it, put in lower case. A bare alias such as `main` becomes the default agent's session
    /// of that name. Nil for an empty or overlong text and for one with control characters or white space.
    public init?(_ spelling: String, defaultAgent: String = "main") {
        let text = spelling.lowercased()
        guard !text.isEmpty, text.utf8.count <= Self.maximumLength,
            !text.unicodeScalars.contains(where: { $0.value < 0x21 || $0.value == 0x7F })
        else { return nil }
        if text.contains(":") {
            self.text = text.replacingPrefixDM()
        } else if text == "global" || text == "unknown" || text.hasPrefix("node-") {
            self.text = text
        } else {
            self.text = "agent:\(defaultAgent):\(text)"
        }
    }

    private init(unchecked text: String) { self.text = text }

    /// The agent that owns the conversation; nil for a global key.
    public var agentId: String? {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0] == "agent" ? String(parts[1]) : nil
    }

    /// What follows `agent:<agent>:`; the whole text for a global key.
    public var rest: String {
        guard agentId != nil else { return text }
        return String(text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)[2])
    }

    /// The kind of conversation in the words of `sessions.list`: `direct`, `group`, `global` or `unknown`.
    public var kind: String {
        if text == "global" { return "global" }
        if text == "unknown" { return "unknown" }
        let parts = text.split(separator: ":")
        return parts.contains("group") || parts.contains("channel") ? "group" : "direct"
    }

    /// The key's text.
    public var description: String { text }

    /// Alphabetical order.
    public static func < (left: SessionKey, right: SessionKey) -> Bool { left.text < right.text }
}

extension String {
    /// January builds of the family wrote `dm` where keys now say `direct`.
    fileprivate func replacingPrefixDM() -> String {
        split(separator: ":", omittingEmptySubsequences: false)
            .map { $0 == "dm" ? "direct" : String($0) }
            .joined(separator: ":")
    }
}
