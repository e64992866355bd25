import JarvisCore

/// One node of a page as a reader of it meets them: an element with a role, or a run of text (`role` is `text`, `name`
/// the text).
struct SnapshotNode: Sendable, Hashable {
    /// How many nodes are around it.
    var depth: Int
    /// The ARIA role.
    var role: String
    /// The accessible name; the text itself for a run of text.
    var name: String
    /// The number of the element in its document; 0 for what can't be referred to.
    var number = 0
    /// `checked`, `level=2`, …
    var states: [String] = []
    /// What a field holds.
    var value = ""
    /// Where a link leads, as the page spells it.
    var url = ""
    /// Whether a user can operate it.
    var isOperable = false
    /// The accessible description, where asked for.
    var text = ""
    /// The frame it is in.
    var frame = ""
    /// The name by which actions refer to it.
    var ref: String?
    /// Its place among those with the same role and name, where there are several.
    var nth: Int?
    /// How many have the same role and name.
    var total = 1
}

extension SnapshotNode {
    /// Whether this is a run of text.
    var isText: Bool { role == "text" }
    /// Whether it only groups others.
    var isStructure: Bool {
        name.isEmpty && value.isEmpty && states.isEmpty && !isOperable && Self.structural.contains(role)
    }
    /// Whether it says nothing at all about what it groups.
    var isWrapper: Bool { isStructure && Self.wrappers.contains(role) }

    private static let structural: Set<String> = [
        "generic", "group", "list", "listitem", "paragraph", "rowgroup", "row", "table", "cell", "blockquote", "figure",
        "caption", "term", "definition", "img", "separator", "document", "application", "toolbar", "gridcell",
    ]
    private static let wrappers: Set<String> = ["generic", "rowgroup", "paragraph", "group", "document"]

    /// The nodes of the rows that the page script writes: `[depth, role, name, number, states, value, url, operable,
    /// description]`, empty ends left out.
    static func nodes(rows: String, frame: String) throws -> [SnapshotNode] {
        let parsed: JSONValue
        do { parsed = try JSONParser.parse(rows) } catch {
            throw BrowserError(500, "failed", "What the page was read as can't be parsed: \(error)")
        }
        return (parsed.arrayValue ?? []).compactMap { row in
            guard let depth = row[0]?.intValue, let role = row[1]?.stringValue, let name = row[2]?.stringValue else {
                return nil
            }
            var node = SnapshotNode(depth: depth, role: role, name: name)
            node.frame = frame
            guard let number = row[3]?.intValue else { return node }
            node.number = number
            node.states = (row[4]?.stringValue ?? "").split(separator: " ").map(String.init)
            node.value = row[5]?.stringValue ?? ""
            node.url = row[6]?.stringValue ?? ""
            node.isOperable = row[7]?.intValue == 1
            node.text = row[8]?.stringValue ?? ""
            return node
        }
    }
}
