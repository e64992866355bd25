/// The property list of a launchd agent: writing ours, and reading any.
package enum LaunchdPlist {
    /// The list as launchd reads it. The same value gives the same bytes.
    package static func render(_ unit: ServiceUnit) -> String {
        let logs = "\(unit.stateDirectory)/logs"
        var lines = [
            #"<?xml version="1.0" encoding="UTF-8"?>"#,
            #"<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">"#,
            #"<plist version="1.0">"#, "<dict>",
        ]
        lines += string("Label", unit.names.launchdLabel)
        lines += string("Comment", unit.description)
        lines += ["  <key>RunAtLoad</key>", "  <true/>"]
        // Again after a failure only: a gateway that ends with 0 was asked to.
        lines += [
            "  <key>KeepAlive</key>", "  <dict>", "    <key>SuccessfulExit</key>", "    <false/>", "  </dict>",
            "  <key>ThrottleInterval</key>", "  <integer>60</integer>", "  <key>ExitTimeOut</key>",
            "  <integer>60</integer>", "  <key>Umask</key>", "  <integer>63</integer>", "  <key>ProcessType</key>",
            "  <string>Background</string>", "  <key>ProgramArguments</key>", "  <array>",
        ]
        lines += unit.arguments.map { "    <string>\(escaped($0))</string>" }
        lines.append("  </array>")
        lines += string("WorkingDirectory", unit.home)
        lines += string("StandardOutPath", "\(logs)/gateway.out.log")
        lines += string("StandardErrorPath", "\(logs)/gateway.err.log")
        lines += ["  <key>EnvironmentVariables</key>", "  <dict>"]
        lines += unit.environment.flatMap { string($0.name, $0.value, indent: "    ") }
        lines += ["  </dict>", "</dict>", "</plist>", ""]
        return lines.joined(separator: "\n")
    }

    private static func string(_ key: String, _ value: String, indent: String = "  ") -> [String] {
        ["\(indent)<key>\(escaped(key))</key>", "\(indent)<string>\(escaped(value))</string>"]
    }

    /// `text` as XML character data.
    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    // MARK: Reading

    /// The service that a property list defines; nil when it starts nothing or is no XML list.
    package static func read(_ text: String, path: String, scope: ServiceScope) -> InstalledService? {
        var reader = PlistReader(text)
        guard case .dictionary(let root)? = reader.document() else { return nil }
        var arguments: [String] = []
        if case .array(let items)? = root["ProgramArguments"] { arguments = items.compactMap(\.text) }
        if arguments.isEmpty, let program = root["Program"]?.text { arguments = [program] }
        guard !arguments.isEmpty else { return nil }
        var environment: [String: String] = [:]
        if case .dictionary(let variables)? = root["EnvironmentVariables"] {
            environment = variables.compactMapValues(\.text)
        }
        return InstalledService(
            manager: .launchd, scope: scope, name: root["Label"]?.text ?? HostPath.lastComponent(path), path: path,
            arguments: arguments, environment: environment, workingDirectory: root["WorkingDirectory"]?.text)
    }
}

/// A value of a property list, as far as services need it.
enum PlistValue {
    case string(String)
    case array([PlistValue])
    case dictionary([String: PlistValue])
    case other

    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }
}

/// Reads XML property lists: strings, arrays and dictionaries; at most 16 levels deep. Anything else becomes `other`.
struct PlistReader {
    private var rest: Substring

    init(_ text: String) { rest = Substring(text) }

    mutating func document() -> PlistValue? {
        while let tag = nextTag() {
            if tag == "dict" { return dictionary(depth: 0) }
        }
        return nil
    }

    private mutating func value(_ tag: String, depth: Int) -> PlistValue {
        guard depth < 16 else { return .other }
        switch tag {
        case "string": return .string(textUpToClose())
        case "dict": return .dictionary(dictionaryMembers(depth: depth + 1))
        case "array":
            var items: [PlistValue] = []
            while let tag = nextTag(), tag != "/array" { items.append(value(tag, depth: depth + 1)) }
            return .array(items)
        default:
            if !tag.hasSuffix("/") { _ = textUpToClose() }
            return .other
        }
    }

    private mutating func dictionary(depth: Int) -> PlistValue { .dictionary(dictionaryMembers(depth: depth)) }

    private mutating func dictionaryMembers(depth: Int) -> [String: PlistValue] {
        var members: [String: PlistValue] = [:]
        while let tag = nextTag(), tag != "/dict" {
            guard tag == "key" else { continue }
            let key = textUpToClose()
            guard let tag = nextTag() else { break }
            members[key] = value(tag, depth: depth)
        }
        return members
    }

    /// The next tag without its brackets; comments, declarations and text before it are skipped.
    private mutating func nextTag() -> String? {
        while let open = rest.firstIndex(of: "<") {
            rest = rest[open...].dropFirst()
            if rest.hasPrefix("!--") {
                while !rest.isEmpty, !rest.hasPrefix("-->") { rest.removeFirst() }
                continue
            }
            guard let close = rest.firstIndex(of: ">") else { return nil }
            let tag = rest[..<close]
            rest = rest[close...].dropFirst()
            if tag.hasPrefix("?") || tag.hasPrefix("!") { continue }
            let name = tag.prefix { !$0.isWhitespace }
            return tag.hasSuffix("/") && !name.hasSuffix("/") ? name + "/" : String(name)
        }
        return nil
    }

    /// The text up to the next tag, which is skipped.
    private mutating func textUpToClose() -> String {
        let text = rest.prefix { $0 != "<" }
        rest = rest[text.endIndex...]
        _ = nextTag()
        return Self.unescaped(text)
    }

    private static func unescaped(_ text: Substring) -> String {
        var result = ""
        var rest = text
        let names: [(String, Character)] = [
            ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&"),
        ]
        while !rest.isEmpty {
            if let (name, character) = names.first(where: { rest.hasPrefix($0.0) }) {
                result.append(character)
                rest = rest.dropFirst(name.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
