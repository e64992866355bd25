import Synchronization

/// Takes secrets out of text before it is shown or stored: those that were registered, and whatever has the shape of a
/// common credential.
///
/// Shapes: `Bearer …` and `Basic …`, JSON web tokens, keys with a known beginning (`sk-`, `ghp_`, `xoxb-`, `AIza` …),
/// Telegram bot tokens, PEM private keys, `name=value` and `name: value` with a name that says secret (`token`,
/// `password`, `api_key` …), and the user part of a URL.
package final class Redactor: Sendable {
    /// What stands in place of a secret.
    package static let mask = "***"
    /// The shortest secret that is masked wherever it occurs: shorter ones are parts of ordinary words.
    package static let shortestSecret = 4

    private let secrets = Mutex<[[UInt8]]>([])

    /// A redactor that knows no secret yet.
    package init() {}

    /// Masks `secret` from now on, as it is and percent-encoded. Shorter ones than `shortestSecret` bytes are left to
    /// the shapes.
    package func register(_ secret: String) {
        guard secret.utf8.count >= Self.shortestSecret else { return }
        let forms = [Array(secret.utf8), Self.percentEncoded(secret)]
        secrets.withLock { known in
            for form in forms where !known.contains(form) { known.append(form) }
            // The longest first: a secret that begins with another one is masked whole.
            known.sort { $0.count > $1.count }
        }
    }

    /// `text` without secrets.
    package func redact(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let known = secrets.withLock { $0 }
        var ranges = known.flatMap { Self.occurrences(of: $0, in: bytes) }
        ranges += SecretShapes.ranges(in: bytes)
        guard !ranges.isEmpty else { return text }
        ranges.sort { $0.lowerBound < $1.lowerBound }
        var result: [UInt8] = []
        var position = 0
        for range in ranges where range.upperBound > position {
            if range.lowerBound >= position {
                result.append(contentsOf: bytes[position..<range.lowerBound])
                result.append(contentsOf: Self.mask.utf8)
            }
            position = range.upperBound
        }
        result.append(contentsOf: bytes[position...])
        return String(decoding: result, as: UTF8.self)
    }

    /// Whether a field of this name holds a secret: `token`, `gateway.auth.password`, `OPENAI_API_KEY` …, but not
    /// `inputTokens` or `sessionKey`.
    package static func isSecretName(_ name: String) -> Bool { SecretShapes.isSecretName(Array(name.utf8)) }

    private static func occurrences(of secret: [UInt8], in bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var index = 0
        while index + secret.count <= bytes.count {
            if bytes[index] == secret[0], bytes[index..<(index + secret.count)].elementsEqual(secret) {
                found.append(index..<(index + secret.count))
                index += secret.count
            } else {
                index += 1
            }
        }
        return found
    }

    private static func percentEncoded(_ text: String) -> [UInt8] {
        text.utf8.flatMap { byte -> [UInt8] in
            if SecretShapes.isTokenByte(byte) || byte == UInt8(ascii: "~") { return [byte] }
            let digits = Array("0123456789ABCDEF".utf8)
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}
