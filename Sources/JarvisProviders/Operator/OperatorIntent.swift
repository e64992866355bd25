/// What the operator is asked to do.
package enum OperatorIntent: Sendable, Hashable {
    /// Nothing to read: no text, spaces, control characters.
    case empty
    case greeting, presence, identity, help, thanks, goodbye
    case status, diagnose
    /// Why no model answers.
    case silence
    /// The last errors; how many, 1…30.
    case errors(limit: Int)
    /// The last log lines; how many, 1…30, at which level (`debug`, `info`, `warn`, `error`) or above.
    case logs(limit: Int, level: String?)
    /// How to connect a model, with the provider's id when one was named.
    case connectModel(provider: String?)
    case modelStatus, configHelp, configFile, configValidate
    case configGet(path: String)
    /// A setting and the new value as typed.
    case configSet(path: String, value: String)
    case configUnset(path: String)
    /// A wish to change a setting without saying which or to what.
    case configSetIncomplete(path: String?)
    /// A secret in the chat, or a wish to set one. `wasSent` is true when a value came with it.
    case secret(path: String?, wasSent: Bool)
    case undo, restart, uptime, sessions, newSession, version, port, dashboard, instance, shutdown
    /// Consent, with the code when it was typed too.
    case yes(code: String?)
    case no
    /// A slash command that the operator does not have, without the slash; empty when it does not look like a name.
    case unknownCommand(String)
    /// Anything else: what a model would be needed for.
    case general
}

/// A message understood.
package struct OperatorParse: Sendable, Hashable {
    /// What is asked.
    package var intent: OperatorIntent
    /// The profile that a pasted `jarvis --profile x …` command names; nil when none was named.
    package var profile: String?
    /// How sure the reading is, 0…1. Commands and exact forms are 1.
    package var confidence: Double

    /// Reads one message. Pure, and never fails.
    package static func parse(_ text: String) -> OperatorParse {
        let text = OperatorText(text)
        if text.plain.isEmpty { return OperatorParse(intent: .empty, confidence: 1) }
        var rest = Substring(text.plain)
        var profile: String?
        if let command = OperatorCommandLine(text.plain) {
            rest = command.rest
            profile = command.profile
            if rest.isEmpty { return OperatorParse(intent: .help, profile: profile, confidence: 1) }
        }
        let (intent, confidence) = read(String(rest), isCut: text.isCut, isCommand: profile != nil)
        return OperatorParse(intent: intent, profile: profile, confidence: confidence)
    }

    private init(intent: OperatorIntent, profile: String? = nil, confidence: Double) {
        self.intent = intent
        self.profile = profile
        self.confidence = confidence
    }

    private static func read(_ plain: String, isCut: Bool, isCommand: Bool) -> (OperatorIntent, Double) {
        if plain.first == "/", plain.dropFirst().first?.isLetter == true { return (slash(plain), 1) }
        if let setting = OperatorSettingPhrase.read(plain) {
            if case .configSetIncomplete(let path?) = setting, OperatorSecrets.isSecretPath(path) {
                return (.secret(path: path, wasSent: false), 1)
            }
            return (setting, 1)
        }
        if OperatorSecrets.holdsSecret(plain) { return (.secret(path: nil, wasSent: true), 1) }
        let words = OperatorText.words(of: plain)
        if words.isEmpty { return (symbols(plain), 1) }
        if isCut { return (.general, 1) }
        if let answer = OperatorAnswer.read(plain, words: words) { return (answer, 1) }
        if let path = OperatorSettingPhrase.statedSecret(plain) { return (.secret(path: path, wasSent: true), 1) }
        guard let found = OperatorPhrases.topic(of: words) else { return (.general, 0) }
        return (intent(of: found.topic, words: words), found.confidence)
    }

    /// A message of signs only: a thumb is an answer, the rest is a knock on the door.
    private static func symbols(_ plain: String) -> OperatorIntent {
        for character in plain {
            guard let base = character.unicodeScalars.first else { continue }
            switch base {
            case "\u{1F44D}", "\u{2705}", "\u{1F44C}", "\u{2714}": return .yes(code: nil)
            case "\u{1F44E}", "\u{274C}", "\u{1F6AB}", "\u{270B}": return .no
            case "\u{1F44B}": return .greeting
            case "\u{1F64F}", "\u{2764}": return .thanks
            case "\u{1F198}": return .help
            case "?": return .presence
            default: continue
            }
        }
        return .general
    }

    private static func slash(_ plain: String) -> OperatorIntent {
        let body = plain.dropFirst()
        let name = body.prefix { !$0.isWhitespace && $0 != ":" && $0 != "@" }.lowercased()
        var rest = body.dropFirst(name.count)
        if rest.first == "@" { rest = rest.drop { !$0.isWhitespace } }
        let argument = String(rest.drop { $0.isWhitespace || $0 == ":" })
        let words = OperatorText.words(of: argument)
        switch name {
        case "model" where !argument.isEmpty && !["list", "status"].contains(argument.lowercased()):
            return OperatorSettingPhrase.change(path: "agents.defaults.model", value: argument)
        case "config":
            if argument.isEmpty { return .configHelp }
            return OperatorSettingPhrase.configCommand(argument)
        case "set", "unset", "get":
            return OperatorSettingPhrase.configCommand("\(name) \(argument)")
        case "stop", "cancel", "abort", "no": return .no
        case "yes", "confirm", "approve", "apply":
            return .yes(code: words.first.flatMap { OperatorAnswer.isCode($0) ? $0 : nil })
        default:
            guard let topic = slashTopics[name] else {
                let isName =
                    name.count <= 20 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "-" || $0 == "_") }
                return .unknownCommand(isName ? name : "")
            }
            return intent(of: topic, words: words)
        }
    }

    private static let slashTopics: [String: OperatorTopic] = [
        "help": .help, "commands": .help, "start": .help, "h": .help, "menu": .help, "status": .status,
        "health": .status, "whoami": .instance, "id": .instance, "instance": .instance, "profile": .instance,
        "errors": .errors, "error": .errors, "logs": .logs, "log": .logs, "debug": .diagnose, "doctor": .diagnose,
        "diagnose": .diagnose, "model": .modelStatus, "models": .modelStatus, "connect": .connectModel,
        "onboard": .connectModel, "setup": .connectModel, "login": .connectModel, "auth": .connectModel,
        "undo": .undo, "rollback": .undo, "restart": .restart, "reboot": .restart, "session": .sessions,
        "sessions": .sessions, "new": .newSession, "reset": .newSession, "compact": .newSession,
        "version": .version, "uptime": .uptime, "port": .port, "dashboard": .dashboard, "validate": .configValidate,
        "ping": .presence, "shutdown": .shutdown,
    ]

    private static func intent(of topic: OperatorTopic, words: [String]) -> OperatorIntent {
        switch topic {
        case .greeting: .greeting
        case .presence: .presence
        case .identity: .identity
        case .help: .help
        case .thanks: .thanks
        case .goodbye: .goodbye
        case .status: .status
        case .diagnose: .diagnose
        case .silence: .silence
        case .errors: .errors(limit: limit(words, default: 5))
        case .logs: .logs(limit: limit(words, default: 10), level: level(words))
        case .connectModel: .connectModel(provider: provider(words))
        case .modelStatus: .modelStatus
        case .configHelp: .configHelp
        case .configFile: .configFile
        case .configValidate: .configValidate
        case .undo: .undo
        case .restart: .restart
        case .uptime: .uptime
        case .sessions: .sessions
        case .newSession: .newSession
        case .version: .version
        case .port: .port
        case .dashboard: .dashboard
        case .instance: .instance
        case .shutdown: .shutdown
        }
    }

    private static func limit(_ words: [String], default normal: Int) -> Int {
        let numbers = words.compactMap { Int($0) ?? spelled[$0] }
        return min(max(numbers.first(where: { $0 > 0 }) ?? normal, 1), 30)
    }

    private static let spelled = ["two": 2, "three": 3, "five": 5, "ten": 10, "twenty": 20, "thirty": 30]

    private static func level(_ words: [String]) -> String? {
        for word in words {
            switch word {
            case "warning", "warnings", "warn": return "warn"
            case "debug": return "debug"
            case "info": return "info"
            case "error", "errors": return "error"
            default: continue
            }
        }
        return nil
    }

    private static func provider(_ words: [String]) -> String? {
        for word in words {
            switch word {
            case "openai", "gpt", "chatgpt": return "openai"
            case "anthropic", "claude": return "anthropic"
            case "google", "gemini": return "google"
            case "ollama", "local", "llama": return "ollama"
            case "mistral", "openrouter", "groq", "deepseek": return word
            default: continue
            }
        }
        return nil
    }
}

/// Consent and refusal. The whole message must consist of such words: "yes but later" is neither.
enum OperatorAnswer {
    static func read(_ plain: String, words: [String]) -> OperatorIntent? {
        guard words.count <= 6, !plain.contains("\n"), !plain.contains(">"), !plain.hasSuffix("?") else { return nil }
        let code = words.count > 1 ? words.last.flatMap { isCode($0) ? $0 : nil } : nil
        let body = code == nil ? words : Array(words.dropLast())
        let set = Set(body)
        if !set.isDisjoint(with: noCore), set.isSubset(of: noWords) { return .no }
        if !set.isDisjoint(with: yesCore), set.isSubset(of: yesWords) { return .yes(code: code) }
        if yesPhrases.contains(body.filter { !polite.contains($0) }.joined(separator: " ")) { return .yes(code: code) }
        return nil
    }

    /// Whether `word` has the form of a confirmation code: 4 hexadecimal digits, at least one of them a number.
    static func isCode(_ word: String) -> Bool {
        word.utf8.count == 4 && word.allSatisfy { $0.isASCII && $0.isHexDigit } && word.contains(where: \.isNumber)
    }

    private static let polite: Set<String> = [
        "please", "now", "thanks", "thx", "jarvis", "operator", "then", "just", "danke", "bitte",
    ]
    private static let yesPhrases: Set<String> = [
        "do it", "do that", "go", "go ahead", "go for it", "make it so", "why not", "of course", "sounds good",
        "send it",
        "looks good", "that is right", "lets go", "let us go", "please do", "do",
    ]
    private static let yesCore: Set<String> = [
        "yes", "y", "yep", "yeah", "yea", "yup", "ya", "sure", "ok", "okay", "k", "kk", "confirm", "confirmed", "apply",
        "proceed", "affirmative", "aye", "ja", "jo", "si", "oui", "da", "approve", "approved", "agreed", "yess",
        "yesss",
        "correct", "absolutely", "definitely", "jup", "sim",
    ]
    private static let yesWords: Set<String> = yesCore.union(polite).union([
        "do", "it", "go", "ahead", "that", "this", "sir", "thing", "change", "restart", "of", "course", "good", "is",
        "for", "i", "am", "bitte", "the", "sounds", "great", "fine", "with", "undo",
    ])
    private static let noCore: Set<String> = [
        "no", "nope", "nah", "na", "cancel", "stop", "abort", "nevermind", "nvm", "nein", "non", "not", "forget",
        "discard", "negative", "abbrechen", "n", "never", "leave", "wait", "noo", "nooo", "nee", "niet",
    ]
    private static let noWords: Set<String> = noCore.union(polite).union([
        "it", "that", "this", "do", "leave", "alone", "as", "is", "mind", "yet", "wait", "thank", "you", "change",
        "apply", "restart", "the", "sorry", "oops", "way", "want", "i", "bitte", "be", "undo",
    ])
}

/// A pasted terminal command: `jarvis [--profile x | --profile=x | --dev] rest`.
struct OperatorCommandLine {
    var profile: String?
    var rest: Substring

    /// Nil when `text` does not begin like a command of this program.
    init?(_ text: String) {
        var words = text.split(separator: " ", omittingEmptySubsequences: true)
        while let first = words.first, first == "$" || first == ">" || first == "sudo" { words.removeFirst() }
        guard words.first == "jarvis", words.count > 1 else { return nil }
        words.removeFirst()
        var kept: [Substring] = []
        var index = 0
        while index < words.count {
            let word = words[index]
            if word == "--profile", index + 1 < words.count {
                profile = words[index + 1].lowercased()
                index += 1
            } else if word.hasPrefix("--profile=") {
                profile = word.dropFirst("--profile=".count).lowercased()
            } else if word == "--dev" {
                profile = "dev"
            } else if word != "--json", word != "--follow", word != "gateway" || index + 1 == words.count {
                kept.append(word)
            }
            index += 1
        }
        rest = Substring(kept.joined(separator: " "))
    }
}
