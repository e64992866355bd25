import JarvisCore

/// One step from a container to a value in it.
package enum PathElement: Sendable, Hashable {
    /// The member of an object.
    case key(String)
    /// The element of an array, from 0.
    case index(Int)
}

/// A value and where it stands in the text. Ranges are byte offsets.
package struct JSON5Node: Sendable {
    /// A scalar, or a container with its entries in order.
    package enum Kind: Sendable {
        case scalar(JSONValue)
        case array([JSON5Entry])
        case object([JSON5Entry])
    }

    /// What it is.
    package var kind: Kind
    /// The bytes of the value, brackets and quotes included.
    package var range: Range<Int>

    var entries: [JSON5Entry] {
        switch kind {
        case .scalar: []
        case .array(let entries), .object(let entries): entries
        }
    }

    /// Whether it is an object.
    package var isObject: Bool {
        if case .object = kind { return true }
        return false
    }

    /// The value without comments.
    package var value: JSONValue {
        switch kind {
        case .scalar(let value): return value
        case .array(let entries): return .array(entries.map(\.node.value))
        case .object(let entries):
            var members = JSONObject()
            members.reserveCapacity(entries.count)
            for entry in entries { members[entry.key] = entry.node.value }
            return .object(members)
        }
    }

    func entryIndex(_ element: PathElement) -> Int? {
        switch (element, kind) {
        case (.key(let key), .object(let entries)): return entries.firstIndex { $0.key == key }
        case (.index(let index), .array(let entries)): return entries.indices.contains(index) ? index : nil
        default: return nil
        }
    }

    func node(at path: some Collection<PathElement>) -> JSON5Node? {
        var node = self
        for element in path {
            guard let index = node.entryIndex(element) else { return nil }
            node = node.entries[index].node
        }
        return node
    }
}

/// A member of an object or an element of an array (then without a key).
package struct JSON5Entry: Sendable {
    /// The key without quotes and escapes; empty for an element.
    package var key = ""
    /// The bytes of the key, quotes included; nil for an element.
    package var keyRange: Range<Int>?
    /// The value.
    package var node: JSON5Node
    /// The offset of the comma behind the value, when there is one.
    package var comma: Int?

    /// From the key, or the value of an element, to the end of the value.
    package var range: Range<Int> { (keyRange ?? node.range).lowerBound..<node.range.upperBound }
}
