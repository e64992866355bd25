import JarvisCore
import JarvisFormats

/// Which values are secrets.
enum SecretRules {
    /// Whether the text at `path` is a secret, by the table or, where the table is silent, by what it is called.
    static func isSensitive(_ path: ConfigPath, _ text: String) -> Bool {
        if text.isEmpty { return false }
        if let field = ConfigFields.field(at: path), case .any = field.kind {
        } else {
            if let field = ConfigFields.field(at: path) { return field.sensitive || holdsCredentials(text) }
        }
        guard let name = path.name else { return false }
        return isSensitive(name: name) || holdsCredentials(text)
    }

    static func isSensitive(name: String) -> Bool {
        let name = name.lowercased().filter { $0 != "_" && $0 != "-" }
        return endings.contains { name.hasSuffix($0) } || name == "cookie" || name == "authorization"
    }

    private static let endings = [
        "token", "password", "secret", "apikey", "privatekey", "passphrase", "credential", "credentials",
        "authorization",
    ]

    /// `https://user:password@host`, `wss://host/?token=…`.
    private static func holdsCredentials(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let colon = bytes.indices.first(where: { bytes[$0...].starts(with: Array("://".utf8)) }) else {
            return false
        }
        if let query = bytes[colon...].firstIndex(of: UInt8(ascii: "?")), hasSensitiveQuery(bytes[(query + 1)...]) {
            return true
        }
        let authority = bytes[(colon + 3)...].prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return false }
        return authority[..<at].contains(UInt8(ascii: ":"))
    }

    private static func hasSensitiveQuery(_ query: ArraySlice<UInt8>) -> Bool {
        query.split { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }.contains { parameter in
            let parts = parameter.split(separator: UInt8(ascii: "="), maxSplits: 1)
            return parts.count == 2 && isSensitive(name: String(decoding: parts[0], as: UTF8.self))
        }
    }

    /// `value` with every literal secret replaced; references stay, they are no secrets.
    static func redact(_ value: JSONValue, at path: ConfigPath = ConfigPath()) -> JSONValue {
        switch value {
        case .string(let text):
            let hide = isSensitive(path, text) && !ConfigSubstitution.refers(text)
            return hide ? .string(Secret.sentinel) : value
        case .array(let elements):
            return .array(elements.enumerated().map { redact($1, at: path.appending(.index($0))) })
        case .object(let members):
            if SecretReference(value) != nil { return value }
            var result = JSONObject()
            for (key, member) in members { result[key] = redact(member, at: path.appending(key)) }
            return .object(result)
        default: return value
        }
    }

    /// The paths of the literal secrets in `value`.
    static func literalSecrets(in value: JSONValue, at path: ConfigPath = ConfigPath()) -> [ConfigPath] {
        switch value {
        case .string(let text): return isSensitive(path, text) && !ConfigSubstitution.refers(text) ? [path] : []
        case .array(let elements):
            return elements.enumerated().flatMap { literalSecrets(in: $1, at: path.appending(.index($0))) }
        case .object(let members):
            if SecretReference(value) != nil { return [] }
            return members.flatMap { literalSecrets(in: $1, at: path.appending($0)) }
        default: return []
        }
    }
}
