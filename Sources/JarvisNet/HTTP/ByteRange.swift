/// The part of a body that a client asks for (RFC 9110, section 14). Pure.
package enum ByteRange: Sendable, Hashable {
    /// The whole: nothing was asked for, or what no server has to honour (several ranges, another unit, a malformed
    /// range).
    case whole
    /// These bytes; never empty, never beyond the end.
    case part(Range<Int>)
    /// Nothing of it is there: 416.
    case unsatisfiable

    /// Reads the values of the `Range` fields of a request, for a body of `size` bytes.
    package init(_ fields: [String], size: Int) {
        self = .whole
        // Several ranges would have to be told apart in a body of their own kind, and cost more than they give.
        guard fields.count == 1, let field = fields.first, field.prefix(6).lowercased() == "bytes=" else { return }
        let spec = field.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            .map(Self.trimmed)
        guard spec.count == 2 else { return }
        switch (spec[0].isEmpty, spec[1].isEmpty) {
        case (true, true): return
        case (true, false):
            guard let length = Self.number(spec[1]) else { return }
            if length == 0 { self = .unsatisfiable } else if size > 0 { self = .part(max(0, size - length)..<size) }
        case (false, let isOpen):
            guard let first = Self.number(spec[0]) else { return }
            var last = Int.max - 1
            if !isOpen {
                guard let number = Self.number(spec[1]), number >= first else { return }
                last = number
            }
            self = first < size ? .part(first..<(min(last, size - 1) + 1)) : .unsatisfiable
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    // A number with more digits than any file has bytes is as good as the largest.
    private static func number(_ text: Substring) -> Int? {
        guard text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return text.utf8.count > 18 ? Int.max - 1 : Int(text)
    }
}

/// Conditions that a client puts on an answer, by entity tag. Pure.
package enum EntityTag {
    /// Whether `tag` is among those that the values of `If-None-Match` name, so that the answer is 304. Weak and strong
    /// spellings are the same here.
    package static func isNamed(_ tag: String, in fields: [String]) -> Bool {
        fields.contains { field in
            field.split(separator: ",").contains { one in
                let name = one.filter { $0 != " " && $0 != "\t" }
                return name == "*" || name == tag || name == "W/" + tag
            }
        }
    }

    /// Whether a `Range` counts: there is no `If-Range`, or it names `tag`. A date never does.
    package static func allowsRange(_ tag: String, ifRange fields: [String]) -> Bool {
        fields.isEmpty || (fields.count == 1 && fields[0] == tag)
    }
}
