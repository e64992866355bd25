import JarvisCore
import JarvisKit

/// Small pieces of an answer.
enum OperatorWords {
    /// Text from elsewhere made harmless: one line, no backticks, no hidden characters, no secrets, nothing that reads
    /// like a confirmation; at most `limit` characters.
    static func inert(_ text: String, limit: Int = 160) -> String {
        var result = ""
        var count = 0
        var start = text.prefix(limit * 4)
        // A word cut in two may no longer look like the secret that it begins.
        if start.endIndex < text.endIndex {
            while let last = start.last, !last.isWhitespace { start.removeLast() }
        }
        if start.isEmpty, !text.isEmpty { return "…" }
        for character in OperatorSecrets.redact(String(start)) {
            if count == limit {
                result += "…"
                break
            }
            let scalar = character.unicodeScalars.first ?? " "
            if character.isNewline || character == "\t" {
                result.append(" ")
            } else if OperatorText.isInvisible(scalar) {
                continue
            } else {
                result.append(character == "`" ? "'" : character)
            }
            count += 1
        }
        return result.split(separator: "[confirm", omittingEmptySubsequences: false).joined(separator: "(confirm")
    }

    /// A value in code marks; `nothing` for nil.
    static func value(_ text: String?, path: String? = nil) -> String {
        guard let text else { return "nothing" }
        if let path, OperatorSecrets.isSecretPath(path), !OperatorSecrets.isReference(text) {
            return OperatorSecrets.mask
        }
        return "`\(inert(OperatorSecrets.maskMembers(text, isPretty: false), limit: 400))`"
    }

    /// `1 error`, `2 errors`.
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// `3 d 4 h`, `12 min`, `5 s` from milliseconds.
    static func span(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }

    /// `5 min ago`.
    static func ago(_ time: EpochMilliseconds, _ health: OperatorHealth) -> String {
        health.now - time < 1000 ? "just now" : "\(span(health.now - time)) ago"
    }

    /// `15:04:05`, UTC.
    static func clock(_ time: EpochMilliseconds) -> String {
        String(WallClock.iso8601(time).dropFirst(11).prefix(8))
    }

    /// `401: key refused`, short and harmless.
    static func failure(_ failure: OperatorModelFailure) -> String {
        let message = inert(failure.message, limit: 140)
        let status = failure.status.map { message.hasPrefix("\($0)") ? "" : "\($0)" } ?? ""
        let reason = message.isEmpty ? failure.reason.rawValue : message
        return status.isEmpty ? reason : "\(status): \(reason)"
    }

    /// What to do about a failure, one sentence.
    static func remedy(_ failure: OperatorModelFailure, _ health: OperatorHealth) -> String {
        let command = "`\(health.commandPrefix) onboard`"
        switch failure.reason {
        case .auth: return "The key was refused: put in a new one with \(command)."
        case .billing: return "The account has no credit left: top it up at the provider, or choose another model."
        case .rateLimit: return "Too many requests: wait a little, then write again."
        case .modelNotFound:
            return "The provider does not know this model: `set agents.defaults.model to provider/model` changes it."
        case .network: return "The connection failed: check `models.providers` and the network of this machine."
        case .timeout, .overloaded: return "The provider is slow or overloaded: write again in a minute."
        case .contextOverflow:
            return
                "The conversation is too long for the model: begin a new one with `/new`. If a new one is too long at "
                + "once, set the model's `contextWindow` (in models.providers) to the window that it really has."
        case .format: return "The provider can't read the request: check the `api` setting of this provider."
        case .cancelled: return "The run was stopped."
        case .malformed, .unknown: return "Write again in a minute; `errors` shows what came before."
        }
    }

    /// `error` lines as a list, newest first.
    static func list(_ lines: [OperatorLogLine], _ health: OperatorHealth, limit: Int = 160) -> String {
        lines.map { "- \(ago($0.at, health)): \(inert($0.message, limit: limit))" }.joined(separator: "\n")
    }
}
