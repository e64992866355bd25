import JarvisCore
import JarvisFormats

/// A value that remembers in which file and at which byte each part of it stands.
struct ConfigTree: Sendable {
    enum Kind: Sendable {
        case scalar(JSONValue)
        case array([ConfigTree])
        case object([(key: String, tree: ConfigTree)])
    }

    var kind: Kind
    /// The number of the file in the list of sources.
    var file: Int
    /// The byte at which the key or element begins.
    var offset: Int
    /// Whether the text came from a variable or a reference.
    var isReferenced = false

    init(_ node: JSON5Node, file: Int, offset: Int? = nil) {
        self.file = file
        self.offset = offset ?? node.range.lowerBound
        switch node.kind {
        case .scalar(let value): kind = .scalar(value)
        case .array(let entries):
            kind = .array(entries.map { ConfigTree($0.node, file: file, offset: $0.range.lowerBound) })
        case .object(let entries):
            kind = .object(
                entries.map { ($0.key, ConfigTree($0.node, file: file, offset: $0.range.lowerBound)) })
        }
    }

    init(emptyObjectIn file: Int, offset: Int) {
        kind = .object([])
        self.file = file
        self.offset = offset
    }

    var isObject: Bool {
        if case .object = kind { return true }
        return false
    }

    var value: JSONValue { value { _, tree in tree.scalar } }

    var scalar: JSONValue? {
        if case .scalar(let value) = kind { return value }
        return nil
    }

    func child(_ step: PathElement) -> ConfigTree? {
        switch (step, kind) {
        case (.key(let key), .object(let members)): members.first { $0.key == key }?.tree
        case (.index(let index), .array(let elements)): elements.indices.contains(index) ? elements[index] : nil
        default: nil
        }
    }

    /// The deepest part on the way to `path`: where to point when the path itself is not there.
    func nearest(to path: ConfigPath) -> ConfigTree {
        var tree = self
        for element in path.elements {
            guard let next = tree.child(element) else { break }
            tree = next
        }
        return tree
    }

    /// The value with each scalar as `scalar` gives it; nil leaves the member out. Paths in `excluded` are left out
    /// too; an element that is left out becomes null, so that indices stay.
    func value(
        excluding excluded: Set<ConfigPath> = [], _ scalar: (ConfigPath, ConfigTree) -> JSONValue?
    ) -> JSONValue { value(at: ConfigPath(), excluding: excluded, scalar) ?? .null }

    private func value(
        at path: ConfigPath, excluding excluded: Set<ConfigPath>, _ scalar: (ConfigPath, ConfigTree) -> JSONValue?
    ) -> JSONValue? {
        if excluded.contains(path) { return nil }
        switch kind {
        case .scalar: return scalar(path, self)
        case .array(let elements):
            return .array(
                elements.enumerated().map { index, element in
                    element.value(at: path.appending(.index(index)), excluding: excluded, scalar) ?? .null
                })
        case .object(let members):
            var result = JSONObject()
            result.reserveCapacity(members.count)
            for (key, tree) in members {
                if let value = tree.value(at: path.appending(key), excluding: excluded, scalar) { result[key] = value }
            }
            return .object(result)
        }
    }

    /// Visits every part, parents first.
    func walk(_ path: ConfigPath = ConfigPath(), _ visit: (ConfigPath, ConfigTree) -> Void) {
        visit(path, self)
        switch kind {
        case .scalar: break
        case .array(let elements):
            for (index, element) in elements.enumerated() { element.walk(path.appending(.index(index)), visit) }
        case .object(let members):
            for (key, tree) in members { tree.walk(path.appending(key), visit) }
        }
    }

    /// This with `other` laid over it: objects join, arrays are appended, anything else is replaced.
    func merged(with other: ConfigTree) -> ConfigTree {
        switch (kind, other.kind) {
        case (.object(let mine), .object(let theirs)):
            var members = mine
            var places: [String: Int] = [:]
            for (index, member) in mine.enumerated() { places[member.key] = index }
            for (key, tree) in theirs {
                if let index = places[key] {
                    members[index].tree = members[index].tree.merged(with: tree)
                } else {
                    places[key] = members.count
                    members.append((key, tree))
                }
            }
            var result = other
            result.kind = .object(members)
            return result
        case (.array(let mine), .array(let theirs)):
            var result = other
            result.kind = .array(mine + theirs)
            return result
        default: return other
        }
    }
}
