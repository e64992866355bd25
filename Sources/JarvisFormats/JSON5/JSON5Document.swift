import JarvisCore

/// A JSON5 text that can be read as a value and edited in place.
///
/// An edit changes the bytes of what it is about and nothing else: comments, order, quotes and indentation of the rest
/// stay as they are, and a new key is written in the style of the file.
package struct JSON5Document: Sendable {
    /// Arrays and objects may be nested this deep.
    package static let defaultMaximumDepth = 256

    /// The text as UTF-8.
    package private(set) var bytes: [UInt8]
    /// The outermost value with the places of everything in it.
    package private(set) var root: JSON5Node
    private let maximumDepth: Int

    /// Reads a document.
    ///
    /// - Throws: `JSON5ParseError` with line and column, also for a repeated key, invalid UTF-8 and nesting beyond
    ///   `maximumDepth`.
    package init(
        parsing bytes: some Collection<UInt8>, maximumDepth: Int = defaultMaximumDepth
    ) throws(JSON5ParseError) {
        self.bytes = Array(bytes)
        self.maximumDepth = maximumDepth
        var parser = JSON5Parser(self.bytes, maximumDepth: maximumDepth)
        root = try parser.parse()
    }

    /// Reads a document from text.
    ///
    /// - Throws: `JSON5ParseError`.
    package init(_ text: String) throws(JSON5ParseError) { try self.init(parsing: Array(text.utf8)) }

    /// The text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The whole document as a value, without comments. Not-a-number and infinity are doubles.
    package var value: JSONValue { root.value }

    /// The value at `path`; nil when there is none.
    package func value(at path: [PathElement]) -> JSONValue? { root.node(at: path)?.value }

    /// The text of the value at `path` as it is spelled in the document.
    package func spelling(at path: [PathElement]) -> String? {
        root.node(at: path).map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }

    /// Where the key of `path` (or the element, or the whole value for an empty path) begins.
    package func place(of path: [PathElement]) -> JSON5Place? {
        guard let last = path.last else { return JSON5Place(of: root.range.lowerBound, in: bytes) }
        guard let parent = root.node(at: path.dropLast()), let index = parent.entryIndex(last) else { return nil }
        return JSON5Place(of: parent.entries[index].range.lowerBound, in: bytes)
    }

    /// Replaces the existing values at `changes` in one go, without regard to what they were.
    ///
    /// - Throws: `JSON5EditError` when one of them does not exist.
    package mutating func replace(_ changes: [(path: [PathElement], value: JSONValue)]) throws(JSON5EditError) {
        let style = style
        var edits: [(range: Range<Int>, text: String)] = []
        for change in changes {
            guard let node = root.node(at: change.path) else {
                throw JSON5EditError(reason: "there is nothing to replace", path: change.path)
            }
            edits.append((node.range, style.render(change.value, indent: "", multiline: false)))
        }
        try splice(edits)
    }

    /// Applies `edits`, whose ranges are those of the present bytes, and reads the document anew. Of two insertions at
    /// one offset the first stands first.
    mutating func splice(_ edits: [(range: Range<Int>, text: String)]) throws(JSON5EditError) {
        var changed = bytes
        let backwards = edits.enumerated().sorted {
            ($0.element.range.lowerBound, $0.offset) > ($1.element.range.lowerBound, $1.offset)
        }
        for (_, edit) in backwards {
            changed.replaceSubrange(edit.range, with: Array(edit.text.utf8))
        }
        do throws(JSON5ParseError) {
            var parser = JSON5Parser(changed, maximumDepth: maximumDepth)
            root = try parser.parse()
            bytes = changed
        } catch {
            throw JSON5EditError(reason: "the edited text can't be read: \(error)", path: [])
        }
    }
}

/// Why an edit was refused. The document is then unchanged.
package struct JSON5EditError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    package var reason: String
    /// The path at which it is wrong.
    package var path: [PathElement]

    /// The reason.
    package var description: String { reason }
}

/// JSON5 without the document around it.
package enum JSON5 {
    /// Reads one value.
    ///
    /// - Throws: `JSON5ParseError` with line and column.
    package static func parse(_ bytes: some Collection<UInt8>) throws(JSON5ParseError) -> JSONValue {
        try JSON5Document(parsing: bytes).value
    }

    /// Reads one value.
    ///
    /// - Throws: `JSON5ParseError` with line and column.
    package static func parse(_ text: String) throws(JSON5ParseError) -> JSONValue { try parse(Array(text.utf8)) }

    /// `value` on one line in JSON, with the JSON5 words for the numbers that JSON lacks (`Infinity`, `NaN`).
    package static func dump(_ value: JSONValue) -> String {
        switch value {
        case .double(let number) where !number.isFinite:
            return number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
        case .array(let elements): return "[" + elements.map(dump).joined(separator: ",") + "]"
        case .object(let members):
            return "{" + members.map { JSONWriter.string(.string($0)) + ":" + dump($1) }.joined(separator: ",") + "}"
        default: return JSONWriter.string(value)
        }
    }
}
