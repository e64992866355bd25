import JarvisCore

/// A snapshot as indented text, one node a line: `- button "Save" [ref=e12]`.
///
/// Whatever a page says stands on the line of its node, line breaks escaped: no page can forge a line.
struct SnapshotText: Sendable {
    /// The lines.
    private(set) var text = ""
    /// How many of the nodes were written; the rest did not fit.
    private(set) var written = 0
    /// How many lines there are.
    private(set) var lines = 0

    // Of a text that does not fit, so many characters are worth a line.
    private static let worthShowing = 200

    /// Writes as many nodes as fit into `limit` characters; of a long text after them, the beginning.
    init(_ nodes: [SnapshotNode], limit: Int, showsURLs: Bool) {
        var used = 0
        var index = 0
        text.reserveCapacity(min(limit, 64 * nodes.count))
        while index < nodes.count {
            let node = nodes[index]
            let next = index + 1 < nodes.count ? nodes[index + 1] : nil
            let hasChildren = next.map { $0.depth > node.depth } ?? false
            // A single run of text goes behind the node that holds it.
            let after = index + 2 < nodes.count ? nodes[index + 2].depth : 0
            let held = hasChildren && node.value.isEmpty && next?.isText == true && after <= node.depth ? next : nil
            let url = showsURLs ? node.url : ""
            let line = Self.line(node, held: held?.name, opens: url.isEmpty ? hasChildren && held == nil : held == nil)
            var whole = line
            if !url.isEmpty {
                whole += "\n" + Self.indent(node.depth + 1) + "- /url: " + Self.safe(url)
            }
            let size = whole.utf16.count + (used == 0 ? 0 : 1)
            guard used + size <= limit else {
                let room = limit - used - 2
                if node.isText || held != nil && node.ref == nil, room >= Self.worthShowing {
                    let beginning = String(decoding: Array(line.utf16.prefix(room)), as: UTF16.self)
                    text += (used > 0 ? "\n" : "") + beginning + "…"
                    lines += 1
                }
                break
            }
            if used > 0 { text += "\n" }
            text += whole
            used += size
            lines += url.isEmpty ? 1 : 2
            index += held == nil ? 1 : 2
        }
        written = index
    }

    private static func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private static func line(_ node: SnapshotNode, held: String?, opens: Bool) -> String {
        var line = indent(node.depth) + "- "
        if node.isText { return line + "text: " + safe(node.name) }
        line += node.role
        if !node.name.isEmpty { line += " " + quoted(node.name) }
        for state in node.states where !state.hasPrefix("cursor") { line += " [\(state)]" }
        if let ref = node.ref { line += " [ref=\(ref)]" }
        if let nth = node.nth, nth > 0, node.ref != nil, !node.name.isEmpty { line += " [nth=\(nth)]" }
        if node.states.contains("cursor=pointer") { line += " [cursor=pointer]" }
        if !node.value.isEmpty {
            line += ": " + safe(node.value)
        } else if let held {
            line += ": " + safe(held)
        } else if opens {
            line += ":"
        }
        return line
    }

    /// `text` with everything that would begin a new line escaped.
    static func safe(_ text: String) -> String {
        let breaks: Set<Unicode.Scalar> = ["\n", "\r", "\u{0b}", "\u{0c}", "\u{85}", "\u{2028}", "\u{2029}"]
        guard text.unicodeScalars.contains(where: { breaks.contains($0) || $0.value < 0x20 }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": continue
            case "\t": result += " "
            case _ where breaks.contains(scalar): result += "\\n"
            case _ where scalar.value < 0x20: continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in safe(text) {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result + "\""
    }
}
