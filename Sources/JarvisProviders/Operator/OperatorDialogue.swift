import JarvisCore
import JarvisKit

/// What waits for a yes, derived from the conversation alone, so that it survives a restart.
///
/// The operator ends a question with a line such as `[confirm 4f2a: set gateway.port = 19000]`. Only that line, as the
/// last line of an answer of the operator that directly precedes the yes, counts: a quotation in a user's text, a line
/// in another model's answer or an older question confirm nothing. The code is a digest of the instance, the session,
/// the action and the state that the question was about; a yes acts only while all of them are still the same.
package struct OperatorDialogue: Sendable, Hashable {
    /// What a yes would do.
    package enum Action: Sendable, Hashable {
        case set(path: String, value: String)
        case unset(path: String)
        case undo(id: String)
        case restart

        /// The action in the line's words.
        var text: String {
            switch self {
            case .set(let path, let value): "set \(path) = \(value)"
            case .unset(let path): "unset \(path)"
            case .undo(let id): "undo \(id)"
            case .restart: "restart"
            }
        }

        /// Reads the line's words.
        init?(_ text: Substring) {
            if text == "restart" {
                self = .restart
                return
            }
            let parts = text.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return nil }
            switch parts[0] {
            case "unset": self = .unset(path: parts[1])
            case "undo": self = .undo(id: parts[1])
            case "set":
                guard let equals = parts[1].firstRange(of: " = ") else { return nil }
                let path = String(parts[1][..<equals.lowerBound])
                guard !path.contains(" ") else { return nil }
                self = .set(path: path, value: String(parts[1][equals.upperBound...]))
            default: return nil
            }
        }
    }

    /// The action.
    package var action: Action
    /// The code in the question: 4 hexadecimal digits.
    package var code: String

    /// How long a question waits.
    package static let lifetime: Duration = .seconds(15 * 60)
    /// The longest value that is taken through chat, in characters.
    package static let maximumValue = 400

    /// The question that the last message of `messages` may answer; nil when there is none or it is too old.
    package static func pending(in messages: [Message]) -> OperatorDialogue? {
        guard messages.count >= 2, case .user(_, let answeredAt) = messages[messages.count - 1],
            case .assistant(let question) = messages[messages.count - 2],
            question.provider == OperatorProvider.name, question.api == OperatorProvider.name,
            question.stopReason == .stop
        else { return nil }
        let age = answeredAt - question.timestamp
        if answeredAt > 0, question.timestamp > 0, age > lifetime.components.seconds * 1000 { return nil }
        guard let line = question.content.plainText.split(separator: "\n").last else { return nil }
        return OperatorDialogue(line: line)
    }

    /// A question about `action` whose code is bound to everything that `basis` names.
    package init(action: Action, basis: [String]) {
        self.action = action
        // A length before each part: no two lists of parts run together to the same text.
        let text = (basis + [action.text]).map { "\($0.utf8.count):\($0)" }.joined()
        // The form of a code is 4 digits of which one is a number, so that no word is taken for one.
        let code = Identifiers.sha256Hex(text.utf8).prefix(4)
        self.code = code.contains(where: \.isNumber) ? String(code) : "0" + code.dropFirst()
    }

    /// Reads a line written by `line`.
    init?(line: Substring) {
        let start = "`[confirm "
        guard line.hasPrefix(start), line.hasSuffix("]`") else { return nil }
        let inner = line.dropFirst(start.count).dropLast(2)
        let code = inner.prefix(4)
        guard OperatorAnswer.isCode(String(code)), inner.dropFirst(4).hasPrefix(": "),
            let action = Action(inner.dropFirst(6))
        else { return nil }
        self.action = action
        self.code = String(code)
    }

    /// The last line of a question.
    package var line: String { "`[confirm \(code): \(action.text)]`" }

    /// Whether the action can be written in one line and read back unchanged.
    var isPrintable: Bool {
        let text = action.text
        guard text.count <= Self.maximumValue + 220, !text.contains("`"), !text.contains("\n"),
            !text.unicodeScalars.contains(where: OperatorText.isInvisible), !OperatorSecrets.holdsSecret(text)
        else { return false }
        return OperatorDialogue(line: Substring(line)) == self
    }
}
