import JarvisCore

/// Environment variables as the configuration sees them: those of the process, then `<state>/.env`, then `env` of the
/// configuration. The first that has a name wins.
struct ConfigVariables: Sendable {
    private var process: [String: String]
    private var dotEnv: [String: String]
    private var configured: [String: String] = [:]

    init(process: [String: String], dotEnv: [String: String]) {
        self.process = process
        self.dotEnv = dotEnv
    }

    /// Takes the variables of the `env` section; those that refer to others are resolved by the variables before them.
    mutating func configure(_ tree: ConfigTree) {
        guard let env = tree.child(.key("env")), case .object(let members) = env.kind else { return }
        var pairs = members.filter { $0.key != "vars" && $0.key != "shellEnv" }
        if let vars = env.child(.key("vars")), case .object(let named) = vars.kind { pairs += named }
        var collected: [String: String] = [:]
        for (key, tree) in pairs {
            guard let text = tree.scalar?.stringValue else { continue }
            collected[key] = ConfigSubstitution.substitute(text) { self[$0] }.text
        }
        configured = collected
    }

    /// The value of `name`; nil when it is unset or empty everywhere.
    subscript(name: String) -> String? {
        for source in [process, dotEnv, configured] {
            if let value = source[name], !value.isEmpty { return value }
        }
        return nil
    }

    /// What `<state>/.env` and the configuration add to the environment of the process.
    var additions: [String: String] {
        configured.merging(dotEnv) { _, file in file }.filter { (process[$0.key] ?? "").isEmpty }
    }
}

/// `${NAME}` and its escape `$${NAME}`.
enum ConfigSubstitution {
    struct Result {
        var text: String
        var usedVariable = false
        var missing: [String] = []
    }

    /// Whether `text` refers to a variable.
    static func refers(_ text: String) -> Bool {
        text.utf8.contains(UInt8(ascii: "$")) && substitute(text) { _ in "" }.usedVariable
    }

    /// Replaces what `lookup` knows; the reference to an unknown variable stays as it is and is listed.
    static func substitute(_ text: String, _ lookup: (String) -> String?) -> Result {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return Result(text: text) }
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        var result = Result(text: "")
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "$"), index + 1 < bytes.count {
                if bytes[index + 1] == UInt8(ascii: "$"), let end = nameEnd(bytes, from: index + 2) {
                    output += bytes[(index + 1)..<end]
                    index = end
                    continue
                }
                if let end = nameEnd(bytes, from: index + 1) {
                    let name = String(decoding: bytes[(index + 2)..<(end - 1)], as: UTF8.self)
                    result.usedVariable = true
                    if let value = lookup(name) {
                        output += value.utf8
                    } else {
                        if result.missing.count < 5, !result.missing.contains(name) { result.missing.append(name) }
                        output += bytes[index..<end]
                    }
                    index = end
                    continue
                }
            }
            output.append(bytes[index])
            index += 1
        }
        result.text = String(decoding: output, as: UTF8.self)
        return result
    }

    /// The offset behind `{NAME}` at `start`; nil when there is no such thing.
    private static func nameEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        guard start + 2 < bytes.count, bytes[start] == UInt8(ascii: "{") else { return nil }
        var index = start + 1
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): break
            case UInt8(ascii: "0")...UInt8(ascii: "9") where index > start + 1: break
            case UInt8(ascii: "}") where index > start + 1: return index + 1
            default: return nil
            }
            index += 1
        }
        return nil
    }
}

/// The `.env` format: `NAME=value`, `export NAME=value`, `#` comments, single or double quotes.
enum DotEnv {
    static let maximumBytes = 1 << 20

    /// The variables, and the numbers of the lines that are neither blank, comment nor variable.
    static func parse(_ bytes: [UInt8]) -> (variables: [String: String], badLines: [Int]) {
        var variables: [String: String] = [:]
        var bad: [Int] = []
        let text = String(decoding: bytes, as: UTF8.self)
        for (number, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            var line = trim(raw)
            if line.isEmpty || line.hasPrefix("#") { continue }
            if line.hasPrefix("export ") { line = trim(line.dropFirst(7)) }
            guard let equals = line.firstIndex(of: "="), isName(trim(line[..<equals])) else {
                bad.append(number + 1)
                continue
            }
            variables[String(trim(line[..<equals]))] = value(trim(line[line.index(after: equals)...]))
        }
        return (variables, bad)
    }

    private static func value(_ text: Substring) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            if let comment = text.range(ofComment: " #") { return String(trim(text[..<comment])) }
            return String(text)
        }
        guard let end = text.dropFirst().firstIndex(of: quote) else { return String(text) }
        let inner = text[text.index(after: text.startIndex)..<end]
        if quote == "'" { return String(inner) }
        var result = ""
        var escaped = false
        for character in inner {
            if escaped {
                result.append(character == "n" ? "\n" : character == "t" ? "\t" : character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.first, first == "_" || (first.isASCII && first.isLetter) else { return false }
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}

extension Substring {
    /// Where `mark` begins.
    fileprivate func range(ofComment mark: String) -> Index? {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(mark) { return index }
            index = self.index(after: index)
        }
        return nil
    }
}
