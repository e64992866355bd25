/// Reads sentences about one setting: "set gateway.port 19000", "change the port to 19000", "what is gateway.bind".
enum OperatorSettingPhrase {
    /// What people call settings. The longest name that fits wins. A nil path is a secret without one fixed place.
    static let names: [(name: String, path: String?)] = [
        ("default model", "agents.defaults.model"), ("main model", "agents.defaults.model"),
        ("primary model", "agents.defaults.model"), ("model", "agents.defaults.model"),
        ("llm", "agents.defaults.model"),
        ("gateway port", "gateway.port"), ("listening port", "gateway.port"), ("port", "gateway.port"),
        ("bind address", "gateway.bind"), ("bind mode", "gateway.bind"), ("bind", "gateway.bind"),
        ("auth mode", "gateway.auth.mode"), ("reload mode", "gateway.reload.mode"), ("gateway mode", "gateway.mode"),
        ("log level", "logging.level"), ("loglevel", "logging.level"), ("logging level", "logging.level"),
        ("workspace", "agents.defaults.workspace"), ("workspace folder", "agents.defaults.workspace"),
        ("timeout", "agents.defaults.timeoutSeconds"), ("run timeout", "agents.defaults.timeoutSeconds"),
        ("gateway token", "gateway.auth.token"), ("auth token", "gateway.auth.token"), ("token", "gateway.auth.token"),
        ("gateway password", "gateway.auth.password"), ("password", "gateway.auth.password"),
        ("api key", nil), ("apikey", nil), ("api-key", nil), ("openai key", nil), ("anthropic key", nil),
        ("openai api key", nil), ("anthropic api key", nil), ("secret", nil), ("bot token", nil),
    ]

    /// The sections of the configuration that a bare name may mean.
    static let sections: Set<String> = [
        "gateway", "agents", "models", "logging", "session", "ui", "env", "meta", "channels", "tools", "cron", "hooks",
        "browser", "commands", "messages", "skills", "plugins", "auth", "bindings", "canvasHost", "discovery",
    ]

    /// The request, or nil when the sentence is not about one setting.
    static func read(_ plain: String) -> OperatorIntent? {
        guard !plain.contains("\n") else { return nil }
        let sentence = withoutCourtesy(plain)
        var words = sentence.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        guard let verb = words.first?.lowercased() else { return nil }
        if verb == "config", words.count > 1 { return configCommand(words.dropFirst().joined(separator: " ")) }
        if let assigned = assignment(sentence) { return assigned }
        words.removeFirst()
        switch verb {
        case "set", "change", "switch", "update", "modify", "edit", "make", "put", "configure", "adjust":
            return setting(words, isLoose: verb == "make" || verb == "put" || verb == "configure")
        case "use", "run", "listen", "move", "bind":
            return use(words)
        case "unset", "remove", "delete", "clear", "drop":
            guard let (path, rest) = path(at: words, isLoose: false), rest.isEmpty else { return nil }
            return path.map { OperatorIntent.configUnset(path: $0) } ?? .secret(path: nil, wasSent: false)
        case "get", "show", "read", "print", "display", "check", "what", "whats", "what's", "see", "view", "tell":
            return getting(words, isStrict: verb != "get")
        default:
            let name = trimmed(sentence)
            return words.isEmpty && isKnownPath(name) ? .configGet(path: name) : nil
        }
    }

    /// What follows `config` in a command: `get x`, `set x y`, `unset x`, `show`, `validate`, `file`.
    static func configCommand(_ argument: String) -> OperatorIntent {
        var words = argument.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        guard let verb = words.first?.lowercased() else { return .configHelp }
        if let assigned = assignment(argument) { return assigned }
        words.removeFirst()
        switch verb {
        case "set":
            guard let name = words.first else { return .configSetIncomplete(path: nil) }
            let path = resolved(name)
            let value = valueText(Array(words.dropFirst()))
            return value.isEmpty ? .configSetIncomplete(path: path) : change(path: path, value: value)
        case "unset", "remove", "delete":
            return words.first.map { .configUnset(path: resolved($0)) } ?? .configSetIncomplete(path: nil)
        case "get", "show", "read":
            return words.first.map { .configGet(path: resolved($0)) } ?? .configHelp
        case "validate", "check": return .configValidate
        case "file", "path", "where": return .configFile
        case "undo", "rollback", "revert": return .undo
        default:
            return words.isEmpty && (isKnownPath(verb) || sections.contains(verb))
                ? .configGet(path: verb) : .configHelp
        }
    }

    /// A change of `path`, or the refusal of a secret.
    static func change(path: String, value: String) -> OperatorIntent {
        if OperatorSecrets.isSecret(path: path, value: value) {
            return .secret(path: OperatorSecrets.holdsSecret(path) ? nil : path, wasSent: true)
        }
        return .configSet(path: path, value: value)
    }

    /// The setting whose secret a sentence states ("my api key is abc123", "token: abc123"): the path when the place is
    /// known, else an empty text. Nil when it states none.
    static func statedSecret(_ plain: String) -> String?? {
        let words = plain.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
        for (index, word) in words.enumerated() {
            let name = word.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
            let isNamed =
                ["token", "password", "apikey", "secret", "key", "passwort", "pw"].contains(name)
                || (OperatorSecrets.isSecretName(name) && name.count > 3)
            guard isNamed else { continue }
            var next = index + 1
            if next < words.count, ["is", "=", ":", "to", "ist", "are"].contains(words[next].lowercased()) {
                next += 1
            } else if word.last != ":", word.last != "=" {
                continue
            }
            guard next < words.count else { continue }
            let value = words[next]
            if OperatorSecrets.isReference(value) { continue }
            if value.count >= 6, value.contains(where: \.isNumber) || value.count >= 14 {
                return .some(names.first { $0.name == name }?.path)
            }
        }
        return nil
    }

    // MARK: Parts

    /// Drops "can you please", "i want to", "how do i".
    private static func withoutCourtesy(_ plain: String) -> String {
        var words = plain.split(separator: " ", omittingEmptySubsequences: true)
        while words.count > 1, let word = words.first?.lowercased() {
            let bare = word.filter { $0 != "," && $0 != "!" && $0 != "'" }
            guard courtesy.contains(bare) else { break }
            words.removeFirst()
        }
        return words.joined(separator: " ")
    }

    private static let courtesy: Set<String> = [
        "please", "pls", "plz", "can", "could", "would", "will", "you", "u", "i", "want", "wanna", "need", "to", "like",
        "id", "lets", "let", "us", "jarvis", "operator", "hey", "hi", "ok", "okay", "now", "and", "then", "just", "how",
        "do", "does", "should", "we", "go", "also", "so", "must", "help", "me", "gateway", "@jarvis", "yo", "hello",
    ]

    /// `path = value`, `path=value`.
    private static func assignment(_ sentence: String) -> OperatorIntent? {
        guard let equals = sentence.firstIndex(of: "=") else { return nil }
        let left = sentence[..<equals].split(separator: " ")
        let words = left.first?.lowercased() == "set" ? Array(left.dropFirst()) : Array(left)
        guard words.count == 1, let path = words.first.map(String.init) else { return nil }
        guard isPath(path) || names.contains(where: { $0.name == path.lowercased() }) else { return nil }
        let value = valueText([String(sentence[sentence.index(after: equals)...])])
        guard let known = names.first(where: { $0.name == path.lowercased() }) else {
            return value.isEmpty ? .configSetIncomplete(path: path) : change(path: path, value: value)
        }
        guard let target = known.path else { return .secret(path: nil, wasSent: !value.isEmpty) }
        return value.isEmpty ? .configSetIncomplete(path: target) : change(path: target, value: value)
    }

    /// What follows a verb of change.
    private static func setting(_ words: [String], isLoose: Bool) -> OperatorIntent? {
        guard let (found, rest) = path(at: words, isLoose: isLoose) else {
            let bare = words.map { $0.lowercased() }
            let isAboutSettings = bare.contains { ["setting", "settings", "config", "configuration"].contains($0) }
            return isAboutSettings && words.count <= 3 && !isLoose ? .configSetIncomplete(path: nil) : nil
        }
        var value = rest
        if value.first?.lowercased() == "from", let to = value.lastIndex(where: { $0.lowercased() == "to" }) {
            value = Array(value[to...])
        }
        if let first = value.first?.lowercased(),
            ["to", "=", ":", "as", "=>", "->", "into", "on", "is"].contains(first)
        {
            value.removeFirst()
        } else if words.count > 8 || (value.count > 3 && value.first?.first != "{" && value.first?.first != "[") {
            return nil
        }
        let text = valueText(value)
        let filler = ["", "back", "settings", "setting", "key", "provider", "something", "please", "again"]
        if filler.contains(text.lowercased()) {
            if text.lowercased() == "back" { return .undo }
            return found.map { .configSetIncomplete(path: $0) } ?? .secret(path: nil, wasSent: false)
        }
        guard let path = found else { return .secret(path: nil, wasSent: true) }
        if path == "agents.defaults.model", !text.contains("/") { return nil }
        return change(path: path, value: text)
    }

    /// "use openai/gpt-4o", "run on port 19000", "switch to openai/gpt-4o".
    private static func use(_ words: [String]) -> OperatorIntent? {
        var rest = words
        while let first = rest.first?.lowercased(), ["on", "to", "the", "model", "with"].contains(first) {
            rest.removeFirst()
        }
        if rest.count >= 2, rest[0].lowercased() == "port", Int(valueText([rest[1]])) != nil {
            return change(path: "gateway.port", value: valueText([rest[1]]))
        }
        if rest.count <= 2, let reference = rest.first.map({ valueText([$0]) }), isModelReference(reference) {
            return change(path: "agents.defaults.model", value: reference)
        }
        return nil
    }

    /// What follows a verb of reading.
    private static func getting(_ words: [String], isStrict: Bool) -> OperatorIntent? {
        let skipped: Set<String> = [
            "me", "the", "my", "is", "are", "value", "of", "current", "your", "for", "config", "setting", "in", "a",
            "configuration", "does", "whats",
        ]
        let rest = words.drop { skipped.contains($0.lowercased()) }
        let isAboutConfig = words.contains {
            ["config", "configuration", "settings", "section"].contains($0.lowercased())
        }
        guard let first = rest.first.map(trimmed) else { return nil }
        let tail = rest.dropFirst().map { trimmed($0).lowercased() }
        let isAlone = tail.allSatisfy {
            [
                "please", "pls", "setting", "settings", "config", "section", "value", "set", "to", "now", "is",
                "currently",
            ]
            .contains($0)
        }
        guard isAlone else { return nil }
        if isKnownPath(first) || (!isStrict && isPath(first)) { return .configGet(path: first) }
        if isAboutConfig, sections.contains(first) { return .configGet(path: first) }
        if !isStrict || isAboutConfig, let known = names.first(where: { $0.name == first.lowercased() })?.path,
            known != "agents.defaults.model" || isAboutConfig
        {
            return .configGet(path: known)
        }
        if let secret = names.first(where: { $0.name == first.lowercased() })?.path,
            OperatorSecrets.isSecretPath(secret)
        {
            return .configGet(path: secret)
        }
        return nil
    }

    /// The setting named at the beginning of `words` and what follows it. The path is nil for a secret without one
    /// fixed place.
    private static func path(at words: [String], isLoose: Bool) -> (path: String?, rest: [String])? {
        var words = words
        while let first = words.first?.lowercased(), articles.contains(first), words.count > 1 { words.removeFirst() }
        guard let first = words.first else { return nil }
        let bare = trimmed(first)
        if isLoose ? isKnownPath(bare) : isPath(bare) { return (bare, Array(words.dropFirst())) }
        for length in stride(from: min(3, words.count), through: 1, by: -1) {
            let name = words.prefix(length).map { trimmed($0).lowercased() }.joined(separator: " ")
            if let known = names.first(where: { $0.name == name }) {
                return (known.path, Array(words.dropFirst(length)))
            }
        }
        return nil
    }

    private static let articles: Set<String> = [
        "the", "my", "your", "a", "this", "our", "setting", "config", "value", "of",
    ]

    private static func resolved(_ name: String) -> String {
        let bare = trimmed(name)
        return names.first { $0.name == bare.lowercased() }?.path ?? bare
    }

    /// The value as typed, without what only belongs to the sentence.
    private static func valueText(_ words: [String]) -> String {
        var words = words.joined(separator: " ").split(separator: " ", omittingEmptySubsequences: true).map(String.init)
        if words.count > 2,
            ["and restart", "then restart"].contains(words.suffix(2).joined(separator: " ").lowercased())
        {
            words.removeLast(2)
        }
        if words.count > 2, words.suffix(2).map({ $0.lowercased().filter(\.isLetter) }) == ["for", "me"] {
            words.removeLast(2)
        }
        while let last = words.last?.lowercased().filter({ $0.isLetter }),
            words.count > 1, ["please", "pls", "plz", "thanks", "thx", "now", "ok"].contains(last)
        {
            words.removeLast()
        }
        var text = words.joined(separator: " ")
        for (curly, plain) in [("\u{201C}", "\""), ("\u{201D}", "\""), ("\u{2018}", "'"), ("\u{2019}", "'"), ("`", "")]
        {
            text = text.split(separator: curly, omittingEmptySubsequences: false).joined(separator: plain)
        }
        while let last = text.last, "!?,;".contains(last) || (last == "." && !text.hasSuffix("..")) {
            text.removeLast()
        }
        return text
    }

    /// `name` without the quotes and punctuation around it.
    private static func trimmed(_ name: String) -> String {
        var text = Substring(name)
        while let first = text.first, "`\"'(\u{201C}\u{2018}".contains(first) { text.removeFirst() }
        while let last = text.last, "`\"')?!,:;.\u{201D}\u{2019}".contains(last) { text.removeLast() }
        return String(text)
    }

    /// Whether `text` has the form of a setting's path: names separated by dots, the first a letter.
    static func isPath(_ text: String) -> Bool {
        guard text.utf8.count <= 200, text.contains("."), text.first?.isLetter == true else { return false }
        let characters = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-[]\"/:".contains($0)) }
        guard characters, !text.hasSuffix("."), !text.contains("://") else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }

    /// A path whose first name is a section of the configuration.
    static func isKnownPath(_ text: String) -> Bool {
        isPath(text) && sections.contains(String(text.prefix { $0 != "." && $0 != "[" }))
    }

    /// `provider/model`.
    private static func isModelReference(_ text: String) -> Bool {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, !text.contains("//") else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:@".contains($0)) }
            && parts[0].allSatisfy { $0 != "." }
    }
}
