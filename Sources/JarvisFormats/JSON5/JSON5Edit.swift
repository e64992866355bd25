import JarvisCore

extension JSON5Document {
    /// Makes the value at `path` equal to `value` with as little change as possible: members of an object that are
    /// equal already are not touched. Missing objects on the way are created; an index one past the end appends.
    ///
    /// - Throws: `JSON5EditError` when something on the way is neither an object nor an array.
    package mutating func set(_ value: JSONValue, at path: [PathElement]) throws(JSON5EditError) {
        let before = self
        do throws(JSON5EditError) {
            try setValue(value, at: path)
        } catch {
            self = before
            throw error
        }
    }

    /// Removes the member or element at `path`, with its comma and a comment behind it on its line.
    ///
    /// - Returns: false when there was nothing at `path`.
    /// - Throws: `JSON5EditError` when the path is empty.
    @discardableResult
    package mutating func remove(at path: [PathElement]) throws(JSON5EditError) -> Bool {
        guard let last = path.last else {
            throw JSON5EditError(reason: "the whole document can't be removed", path: path)
        }
        guard let parent = root.node(at: path.dropLast()), let index = parent.entryIndex(last) else { return false }
        try splice(removal(of: index, from: parent.entries))
        return true
    }

    // MARK: Setting

    private mutating func setValue(_ value: JSONValue, at path: [PathElement]) throws(JSON5EditError) {
        if let node = root.node(at: path) {
            if node.value == value { return }
            switch (node.kind, value) {
            case (.object(let entries), .object(let members)) where !members.isEmpty:
                for entry in entries where members[entry.key] == nil { try remove(at: path + [.key(entry.key)]) }
                for (key, member) in members { try setValue(member, at: path + [.key(key)]) }
            case (.array(let entries), .array(let elements)) where !elements.isEmpty:
                for index in entries.indices.reversed() where index >= elements.count {
                    try remove(at: path + [.index(index)])
                }
                for (index, element) in elements.enumerated() { try setValue(element, at: path + [.index(index)]) }
            default:
                let text = style.render(
                    value, indent: lineIndent(at: node.range.lowerBound), multiline: style.multiline)
                try splice([(node.range, text)])
            }
            return
        }
        try insert(value, at: path)
    }

    private mutating func insert(_ value: JSONValue, at path: [PathElement]) throws(JSON5EditError) {
        var node = root
        var depth = 0
        while depth < path.count, let index = node.entryIndex(path[depth]) {
            node = node.entries[index].node
            depth += 1
        }
        var rest = value
        for element in path[(depth + 1)...].reversed() {
            switch element {
            case .key(let key): rest = .object([key: rest])
            case .index(0): rest = .array([rest])
            case .index(let index):
                throw JSON5EditError(
                    reason: "there is no element \(index) to set: the array does not exist", path: path)
            }
        }
        let place = Array(path[...depth])
        switch (path[depth], node.kind) {
        case (.key(let key), .object(let entries)):
            try splice(insertion(of: rest, key: key, into: node, entries: entries))
        case (.index(let index), .array(let entries)):
            guard index == entries.count else {
                let count = entries.count
                throw JSON5EditError(
                    reason: "there is no element \(index) to set: the array has \(count)", path: place)
            }
            try splice(insertion(of: rest, key: nil, into: node, entries: entries))
        case (let element, .scalar(.null)):
            let container: JSONValue =
                switch element {
                case .key(let key): .object([key: rest])
                case .index: .array([rest])
                }
            let text = style.render(
                container, indent: lineIndent(at: node.range.lowerBound), multiline: style.multiline)
            try splice([(node.range, text)])
        case (let element, _):
            let wanted =
                switch element {
                case .key: "an object"
                case .index: "an array"
                }
            throw JSON5EditError(
                reason: "the value is \(node.value.kindName), not \(wanted)", path: Array(path[..<depth]))
        }
    }

    private func insertion(
        of value: JSONValue, key: String?, into container: JSON5Node, entries: [JSON5Entry]
    ) -> [(range: Range<Int>, text: String)] {
        let style = style
        let name = key.map { style.spell(key: $0, like: entries.last.map { Array(bytes[$0.keyRange ?? 0..<0]) }) }
        let colon = entries.last.flatMap(colonSpelling) ?? ": "
        func member(indent: String, multiline: Bool) -> String {
            (name.map { $0 + colon } ?? "") + style.render(value, indent: indent, multiline: multiline)
        }
        guard let last = entries.last else { return emptyInsertion(container, member) }
        let afterLast = (last.comma ?? last.range.upperBound - 1) + 1
        guard isFirstOnLine(last.range.lowerBound) else {
            let missing = last.comma == nil ? [(afterLast..<afterLast, ",")] : []
            let end = endOfTrivia(from: afterLast, before: container.range.upperBound - 1)
            let trailing = last.comma == nil ? "" : ","
            // Behind a comment that runs to the end of its line only a new line is safe.
            let separator = endsWithLineComment(afterLast..<end) ? style.newline + lineIndent(at: end) : " "
            return missing + [(end..<end, separator + member(indent: "", multiline: false) + trailing)]
        }
        let indent = lineIndent(at: last.range.lowerBound)
        let end = endOfLineTrivia(from: afterLast, before: container.range.upperBound - 1)
        var edits: [(range: Range<Int>, text: String)] = []
        if last.comma == nil { edits.append((afterLast..<afterLast, ",")) }
        let trailing = last.comma == nil ? "" : ","
        edits.append((end..<end, style.newline + indent + member(indent: indent, multiline: true) + trailing))
        return edits
    }

    private func emptyInsertion(
        _ container: JSON5Node, _ member: (String, Bool) -> String
    ) -> [(range: Range<Int>, text: String)] {
        let style = style
        let inner = container.range.lowerBound + 1..<container.range.upperBound - 1
        let outer = lineIndent(at: container.range.lowerBound)
        let hasLineEnd = bytes[inner].contains { $0 == 0x0A || $0 == 0x0D }
        guard style.multiline || hasLineEnd else {
            return [(inner.upperBound..<inner.upperBound, member("", false))]
        }
        let indent = outer + style.unit
        let end = endOfTrivia(from: inner.lowerBound, before: inner.upperBound)
        let trailing = style.trailingCommas ? "," : ""
        let text = style.newline + indent + member(indent, true) + trailing + style.newline + outer
        return [(end..<inner.upperBound, text)]
    }

    // MARK: Removing

    private func removal(of index: Int, from entries: [JSON5Entry]) -> [(range: Range<Int>, text: String)] {
        let entry = entries[index]
        let isLast = index == entries.count - 1
        var edits: [(range: Range<Int>, text: String)] = []
        if isLast, entry.comma == nil, index > 0, let comma = entries[index - 1].comma {
            edits.append((comma..<comma + 1, ""))
        }
        let end = (entry.comma ?? entry.range.upperBound - 1) + 1
        if isFirstOnLine(entry.range.lowerBound) {
            let lineTrivia = endOfLineTrivia(from: end, before: bytes.count)
            let lineEnd = skipBlanks(from: lineTrivia)
            if lineEnd < bytes.count, JSON5Text.isLineEnd(bytes, at: lineEnd) {
                var after = lineEnd + 1
                if bytes[lineEnd] == 0x0D, after < bytes.count, bytes[after] == 0x0A { after += 1 }
                edits.append((lineStart(of: entry.range.lowerBound)..<after, ""))
                return edits
            }
        }
        var start = entry.range.lowerBound
        var after = end
        if isLast {
            while start > 0, bytes[start - 1] == 0x20 || bytes[start - 1] == 0x09 { start -= 1 }
            if index == 0 { after = skipBlanks(from: after) }
        } else {
            after = skipBlanks(from: after)
        }
        // The comma before a removed last element may touch it.
        if let first = edits.first, first.range.upperBound > start { start = first.range.upperBound }
        edits.append((start..<after, ""))
        return edits
    }

    // MARK: Looking around

    private func colonSpelling(_ entry: JSON5Entry) -> String? {
        guard let key = entry.keyRange else { return nil }
        let between = bytes[key.upperBound..<entry.node.range.lowerBound]
        let plain = between.allSatisfy { $0 == 0x20 || $0 == UInt8(ascii: ":") }
        return plain ? String(decoding: between, as: UTF8.self) : nil
    }

    private func lineStart(of offset: Int) -> Int {
        var index = offset
        while index > 0, bytes[index - 1] != 0x0A, bytes[index - 1] != 0x0D { index -= 1 }
        return index
    }

    func lineIndent(at offset: Int) -> String {
        let start = lineStart(of: offset)
        let blanks = bytes[start...].prefix { $0 == 0x20 || $0 == 0x09 }
        return String(decoding: blanks, as: UTF8.self)
    }

    func isFirstOnLine(_ offset: Int) -> Bool {
        let start = lineStart(of: offset)
        return start > 0 && bytes[start..<offset].allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }

    private func skipBlanks(from offset: Int) -> Int {
        var index = offset
        while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
        return index
    }

    /// The end of the last comment that begins on the line of `offset`, or `offset`.
    private func endOfLineTrivia(from offset: Int, before limit: Int) -> Int {
        var end = offset
        while true {
            var index = skipBlanks(from: end)
            guard index + 1 < limit, bytes[index] == UInt8(ascii: "/") else { return end }
            if bytes[index + 1] == UInt8(ascii: "/") { return JSON5Text.lineEnd(bytes, from: index) }
            guard bytes[index + 1] == UInt8(ascii: "*") else { return end }
            index += 2
            while index + 1 < limit, !(bytes[index] == UInt8(ascii: "*") && bytes[index + 1] == UInt8(ascii: "/")) {
                index += 1
            }
            end = index + 2
        }
    }

    /// The end of the last comment between `offset` and `limit`, or `offset`.
    private func endOfTrivia(from offset: Int, before limit: Int) -> Int {
        var end = offset
        var index = offset
        while index < limit {
            let space = JSON5Text.spaceLength(bytes, at: index)
            if space > 0 {
                index += space
                continue
            }
            end = endOfLineTrivia(from: index, before: limit)
            if end == index { return end }
            index = end
        }
        return end
    }

    private func endsWithLineComment(_ range: Range<Int>) -> Bool {
        guard range.upperBound < bytes.count, JSON5Text.isLineEnd(bytes, at: range.upperBound) else { return false }
        return !range.isEmpty
    }
}
