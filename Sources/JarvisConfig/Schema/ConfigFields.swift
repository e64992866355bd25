import JarvisCore

/// The table of all keys. To add a key, add a row to the list of its section; nothing else needs to know.
package enum ConfigFields {
    /// Every row, sections in the order of the reference page.
    package static let all: [ConfigField] =
        general + gateway + agents + models + session + logging + messages + tools + browser
        + family

    static let tree = SchemaNode(all)

    /// The row that describes `path`; nil when nothing does.
    package static func field(at path: ConfigPath) -> ConfigField? { tree.node(at: path)?.field }

    /// The default of the row `pattern`; nil when it has none.
    static func standard(_ pattern: String) -> JSONValue? { standards[pattern] }

    private static let standards: [String: JSONValue] = Dictionary(
        all.compactMap { field in field.standard.map { (field.pattern, $0) } }, uniquingKeysWith: { first, _ in first })
}

/// Lists rows one below the other, without commas, each type-checked by itself.
@resultBuilder
enum FieldList {
    static func buildBlock(_ fields: ConfigField...) -> [ConfigField] { fields }
}

typealias Field = ConfigField

/// Ranges that many rows share.
enum FieldRange {
    static let port = 1...65535
    static let count = 0...Int.max
    static let positive = 1...Int.max
    /// Up to a day in milliseconds.
    static let dayMs = 0...86_400_000
}

/// The rows as a tree, for walking a value and its description side by side.
struct SchemaNode: Sendable {
    var field: ConfigField?
    var children: [(key: String, node: SchemaNode)] = []

    init() {}

    init(_ fields: [ConfigField]) {
        for field in fields { insert(field, steps: field.steps[...]) }
    }

    func child(_ key: String) -> SchemaNode? { children.first { $0.key == key }?.node }

    func node(at path: ConfigPath) -> SchemaNode? {
        var node = self
        for element in path.elements {
            let next: SchemaNode? =
                switch element {
                case .key(let key): node.child(key) ?? node.child("*")
                case .index: node.child("[]")
                }
            guard let next else { return nil }
            node = next
        }
        return node
    }

    /// Whether keys without a row are expected below this node.
    var isOpen: Bool {
        guard let field else { return false }
        switch field.kind {
        case .any: return true
        case .map: return child("*") == nil
        case .either(let kinds):
            return kinds.contains {
                if case .any = $0 { return true }
                return false
            }
        default: return false
        }
    }

    /// The names of the rows below, without the placeholders.
    var names: [String] { children.map(\.key).filter { $0 != "*" && $0 != "[]" } }

    private mutating func insert(_ field: ConfigField, steps: ArraySlice<String>) {
        guard let step = steps.first else {
            self.field = field
            return
        }
        if let index = children.firstIndex(where: { $0.key == step }) {
            children[index].node.insert(field, steps: steps.dropFirst())
        } else {
            var node = SchemaNode()
            node.insert(field, steps: steps.dropFirst())
            children.append((step, node))
        }
    }
}
