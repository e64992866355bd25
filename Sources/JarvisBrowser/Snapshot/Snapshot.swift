import JarvisCore

/// What a page holds, for a reader that can't see it.
struct Snapshot: Sendable {
    /// The nodes that are shown, with their refs.
    var nodes: [SnapshotNode]
    /// The nodes as text; ends with a line that says what was cut.
    var text: String
    /// Whether something is missing.
    var isTruncated: Bool
    /// The address of the frame at the top.
    var url: String
    /// Lines of `text`.
    var lines: Int
}

extension Snapshot {
    /// The answer of `/snapshot` with `format=ai`.
    func reply(targetId: String) -> JSONValue {
        var refs = JSONObject()
        for node in nodes {
            guard let ref = node.ref else { continue }
            refs[ref] = .members([
                "role": .string(node.role), "name": node.name.isEmpty ? nil : .string(node.name),
                "nth": node.nth.map { JSONValue($0) },
            ])
        }
        let stats: JSONValue = [
            "lines": JSONValue(lines), "chars": JSONValue(text.utf16.count), "refs": JSONValue(refs.count),
            "interactive": JSONValue(nodes.count { $0.isOperable && $0.ref != nil }),
        ]
        return .members([
            "ok": true, "format": "ai", "targetId": .string(targetId), "url": .string(url), "snapshot": .string(text),
            "truncated": isTruncated ? true : nil, "refs": .object(refs), "stats": stats,
        ])
    }

    /// The answer of `/snapshot` with `format=aria`.
    ///
    /// - Parameter backend: the browser's own numbers of the elements.
    func ariaReply(targetId: String, backend: [FrameOwner: Int]) -> JSONValue {
        let list = nodes.map { node -> JSONValue in
            let own = FrameOwner(frame: node.frame, number: node.number)
            return .members([
                "ref": .string(node.ref ?? ""), "role": .string(node.role), "name": .string(node.name),
                "value": node.value.isEmpty ? nil : .string(node.value),
                "description": node.text.isEmpty ? nil : .string(node.text),
                "states": node.states.isEmpty ? nil : JSONValue(node.states),
                "url": node.url.isEmpty ? nil : .string(node.url),
                "backendDOMNodeId": backend[own].map { JSONValue($0) }, "depth": JSONValue(node.depth),
            ])
        }
        return .members([
            "ok": true, "format": "aria", "targetId": .string(targetId), "url": .string(url), "nodes": .array(list),
            "truncated": isTruncated ? true : nil,
        ])
    }
}

extension Page {
    /// Reads the page and gives refs to what can be acted on; the refs of the snapshot before end.
    ///
    /// - Throws: `BrowserError`; 409 `dialog_open` while a dialog blocks the page.
    func snapshot(_ options: SnapshotOptions) async throws -> Snapshot {
        let reading = try await read(options)
        var tree = SnapshotTree(root: reading.root, documents: reading.documents, shows: reading.shows)
        tree.countDuplicates()
        if options.isCompact { tree = tree.compacted() }
        var left = 0
        if let depth = options.depth { (tree, left) = tree.limited(depth: depth) }
        let limit = options.format == .aria ? options.limit ?? SnapshotOptions.usualNodes : options.limit
        var beyond = 0
        if let limit { (tree, beyond) = tree.limited(count: min(limit, SnapshotOptions.mostChars)) }
        var nodes = tree.nodes
        let main = frames.first?.id ?? reading.root
        refs.note(owners: reading.shows, tokens: reading.tokens)
        if options.format == .aria {
            refs.number(&nodes, prefix: "ax", tokens: reading.tokens, main: main)
            return Snapshot(
                nodes: nodes, text: "", isTruncated: beyond > 0 || left > 0 || reading.isCut, url: reading.url, lines: 0
            )
        }
        refs.assign(&nodes, style: options.refs, tokens: reading.tokens, main: main) { node in
            options.refs == .aria || options.isInteractive || node.isOperable || !node.name.isEmpty
                || Self.alwaysReferable.contains(node.role)
        }
        return write(nodes, options, reading, SnapshotCuts(deeper: left, beyond: beyond))
    }

    private static let alwaysReferable: Set<String> = ["iframe", "dialog", "alertdialog"]

    private func write(
        _ nodes: [SnapshotNode], _ options: SnapshotOptions, _ reading: PageReading, _ cuts: SnapshotCuts
    ) -> Snapshot {
        var cuts = cuts
        let showsURLs = !options.isCompact && !options.isInteractive
        var text = SnapshotText(nodes, limit: options.maxChars, showsURLs: showsURLs)
        cuts.isUnread = reading.isCut
        cuts.unshown = nodes.count - text.written
        cuts.elements = (reading.visited, reading.total)
        var whole = text.text
        if let note = cuts.note(maxChars: options.maxChars, options) {
            if text.text.utf16.count + note.utf16.count + 1 > options.maxChars {
                text = SnapshotText(
                    nodes, limit: max(0, options.maxChars - note.utf16.count - 1), showsURLs: showsURLs)
                cuts.unshown = nodes.count - text.written
            }
            let final = cuts.note(maxChars: options.maxChars, options) ?? note
            whole = text.text + (text.text.isEmpty ? "" : "\n") + final
        }
        refs.forget(nodes[text.written...].compactMap(\.ref))
        let shown = Array(nodes.prefix(text.written))
        if whole.isEmpty {
            whole = options.isInteractive ? "(nothing on the page can be operated)" : "(the page is empty)"
        }
        return Snapshot(
            nodes: shown, text: whole,
            isTruncated: cuts.unshown > 0 || cuts.beyond > 0 || cuts.isUnread || cuts.deeper > 0,
            url: reading.url, lines: text.lines)
    }
}

/// What a snapshot leaves out.
struct SnapshotCuts: Sendable, Hashable {
    /// Nodes that lie deeper than was asked for.
    var deeper = 0
    /// Nodes beyond the limit of nodes.
    var beyond = 0
    /// Nodes for which there was no room.
    var unshown = 0
    /// Whether the page was not read to its end.
    var isUnread = false
    /// Elements looked at, and all there are.
    var visited = 0
    var total = 0

    var elements: (Int, Int) {
        get { (visited, total) }
        set { (visited, total) = newValue }
    }

    /// The last line of a snapshot; nil when nothing was left out.
    func note(maxChars: Int, _ options: SnapshotOptions) -> String? {
        var parts: [String] = []
        if unshown > 0 { parts.append("cut at \(maxChars) characters: \(unshown) more nodes") }
        if isUnread { parts.append("read \(visited) of \(total) elements") }
        if beyond > 0 { parts.append("\(beyond) nodes beyond limit \(options.limit ?? 0)") }
        if deeper > 0 { parts.append("\(deeper) nodes deeper than depth \(options.depth ?? 0)") }
        guard !parts.isEmpty else { return nil }
        var ways = ["selector", "frame"]
        if !options.isInteractive { ways.append("interactive") }
        if !options.isCompact { ways.append("compact") }
        if unshown > 0 || isUnread { ways.append("a larger maxChars") }
        if beyond > 0 { ways.append("a larger limit") }
        if deeper > 0 { ways.append("a larger depth") }
        return "… \(parts.joined(separator: "; ")). To see more use \(ways.joined(separator: ", "))."
    }
}
