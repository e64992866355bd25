import JarvisKit

/// `/approve <id> allow-once|allow-always|deny`, as people write it in a chat.
package struct ApproveCommand: Sendable, Hashable {
    /// The question, by its id or the beginning of it; nil when it was not said.
    package var id: String?
    /// The answer; nil when it was not said or is none.
    package var decision: ApprovalDecision?

    /// What `/approve` expects.
    package static let usage = "/approve <id> allow-once|allow-always|deny"

    /// The command in `text`; nil when it is something else.
    package init?(_ text: String) {
        let words = text.split(maxSplits: 4, whereSeparator: \.isWhitespace).map(String.init)
        guard words.first?.lowercased() == "/approve" else { return nil }
        for word in words.dropFirst() {
            if let decision = Self.decision(word) {
                self.decision = decision
            } else if id == nil {
                id = word
            }
        }
        if words.count > 3 { decision = nil }
    }

    /// The decision that a word means.
    package static func decision(_ word: String) -> ApprovalDecision? {
        switch word.lowercased() {
        case "allow-once", "once", "allow", "yes": .allowOnce
        case "allow-always", "always": .allowAlways
        case "deny", "no", "reject", "block": .deny
        default: nil
        }
    }
}
