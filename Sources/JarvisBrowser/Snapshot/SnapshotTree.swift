/// The nodes of a page in reading order, the content of frames below the frames' elements.
struct SnapshotTree: Sendable, Hashable {
    var nodes: [SnapshotNode]

    /// Puts the documents of frames below the elements that show them.
    ///
    /// - Parameters:
    ///   - root: the frame to begin with.
    ///   - documents: the nodes of each frame that was read.
    ///   - shows: the frame that an element shows.
    init(root: String, documents: [String: [SnapshotNode]], shows: [FrameOwner: String]) {
        nodes = []
        var open: Set<String> = []
        func add(_ frame: String, _ indent: Int) {
            guard let document = documents[frame], open.insert(frame).inserted else { return }
            for var node in document {
                node.depth += indent
                nodes.append(node)
                guard node.role == "iframe", node.number != 0 else { continue }
                if let inner = shows[FrameOwner(frame: frame, number: node.number)] { add(inner, node.depth + 1) }
            }
        }
        add(root, 0)
    }

    init(_ nodes: [SnapshotNode]) { self.nodes = nodes }

    /// For each node the index of the node around it; nil at the top.
    var parents: [Int?] {
        var path: [(depth: Int, index: Int)] = []
        return nodes.indices.map { index in
            let depth = nodes[index].depth
            while let last = path.last, last.depth >= depth { path.removeLast() }
            defer { path.append((depth, index)) }
            return path.last?.index
        }
    }

    /// Leaves out what only groups and says nothing: wrappers always, other structure where nothing is in it.
    func compacted() -> SnapshotTree {
        let parents = parents
        var useful = nodes.map { !$0.isStructure }
        for index in nodes.indices.reversed() where useful[index] {
            if let parent = parents[index] { useful[parent] = true }
        }
        var depths = [Int](repeating: 0, count: nodes.count)
        var result: [SnapshotNode] = []
        for index in nodes.indices {
            let inherited = parents[index].map { depths[$0] } ?? 0
            guard useful[index], !nodes[index].isWrapper else {
                depths[index] = inherited
                continue
            }
            var node = nodes[index]
            node.depth = inherited
            depths[index] = inherited + 1
            result.append(node)
        }
        return SnapshotTree(result)
    }

    /// Leaves out nodes with more than `depth` around them; says how many.
    func limited(depth: Int) -> (tree: SnapshotTree, dropped: Int) {
        let kept = nodes.filter { $0.depth <= depth }
        return (SnapshotTree(kept), nodes.count - kept.count)
    }

    /// Only the first `count` nodes; says how many are missing.
    func limited(count: Int) -> (tree: SnapshotTree, dropped: Int) {
        (SnapshotTree(Array(nodes.prefix(count))), max(0, nodes.count - count))
    }

    /// Counts those that look alike, over all frames of the tree.
    mutating func countDuplicates() {
        struct Look: Hashable { let frame: String, role: String, name: String }
        var places: [Look: [Int]] = [:]
        for index in nodes.indices where nodes[index].number != 0 {
            let node = nodes[index]
            places[Look(frame: node.frame, role: node.role, name: node.name), default: []].append(index)
        }
        for alike in places.values where alike.count > 1 {
            for (nth, index) in alike.enumerated() {
                nodes[index].nth = nth
                nodes[index].total = alike.count
            }
        }
    }
}

/// The element of a document that shows another one.
struct FrameOwner: Sendable, Hashable {
    /// The frame that the element is in.
    var frame: String
    /// The number of the element there.
    var number: Int
}
