import JarvisCore

/// What counts as a secret in chat. Chat is stored, so a secret is neither taken from it nor shown in it.
package enum OperatorSecrets {
    /// What stands in the place of a secret.
    package static let mask = "(secret)"

    /// Whether the setting at `path` holds a secret, judged by its name.
    package static func isSecretPath(_ path: String) -> Bool {
        let segments = path.lowercased().split(whereSeparator: { ".[]\"' ".contains($0) }).map(String.init)
        guard let last = segments.last else { return false }
        if segments.dropLast().contains(where: { $0 == "headers" || $0 == "env" }) { return true }
        return isSecretName(last)
    }

    /// Whether a key called `name` holds a secret.
    static func isSecretName(_ name: String) -> Bool {
        let plain = name.lowercased().filter { $0 != "_" && $0 != "-" }
        if ["key", "authorization", "cookie", "pin"].contains(plain) { return true }
        return [
            "token", "secret", "password", "passphrase", "apikey", "privatekey", "accesskey", "secretkey", "credential",
            "credentials", "cookie",
        ].contains(where: plain.hasSuffix)
    }

    /// Whether `value` for the setting `path` would put a secret into the chat. A reference such as `${OPENAI_API_KEY}`
    /// is not a secret.
    package static func isSecret(path: String, value: String) -> Bool {
        if isReference(value) { return false }
        return isSecretPath(path) || holdsSecret(value) || namesSecretMember(value)
    }

    /// `${NAME}`, also in quotes.
    static func isReference(_ value: String) -> Bool {
        let bare = value.filter { $0 != "\"" && $0 != "'" }
        guard bare.hasPrefix("${"), bare.hasSuffix("}"), bare.count > 3 else { return false }
        return bare.dropFirst(2).dropLast().allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    /// A value's JSON text with the members masked whose names say that they are secret; references stay. Text that is
    /// no object or array comes back as it is.
    package static func maskMembers(_ text: String, isPretty: Bool) -> String {
        guard text.first == "{" || text.first == "[" else { return text }
        do {
            let masked = masked(try JSONParser.parse(text))
            return isPretty ? JSONWriter.pretty(masked) : JSONWriter.string(masked)
        } catch {
            return namesSecretMember(text) ? mask : text
        }
    }

    private static func masked(_ value: JSONValue, isSecret: Bool = false) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                JSONObject(
                    uniqueKeysWithValues: members.map { name, member in
                        let isHolder = name == "headers" || name == "env"
                        return (name, masked(member, isSecret: isSecret || isHolder || isSecretName(name)))
                    }))
        case .array(let elements): .array(elements.map { masked($0, isSecret: isSecret) })
        case .string(let text) where isSecret && !isReference(text): .string(mask)
        case .int where isSecret, .double where isSecret: .string(mask)
        default: value
        }
    }

    /// Whether some word of `text` has the shape of a credential.
    package static func holdsSecret(_ text: String) -> Bool { redact(text) != text }

    /// `text` with everything that has the shape of a credential masked.
    package static func redact(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        var word = ""
        var previousWord = ""
        var isMasking = false
        func flush() {
            guard !word.isEmpty else { return }
            let isAfterScheme = previousWord == "bearer" || previousWord == "basic"
            result += isShaped(word) || (isAfterScheme && word.count >= 12) ? mask : maskUserInfo(word)
            previousWord = word.lowercased()
            word = ""
        }
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if number > 0 { result += "\n" }
            if line.contains("-----BEGIN"), line.contains("PRIVATE KEY") {
                result += mask
                isMasking = !line.contains("-----END")
                continue
            }
            if isMasking {
                isMasking = !line.contains("-----END")
                continue
            }
            for character in line {
                if isWordCharacter(character) {
                    word.append(character)
                } else {
                    flush()
                    result.append(character)
                }
            }
            flush()
        }
        return result
    }

    private static func isWordCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.:/+~@%".contains(character))
    }

    /// Known prefixes of issued credentials, then long random words.
    private static func isShaped(_ word: String) -> Bool {
        for part in word.split(whereSeparator: { "/:@%+~".contains($0) }) where part.count >= 12 {
            if prefixes.contains(where: part.hasPrefix) { return true }
        }
        if isBotToken(word) { return true }
        return word.split(whereSeparator: { "/:.@%".contains($0) }).contains { isRandom($0) }
    }

    private static let prefixes = [
        "sk-", "sk_", "pk_", "rk_", "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "xoxa-",
        "xapp-", "xai-", "gsk_", "AIza", "AKIA", "ASIA", "eyJ", "hf_", "r8_", "ya29.", "SG.", "npm_", "shpat_",
        "nvapi-",
        "pplx-", "tvly-", "dop_v1_", "syt_", "EAAC", "whsec_", "Bearer-",
    ]

    /// `123456789:AA…`, a chat platform's bot token.
    private static func isBotToken(_ word: String) -> Bool {
        let parts = word.split(separator: ":", maxSplits: 1)
        return parts.count == 2 && parts[0].count >= 6 && parts[0].allSatisfy(\.isNumber) && parts[1].count >= 25
    }

    /// At least 32 characters with digits and letters mixed, and no dictionary look: not a UUID.
    private static func isRandom(_ word: Substring) -> Bool {
        guard word.count >= 32 else { return false }
        let groups = word.split(separator: "-", omittingEmptySubsequences: false)
        if groups.map(\.count) == [8, 4, 4, 4, 12] { return false }
        guard !groups.allSatisfy({ $0.count < 12 }) else { return false }
        let digits = word.count(where: \.isNumber)
        let letters = word.count(where: \.isLetter)
        return digits >= 4 && letters >= 4
    }

    /// `https://user:password@host` without the user's part.
    private static func maskUserInfo(_ word: String) -> String {
        guard let scheme = word.firstRange(of: "://") else { return word }
        let rest = word[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") else { return word }
        return word[..<scheme.upperBound] + mask + rest[at...]
    }

    /// Whether an object typed as a value has a member with a secret's name and a literal value.
    private static func namesSecretMember(_ value: String) -> Bool {
        guard value.contains("{") || value.contains(":") else { return false }
        var name = ""
        var rest = Substring(value)
        while let character = rest.first {
            rest = rest.dropFirst()
            if character.isLetter || character.isNumber || character == "_" || character == "-" {
                name.append(character)
            } else if character == ":" || character == "=" {
                let literal = rest.drop { $0 == " " || $0 == "\"" || $0 == "'" }
                if isSecretName(name), !literal.hasPrefix("${"), !literal.isEmpty { return true }
                name = ""
            } else if character != "\"", character != "'", character != " " {
                name = ""
            }
        }
        return false
    }
}
