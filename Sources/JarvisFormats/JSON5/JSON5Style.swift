import JarvisCore

/// How a document is written, learned from the document, so that what is added looks like the rest.
struct JSON5Style: Sendable {
    enum Quote: Sendable { case none, single, double }

    /// How keys are quoted where the container itself does not tell.
    var keyQuote = Quote.double
    /// How text is quoted.
    var textQuote = Quote.double
    /// One level of indentation.
    var unit = "  "
    /// The line end.
    var newline = "\n"
    /// Whether containers are spread over lines.
    var multiline = true
    /// Whether the last entry of a container on several lines has a comma.
    var trailingCommas = false

    /// `key` in the quotes of its neighbour `sibling`, or those of the document.
    func spell(key: String, like sibling: [UInt8]?) -> String {
        var quote = keyQuote
        if let first = sibling?.first {
            quote = first == UInt8(ascii: "\"") ? .double : first == UInt8(ascii: "'") ? .single : .none
        }
        if quote == .none, isPlain(key) { return key }
        return Self.quote(key, quote == .none ? textQuote : quote)
    }

    private func isPlain(_ key: String) -> Bool {
        guard let first = key.unicodeScalars.first else { return false }
        return first.isASCII && JSON5Identifier.allows(first, first: true)
            && key.unicodeScalars.dropFirst().allSatisfy { $0.isASCII && JSON5Identifier.allows($0, first: false) }
    }

    /// `value` with its lines after the first at `indent`.
    func render(_ value: JSONValue, indent: String, multiline: Bool) -> String {
        switch value {
        case .string(let text): return Self.quote(text, textQuote)
        case .double(let number) where !number.isFinite: return JSON5.dump(value)
        case .array(let elements) where !elements.isEmpty:
            let isFlat = elements.allSatisfy { $0.arrayValue == nil && $0.objectValue == nil }
            let flat = "[" + elements.map { render($0, indent: "", multiline: false) }.joined(separator: ", ") + "]"
            if !multiline || (isFlat && indent.utf8.count + flat.utf8.count <= 80) { return flat }
            return lines("[", elements.map { render($0, indent: indent + unit, multiline: true) }, "]", indent)
        case .object(let members) where !members.isEmpty:
            let entries = members.map {
                spell(key: $0, like: nil) + ": " + render($1, indent: indent + unit, multiline: multiline)
            }
            return multiline ? lines("{", entries, "}", indent) : "{ " + entries.joined(separator: ", ") + " }"
        default: return JSONWriter.string(value)
        }
    }

    private func lines(_ open: String, _ entries: [String], _ close: String, _ indent: String) -> String {
        let inner = newline + indent + unit
        return open + inner + entries.joined(separator: "," + inner) + (trailingCommas ? "," : "") + newline + indent
            + close
    }

    private static func quote(_ text: String, _ quote: Quote) -> String {
        let double = JSONWriter.string(.string(text))
        // Text with an apostrophe reads better, and needs no second kind of escape, in double quotes.
        guard quote == .single, !text.contains("'") else { return double }
        return "'" + double.dropFirst().dropLast().replacingQuoteEscapes() + "'"
    }
}

extension Substring {
    /// `\"` as `"`; other escapes stay.
    fileprivate func replacingQuoteEscapes() -> String {
        var result = ""
        var escaped = false
        for character in self {
            if escaped {
                if character != "\"" { result.append("\\") }
                result.append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }
}

extension JSON5Document {
    /// How this document is written.
    var style: JSON5Style {
        var style = JSON5Style()
        if let lineEnd = bytes.firstIndex(of: 0x0A), lineEnd > 0, bytes[lineEnd - 1] == 0x0D { style.newline = "\r\n" }
        var counts = Counts()
        count(root, &counts)
        if counts.plainKeys > counts.doubleKeys + counts.singleKeys {
            style.keyQuote = .none
        } else if counts.singleKeys > counts.doubleKeys {
            style.keyQuote = .single
        }
        style.textQuote = counts.singleTexts > counts.doubleTexts ? .single : .double
        style.unit = counts.unit ?? "  "
        // One key in one line says nothing about a file; more of them do.
        style.multiline = !(counts.spread == 0 && root.entries.count > 0)
        style.trailingCommas = counts.trailing * 2 > counts.spread
        return style
    }

    private struct Counts {
        var plainKeys = 0
        var singleKeys = 0
        var doubleKeys = 0
        var singleTexts = 0
        var doubleTexts = 0
        var spread = 0
        var trailing = 0
        var unit: String?
    }

    private func count(_ node: JSON5Node, _ counts: inout Counts) {
        if case .scalar(.string) = node.kind {
            if bytes[node.range.lowerBound] == UInt8(ascii: "'") {
                counts.singleTexts += 1
            } else {
                counts.doubleTexts += 1
            }
        }
        if let last = node.entries.last, isFirstOnLine(last.range.lowerBound) {
            counts.spread += 1
            if last.comma != nil { counts.trailing += 1 }
            let inner = lineIndent(at: last.range.lowerBound)
            let outer = lineIndent(at: node.range.lowerBound)
            if counts.unit == nil, inner.hasPrefix(outer), inner != outer {
                counts.unit = String(inner.dropFirst(outer.count))
            }
        }
        for entry in node.entries {
            if let key = entry.keyRange {
                switch bytes[key.lowerBound] {
                case UInt8(ascii: "\""): counts.doubleKeys += 1
                case UInt8(ascii: "'"): counts.singleKeys += 1
                default: counts.plainKeys += 1
                }
            }
            count(entry.node, &counts)
        }
    }
}
