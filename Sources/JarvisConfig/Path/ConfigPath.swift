import JarvisCore
import JarvisFormats

/// A place in the configuration: `gateway.port`, `agents.list[0].id`, `agents.defaults.models["openai/gpt-4.1"]`.
package struct ConfigPath: Sendable, Hashable, CustomStringConvertible {
    /// The steps from the root. Empty means the whole configuration.
    package var elements: [PathElement]

    /// A path from its steps.
    package init(_ elements: [PathElement] = []) { self.elements = elements }

    /// A path of keys.
    package init(_ keys: String...) { elements = keys.map(PathElement.key) }

    /// Reads a dot and bracket path. A key that holds dots, brackets or quotes stands in brackets and quotes.
    ///
    /// - Throws: `config.path` (exit 2), naming the bad character and its position from 1.
    package init(parsing text: String) throws(JarvisError) {
        var parser = ConfigPathParser(text)
        elements = try parser.parse()
    }

    /// `a.b[0].c`; the empty path is `(root)`.
    package var description: String {
        if elements.isEmpty { return "(root)" }
        var text = ""
        for element in elements {
            switch element {
            case .index(let index): text += "[\(index)]"
            case .key(let key) where ConfigPathParser.isPlain(key): text += text.isEmpty ? key : "." + key
            case .key(let key): text += "[" + JSONWriter.string(.string(key)) + "]"
            }
        }
        return text
    }

    /// The path one step further.
    package func appending(_ element: PathElement) -> ConfigPath { ConfigPath(elements + [element]) }

    /// The path one key further.
    package func appending(_ key: String) -> ConfigPath { appending(.key(key)) }

    /// Whether `other` is this path or leads to it.
    package func hasPrefix(_ other: ConfigPath) -> Bool { elements.starts(with: other.elements) }

    /// Whether one of both leads to the other: a change of one is a change of the other.
    package func overlaps(_ other: ConfigPath) -> Bool { hasPrefix(other) || other.hasPrefix(self) }

    /// The last key, indices skipped: what a value is called.
    package var name: String? {
        for element in elements.reversed() {
            if case .key(let key) = element { return key }
        }
        return nil
    }

    /// This path with every key that is a number and meets an array in `value` as an index, so that `list.0` works.
    package func fitted(to value: JSONValue) -> ConfigPath {
        var result: [PathElement] = []
        var current: JSONValue? = value
        for element in elements {
            var step = element
            if case .key(let key) = element, current?.arrayValue != nil, let index = Int(key), index >= 0 {
                step = .index(index)
            }
            current = current?[step]
            result.append(step)
        }
        return ConfigPath(result)
    }
}

extension JSONValue {
    /// The value one step further; nil when there is none.
    subscript(step: PathElement) -> JSONValue? {
        switch step {
        case .key(let key): self[key]
        case .index(let index): self[index]
        }
    }

    /// The value at `path`; nil when there is none.
    package func value(at path: ConfigPath) -> JSONValue? {
        var current: JSONValue? = self
        for element in path.elements { current = current?[element] }
        return current
    }
}

private struct ConfigPathParser {
    private let text: String
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ text: String) {
        self.text = text
        scalars = Array(text.unicodeScalars)
    }

    static func isPlain(_ key: String) -> Bool { !key.isEmpty && key.unicodeScalars.allSatisfy(isPlain) }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case ".", "[", "]", "\"", "'", "\\", "\u{7F}": false
        default: scalar.value > 0x20 && !scalar.properties.isWhitespace
        }
    }

    mutating func parse() throws(JarvisError) -> [PathElement] {
        var elements: [PathElement] = []
        while position < scalars.count {
            if scalars[position] == "[" {
                elements.append(try readBracket())
            } else {
                if !elements.isEmpty {
                    guard scalars[position] == "." else { throw failure("expected '.' or '['") }
                    position += 1
                }
                elements.append(.key(try readKey()))
            }
        }
        if elements.isEmpty { throw failure("expected a key such as gateway.port") }
        return elements
    }

    private mutating func readKey() throws(JarvisError) -> String {
        var key = String.UnicodeScalarView()
        while position < scalars.count, Self.isPlain(scalars[position]) {
            key.append(scalars[position])
            position += 1
        }
        if key.isEmpty { throw failure("expected a key") }
        return String(key)
    }

    private mutating func readBracket() throws(JarvisError) -> PathElement {
        position += 1
        guard position < scalars.count else { throw failure("expected an index or a key in quotes") }
        let element: PathElement
        if scalars[position] == "\"" || scalars[position] == "'" {
            element = .key(try readQuoted())
        } else {
            let start = position
            while position < scalars.count, ("0"..."9").contains(scalars[position]) { position += 1 }
            var digits = String.UnicodeScalarView()
            digits.append(contentsOf: scalars[start..<position])
            guard let index = Int(String(digits)), index < 1_000_000 else {
                throw failure("expected an index below 1000000 or a key in quotes")
            }
            element = .index(index)
        }
        guard position < scalars.count, scalars[position] == "]" else { throw failure("expected ']'") }
        position += 1
        return element
    }

    private mutating func readQuoted() throws(JarvisError) -> String {
        let quote = scalars[position]
        position += 1
        var key = String.UnicodeScalarView()
        while position < scalars.count, scalars[position] != quote {
            if scalars[position] == "\\", position + 1 < scalars.count { position += 1 }
            key.append(scalars[position])
            position += 1
        }
        guard position < scalars.count else { throw failure("expected the closing quote") }
        position += 1
        return String(key)
    }

    private func failure(_ wanted: String) -> JarvisError {
        let found = position < scalars.count ? "found '\(Character(scalars[position]))'" : "found the end"
        return JarvisError(
            "config.path", "bad config path \"\(text.prefix(200))\": at position \(position + 1) \(found), \(wanted)",
            hint: "write keys with dots, indices and odd keys in brackets: agents.list[0].id or models[\"a.b\"]",
            exitCode: 2)
    }
}
