import JarvisCore
import JarvisKit

/// Turns what a server said about a failure into a `ProviderError`. Pure.
package enum CompletionsFailure {
    /// The longest message kept, in characters.
    package static let maximumMessage = 500

    /// The failure behind an HTTP status that is not 2xx.
    ///
    /// - Parameters:
    ///   - body: What came with it, usually JSON with `error.message`.
    ///   - retryAfter: The header's value: seconds or an HTTP date.
    ///   - now: For a date in `retryAfter`.
    ///   - secrets: Texts that the message must not show.
    package static func status(
        _ status: Int, body: [UInt8], retryAfter: String?, now: EpochMilliseconds, secrets: [String]
    ) -> ProviderError {
        let text = words(of: body)
        let message = redact(text.isEmpty ? "The provider answered with status \(status)." : text, secrets: secrets)
        return ProviderError(
            reason(status: status, text: text), message, status: status,
            retryAfter: retryAfter.flatMap { wait($0, now: now) })
    }

    /// The failure that an `error` member in a stream or in a 200 answer tells of.
    package static func object(_ error: JSONValue, secrets: [String]) -> ProviderError {
        let text = error["message"]?.stringValue ?? error.stringValue ?? JSONWriter.string(error)
        let kind = [error["type"]?.stringValue, error["code"]?.stringValue].compactMap { $0 }.joined(separator: " ")
        let code =
            error["code"]?.intValue ?? error["status"]?.intValue ?? error["code"]?.stringValue.flatMap { Int($0) }
        let reason: ProviderError.Reason
        if let code, (300..<600).contains(code) {
            reason = Self.reason(status: code, text: "\(kind) \(text)")
        } else {
            reason = Self.reason(words: "\(kind) \(text)".lowercased()) ?? .overloaded
        }
        return ProviderError(reason, redact(text, secrets: secrets), status: code)
    }

    /// The wait that a `Retry-After` value asks for; nil when it can't be read. A moment that has passed is zero.
    package static func wait(_ value: String, now: EpochMilliseconds) -> Duration? {
        let text = value.trimmed
        if let seconds = Double(text) {
            guard seconds.isFinite, seconds >= 0 else { return nil }
            return .milliseconds(Int64(min(seconds, 1e9) * 1000))
        }
        guard let date = httpDate(text) else { return nil }
        return .milliseconds(max(0, date - now))
    }

    /// Removes secrets, things that look like API keys, and control characters, and cuts to `maximumMessage`.
    package static func redact(_ text: String, secrets: [String]) -> String {
        var clean = text
        for secret in secrets where secret.utf8.count >= 4 { clean = clean.replacing(secret, with: "[redacted]") }
        let words = clean.split(separator: " ", omittingEmptySubsequences: true).map { word in
            looksLikeKey(word) ? "[redacted]" : String(word)
        }
        clean = String(words.joined(separator: " ").map { $0.isNewline || $0 == "\t" ? " " : $0 })
        clean.unicodeScalars.removeAll { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
        return clean.count > maximumMessage ? clean.prefix(maximumMessage - 1) + "…" : clean
    }

    private static func looksLikeKey(_ word: Substring) -> Bool {
        let prefixes = ["sk-", "sk_", "gsk_", "xai-", "key-", "AIza", "pk-", "hf_", "eyJ"]
        let bare = word.drop { !$0.isLetter }
        return prefixes.contains { bare.hasPrefix($0) } && bare.utf8.count >= 12
    }

    private static func reason(status: Int, text: String) -> ProviderError.Reason {
        let byWords = reason(words: text.lowercased())
        switch status {
        case 401: return .auth
        case 402: return .billing
        case 403: return byWords == .rateLimit || byWords == .billing ? byWords ?? .auth : .auth
        case 404: return .modelNotFound
        case 408: return .timeout
        case 413: return .contextOverflow
        case 429: return byWords == .billing ? .billing : .rateLimit
        case 400, 405..<500: return byWords ?? .format
        case 504, 524: return .timeout
        case 500..<600: return byWords == .contextOverflow ? .contextOverflow : .overloaded
        default: return .unknown
        }
    }

    private static func reason(words: String) -> ProviderError.Reason? {
        let table: [(ProviderError.Reason, [String])] = [
            (
                .contextOverflow,
                [
                    "context length", "context_length", "maximum context", "context window", "context size",
                    "too many tokens", "prompt is too long", "exceed_context",
                ]
            ),
            (.billing, ["insufficient_quota", "insufficient quota", "billing", "credit balance", "payment required"]),
            (.rateLimit, ["rate limit", "rate_limit", "ratelimit", "too many requests", "quota exceeded"]),
            (.auth, ["invalid api key", "invalid_api_key", "incorrect api key", "unauthorized", "authentication"]),
            (.modelNotFound, ["model_not_found", "model not found", "unknown model", "model does not exist"]),
            (.overloaded, ["overloaded", "server_error", "internal error", "unavailable", "capacity"]),
            (.timeout, ["timed out", "timeout"]),
            (.format, ["invalid_request"]),
        ]
        return table.first { $0.1.contains { words.contains($0) } }?.0
    }

    private static func words(of body: [UInt8]) -> String {
        guard let json = try? JSONParser.parse(body) else {  // no JSON: words as they came, or a proxy's page
            let text = String(decoding: body.prefix(4096), as: UTF8.self)
            return text.contains("<html") || text.contains("<HTML") || text.contains("<!") ? "" : text.trimmed
        }
        let error = json["error"] ?? json
        var text =
            error["message"]?.stringValue ?? error.stringValue ?? json["message"]?.stringValue
            ?? json["detail"]?.stringValue ?? JSONWriter.string(json)
        for extra in [error["type"]?.stringValue, error["code"]?.stringValue] {
            if let extra, !text.lowercased().contains(extra.lowercased()) { text += " (\(extra))" }
        }
        return text
    }

    /// Epoch milliseconds of `Sun, 06 Nov 1994 08:49:37 GMT`, the only date form that HTTP still allows to send.
    private static func httpDate(_ text: String) -> EpochMilliseconds? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]),
            let month = months.firstIndex(of: String(parts[2])), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        let clock = parts[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, clock[0] < 24, clock[1] < 60, clock[2] <= 60 else { return nil }
        // Days since 1970 in the proleptic Gregorian calendar, with March as the first month of the year.
        let shifted = month + 1 <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return (Int64(days) * 86_400 + Int64(clock[0] * 3600 + clock[1] * 60 + clock[2])) * 1000
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
