/// What a person typed, made comparable.
struct OperatorText: Sendable {
    /// The text without control, bidirectional and zero-width characters, trimmed; at most `limit` characters.
    var plain: String
    /// Whether the text was longer than `limit`.
    var isCut: Bool
    /// The words in lower case with contractions opened and common chat spellings replaced.
    var words: [String]

    /// How many characters of a message are looked at. Requests to the operator are short.
    static let limit = 2000

    init(_ text: String) {
        var scalars = String.UnicodeScalarView()
        var count = 0
        var isCut = false
        for scalar in text.unicodeScalars {
            if Self.isInvisible(scalar) { continue }
            if scalars.isEmpty, scalar.properties.isWhitespace { continue }
            if count == Self.limit {
                isCut = true
                break
            }
            count += 1
            scalars.append(scalar.properties.isWhitespace && scalar != "\n" ? " " : scalar)
        }
        var plain = String(scalars)
        while let last = plain.last, last.isWhitespace { plain.removeLast() }
        self.plain = Self.withoutTimestamp(plain)
        self.isCut = isCut
        words = Self.words(of: self.plain)
    }

    /// Whether `scalar` would let text look different from what it is.
    static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control: scalar != "\n" && scalar != "\t"
        case .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Channels put `[Sun 2026-11-22 15:04 UTC] ` before a message so that a model knows the time.
    private static func withoutTimestamp(_ text: String) -> String {
        guard text.first == "[", let end = text.firstIndex(of: "]") else { return text }
        let inner = text[text.index(after: text.startIndex)..<end]
        guard inner.count < 60, inner.contains(" "), inner.contains(":"),
            inner.split(separator: " ").contains(where: { part in
                let fields = part.split(separator: "-")
                return fields.count == 3 && fields[0].count == 4 && fields.allSatisfy { $0.allSatisfy(\.isNumber) }
            })
        else { return text }
        return String(text[text.index(after: end)...].drop(while: \.isWhitespace))
    }

    /// The comparable words of `text`.
    static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        func flush() {
            if !word.isEmpty { words += replacements[word] ?? [word] }
            word = ""
        }
        for character in text.lowercased() {
            if character.isLetter || character.isNumber {
                word.append(character)
            } else if "'’`´".contains(character) {
                continue
            } else {
                flush()
            }
        }
        flush()
        return joined(words)
    }

    /// Two words that mean one.
    private static func joined(_ words: [String]) -> [String] {
        var result: [String] = []
        for word in words {
            if let last = result.last, let one = pairs["\(last) \(word)"] {
                result[result.count - 1] = one
            } else {
                result.append(word)
            }
        }
        return result
    }

    private static let pairs = [
        "set up": "setup", "log file": "logfile", "log files": "logfile", "roll back": "rollback",
        "never mind": "nevermind", "re start": "restart", "up time": "uptime", "hook up": "connect",
        "api keys": "apikey", "api key": "apikey", "start over": "reset", "web ui": "webui", "web page": "webui",
        "web interface": "webui", "control ui": "webui", "put back": "revert", "take back": "revert",
        "change back": "revert", "go back": "revert", "open ai": "openai", "chat gpt": "chatgpt",
    ]

    private static let replacements: [String: [String]] = [
        "u": ["you"], "ur": ["your"], "r": ["are"], "pls": ["please"], "plz": ["please"], "plss": ["please"],
        "whats": ["what", "is"], "wats": ["what", "is"], "wat": ["what"], "wut": ["what"], "wot": ["what"],
        "wtf": ["what"], "whos": ["who", "is"], "wheres": ["where", "is"], "hows": ["how", "is"],
        "whys": ["why", "is"], "whens": ["when", "is"], "arent": ["are", "not"], "isnt": ["is", "not"],
        "aint": ["is", "not"], "dont": ["do", "not"], "doesnt": ["does", "not"], "didnt": ["did", "not"],
        "wont": ["will", "not"], "cant": ["can", "not"], "cannot": ["can", "not"], "couldnt": ["could", "not"],
        "havent": ["have", "not"], "hasnt": ["has", "not"], "wasnt": ["was", "not"], "its": ["it", "is"],
        "im": ["i", "am"],
        "youre": ["you", "are"], "your're": ["you", "are"], "ive": ["i", "have"], "id": ["i", "would"],
        "lets": ["let", "us"], "thats": ["that", "is"], "theres": ["there", "is"], "gimme": ["give", "me"],
        "wanna": ["want", "to"], "gonna": ["going", "to"], "gotta": ["got", "to"], "cfg": ["config"],
        "conf": ["config"], "configs": ["config"], "msg": ["message"], "convo": ["conversation"],
        "convos": ["conversations"], "sess": ["sessions"], "ver": ["version"], "thru": ["through"],
        "abt": ["about"], "b4": ["before"], "prob": ["problem"], "probs": ["problems"], "tf": ["what"],
        "somethings": ["something", "is"], "somethin": ["something"], "workin": ["working"], "goin": ["going"],
        "happenin": ["happening"], "doin": ["doing"], "answerin": ["answering"], "replyin": ["replying"],
    ]
}
