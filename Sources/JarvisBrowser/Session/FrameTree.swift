/// How far a document has come.
package enum LoadStep: Int, Sendable, Hashable, Comparable {
    /// It replaced the one before.
    case commit = 0
    /// Its text is parsed.
    case domContentLoaded = 1
    /// Its parts are there, too.
    case load = 2

    /// The word of the wire.
    package var word: String {
        switch self {
        case .commit: "commit"
        case .domContentLoaded: "domcontentloaded"
        case .load: "load"
        }
    }

    /// Earlier steps come first.
    package static func < (left: LoadStep, right: LoadStep) -> Bool { left.rawValue < right.rawValue }
}

/// The frames of one tab, put together from what the sessions of several processes report.
///
/// A frame that moves to another process is reported gone by the old one and present by the new one, in either order;
/// its place in the tree stays.
struct FrameTree: Sendable {
    /// One frame.
    struct Node: Sendable {
        var id: String
        var parent: String?
        var children: [String] = []
        var url = ""
        /// The session of the process that shows it.
        var session: String
        /// The document that it shows.
        var loader = ""
        /// The newest documents that it has shown, the present one last; at most 8.
        var loaders: [String] = []
        /// How far that document has come.
        var step = LoadStep.commit
        /// The address that could not be opened, while an error page stands in for it.
        var unreachable: String?
        /// How many documents it has shown; goes up at each commit.
        var documents = 0
        /// How often its address changed within a document.
        var sameDocumentChanges = 0
        /// Steps of documents whose commit has not been reported yet.
        var early: [String: LoadStep] = [:]
    }

    private(set) var nodes: [String: Node] = [:]
    private(set) var root: String
    /// The frames whose processes have sessions of their own: frame id to session id.
    private(set) var processes: [String: String] = [:]
    // Frames reported gone while the answer with the whole tree was under way: that answer is older than they.
    private var goneMeanwhile: Set<String> = []
    private var awaitsTree: Set<String> = []

    /// The tree of a tab that is new: one empty frame.
    init(root: String, session: String) {
        self.root = root
        nodes[root] = Node(id: root, session: session)
        processes[root] = session
    }

    /// Main frame first, then depth first.
    var inOrder: [Node] {
        var found: [Node] = []
        var next = [root]
        while let id = next.popLast() {
            guard let node = nodes[id] else { continue }
            found.append(node)
            next.append(contentsOf: node.children.reversed())
        }
        return found
    }

    /// The frame's root within its process and that process's session; for a command that concerns the frame.
    func session(of frame: String?) -> String? { nodes[frame ?? root]?.session }

    // MARK: What sessions report

    /// A process of its own shows `frame` from now on (an `iframe` target was attached).
    mutating func processBegan(frame: String, session: String, parentSession: String) {
        processes[frame] = session
        removeChildren(of: frame)
        if nodes[frame] == nil {
            // Reported before the frame itself: put it under the parent process's root until that says better.
            let parent = processes.first { $0.value == parentSession }?.key ?? root
            insert(frame, parent: parent, session: session)
        }
        nodes[frame]?.session = session
    }

    /// That session has ended. True when nobody has said yet where the frame went: it may have moved back, which the
    /// parent's process then reports; ask it something, and call `confirmGone` after the answer.
    mutating func processEnded(session: String) -> (frame: String, undecided: Bool)? {
        guard let frame = processes.first(where: { $0.value == session })?.key, frame != root else { return nil }
        processes[frame] = nil
        let undecided = nodes[frame]?.session == session
        return (frame, undecided)
    }

    /// The frame of a session that ended did not move back: it is gone.
    mutating func confirmGone(frame: String, session: String) {
        if nodes[frame]?.session == session { remove(frame) }
    }

    /// `Page.frameAttached`.
    mutating func attached(_ frame: String, parent: String?, session: String) {
        goneMeanwhile.remove(frame)
        guard let parent else {
            adoptRoot(frame, session: session)
            return
        }
        guard nodes[parent] != nil else { return }
        if nodes[frame] != nil {
            // It comes back from another process, or is known from the answer with the whole tree.
            if nodes[frame]?.session != session { removeChildren(of: frame) }
            nodes[frame]?.session = session
            return
        }
        insert(frame, parent: parent, session: session)
    }

    /// `Page.frameDetached`; `swap` when it only changes processes.
    mutating func detached(_ frame: String, swap: Bool, session: String) {
        guard let node = nodes[frame] else {
            if !awaitsTree.isEmpty { goneMeanwhile.insert(frame) }
            return
        }
        // The new process has announced itself already.
        guard node.session == session else { return }
        if swap {
            removeChildren(of: frame)
        } else {
            if !awaitsTree.isEmpty { goneMeanwhile.insert(frame) }
            remove(frame)
        }
    }

    /// `Page.frameNavigated`: a document was committed.
    mutating func navigated(
        _ frame: String, parent: String?, url: String, loader: String, unreachable: String?, restored: Bool,
        session: String
    ) {
        if parent == nil, processes[frame] == nil { adoptRoot(frame, session: session) }
        if nodes[frame] == nil, let parent, nodes[parent] != nil { insert(frame, parent: parent, session: session) }
        guard var node = nodes[frame] else { return }
        // The process that the frame has left may still talk.
        if processes[frame] != nil, processes[frame] != session { return }
        removeChildren(of: frame)
        node.children = []
        node.url = url
        node.loader = loader
        node.session = session
        node.unreachable = unreachable
        node.documents += 1
        node.loaders.append(loader)
        if node.loaders.count > 8 { node.loaders.removeFirst() }
        node.step = restored ? .load : (node.early[loader] ?? .commit)
        node.early = [:]
        nodes[frame] = node
    }

    /// `Page.navigatedWithinDocument`.
    mutating func movedWithinDocument(_ frame: String, url: String) {
        nodes[frame]?.url = url
        nodes[frame]?.sameDocumentChanges += 1
    }

    /// `Page.lifecycleEvent`.
    mutating func reached(_ step: LoadStep, frame: String, loader: String) {
        guard let node = nodes[frame] else { return }
        if node.loader == loader {
            nodes[frame]?.step = max(node.step, step)
        } else if node.early.count < 8 {
            nodes[frame]?.early[loader] = max(node.early[loader] ?? .commit, step)
        }
    }

    /// `Page.frameStoppedLoading`: nothing more of its document comes.
    mutating func stoppedLoading(_ frame: String) { nodes[frame]?.step = .load }

    /// Text was written into the frame's document by `document.open`.
    mutating func documentOpened(_ frame: String, url: String) { nodes[frame]?.url = url }

    // MARK: The answer with the whole tree

    /// The tree of a process was asked for; what is reported from now on is newer than the answer.
    mutating func treeAsked(session: String) { awaitsTree.insert(session) }

    /// The answer of `Page.getFrameTree`, flat, parents first.
    mutating func treeTold(_ told: [Node], session: String) {
        for frame in told where !goneMeanwhile.contains(frame.id) {
            if let known = nodes[frame.id] {
                guard known.session == session, known.documents == 0, known.loader.isEmpty else { continue }
                nodes[frame.id]?.url = frame.url
                nodes[frame.id]?.loader = frame.loader
                nodes[frame.id]?.unreachable = frame.unreachable
                nodes[frame.id]?.step = max(known.step, known.early[frame.loader] ?? .commit)
            } else if let parent = frame.parent, nodes[parent] != nil {
                insert(frame.id, parent: parent, session: session)
                nodes[frame.id]?.url = frame.url
                nodes[frame.id]?.loader = frame.loader
            } else if frame.parent == nil, processes[frame.id] == nil {
                adoptRoot(frame.id, session: session)
                nodes[frame.id]?.url = frame.url
                nodes[frame.id]?.loader = frame.loader
            }
        }
        awaitsTree.remove(session)
        if awaitsTree.isEmpty { goneMeanwhile = [] }
    }

    // MARK: Inside

    private mutating func insert(_ frame: String, parent: String, session: String) {
        nodes[frame] = Node(id: frame, parent: parent, session: session)
        nodes[parent]?.children.append(frame)
    }

    private mutating func adoptRoot(_ frame: String, session: String) {
        guard frame != root else { return }
        let before = nodes[root]
        remove(root)
        processes[frame] = session
        root = frame
        nodes[frame] = Node(
            id: frame, session: session, documents: before?.documents ?? 0,
            sameDocumentChanges: before?.sameDocumentChanges ?? 0)
    }

    private mutating func remove(_ frame: String) {
        removeChildren(of: frame)
        if let parent = nodes[frame]?.parent { nodes[parent]?.children.removeAll { $0 == frame } }
        nodes[frame] = nil
        processes[frame] = nil
    }

    private mutating func removeChildren(of frame: String) {
        guard let children = nodes[frame]?.children, !children.isEmpty else { return }
        nodes[frame]?.children = []
        for child in children {
            removeChildren(of: child)
            nodes[child] = nil
            processes[child] = nil
        }
    }
}
