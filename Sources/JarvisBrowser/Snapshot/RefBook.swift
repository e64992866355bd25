import JarvisCore
import Synchronization

/// Where the element behind a ref is.
struct RefTarget: Sendable, Hashable {
    /// The frame.
    var frame: String
    /// The document in it; a frame that shows another one has another token.
    var token: String
    /// The number of the element in the document.
    var number: Int
    /// What it is.
    var role: String
    /// What it is called.
    var name: String
    /// Its place among those that look alike, and how many there are.
    var nth = 0
    var total = 1
    /// Whether another element that looks the same and stands in the same place may take over when it is gone.
    var mayBeFoundAgain: Bool
}

/// How a snapshot names elements.
package enum RefStyle: String, Sendable, CaseIterable {
    /// `e12`, found again by role and name when the page has drawn it anew.
    case role
    /// `12`, in other frames `f1e12`: this very element and no other.
    case aria
}

/// The refs of the newest snapshot of a tab. An element keeps its ref from one snapshot to the next as long as its
/// document lives, so that an old ref never means another element.
package final class RefBook: Sendable {
    private struct Key: Hashable {
        let token: String
        let number: Int
    }
    private struct State {
        var document = ""
        var targets: [String: RefTarget] = [:]
        var given: [Key: String] = [:]
        var last: [String: Int] = [:]
        var frames: [String: Int] = [:]
        var hasSnapshot = false
        var owners: [String: FrameOwner] = [:]
        var tokens: [String: String] = [:]
    }
    private let state = Mutex(State())

    package init() {}

    /// Gives refs to the nodes of a new snapshot; those of the one before end.
    ///
    /// - Parameters:
    ///   - tokens: the document in each frame.
    ///   - main: the main frame.
    ///   - only: which nodes get a ref.
    func assign(
        _ nodes: inout [SnapshotNode], style: RefStyle, tokens: [String: String], main: String,
        only: (SnapshotNode) -> Bool
    ) {
        state.withLock { state in
            Self.begin(tokens[main], in: &state)
            for index in nodes.indices where nodes[index].number != 0 && only(nodes[index]) {
                let node = nodes[index]
                guard let token = tokens[node.frame] else { continue }
                let ref = Self.ref(for: node, token: token, style: style, isMain: node.frame == main, in: &state)
                nodes[index].ref = ref
                state.targets[ref] = RefTarget(
                    frame: node.frame, token: token, number: node.number, role: node.role, name: node.name,
                    nth: node.nth ?? 0, total: node.total, mayBeFoundAgain: style == .role)
            }
        }
    }

    // A snapshot of a frame alone does not say which document the main frame shows.
    private static func begin(_ document: String?, in state: inout State) {
        if let document, state.document != document {
            let (owners, tokens) = (state.owners, state.tokens)
            state = State()
            (state.owners, state.tokens) = (owners, tokens)
        }
        state.document = document ?? state.document
        state.hasSnapshot = true
        state.targets = [:]
    }

    /// Gives every node a ref by its place: `ax1`, `ax2`, …
    func number(_ nodes: inout [SnapshotNode], prefix: String, tokens: [String: String], main: String) {
        state.withLock { state in
            Self.begin(tokens[main], in: &state)
            for index in nodes.indices {
                let node = nodes[index]
                let ref = "\(prefix)\(index + 1)"
                nodes[index].ref = ref
                guard node.number != 0, let token = tokens[node.frame] else { continue }
                state.targets[ref] = RefTarget(
                    frame: node.frame, token: token, number: node.number, role: node.role, name: node.name,
                    mayBeFoundAgain: false)
            }
        }
    }

    /// Remembers which elements show which frames.
    func note(owners: [FrameOwner: String], tokens: [String: String]) {
        state.withLock { state in
            for (owner, frame) in owners {
                state.owners[frame] = owner
                state.tokens[frame] = tokens[owner.frame]
            }
        }
    }

    /// The element that shows `frame` and the document that it is in, as far as a snapshot has seen it.
    func owner(of frame: String) -> (owner: FrameOwner, token: String?)? {
        state.withLock { state in state.owners[frame].map { ($0, state.tokens[frame]) } }
    }

    private static func ref(
        for node: SnapshotNode, token: String, style: RefStyle, isMain: Bool, in state: inout State
    ) -> String {
        let key = Key(token: style.rawValue + token, number: node.number)
        if let given = state.given[key] { return given }
        let series = style == .role || isMain ? style.rawValue : token
        let number = (state.last[series] ?? 0) + 1
        state.last[series] = number
        var ref = "e\(number)"
        if style == .aria {
            if isMain {
                ref = "\(number)"
            } else {
                let frame = state.frames[token] ?? state.frames.count + 1
                state.frames[token] = frame
                ref = "f\(frame)e\(number)"
            }
        }
        state.given[key] = ref
        return ref
    }

    /// Takes away the refs of nodes that did not fit into the answer.
    func forget(_ refs: [String]) {
        state.withLock { state in
            for ref in refs { state.targets[ref] = nil }
        }
    }

    /// The element that `ref` names.
    ///
    /// - Throws: `BrowserError` 404 `unknown_ref`.
    func target(_ ref: String) throws -> RefTarget {
        let name = Self.normal(ref)
        return try state.withLock { state in
            if let found = state.targets[name] { return found }
            if let found = state.targets["e" + name] { return found }
            if name.first == "e", let found = state.targets[String(name.dropFirst())] { return found }
            throw Self.unknown(ref, known: state.targets.count, hasSnapshot: state.hasSnapshot)
        }
    }

    /// `ref` without the decoration that people and models add: `@e12`, `[ref=e12]`.
    static func normal(_ ref: String) -> String {
        var text = Substring(ref)
        while let first = text.first, first == " " || first == "[" || first == "@" { text.removeFirst() }
        while let last = text.last, last == " " || last == "]" { text.removeLast() }
        if text.hasPrefix("ref=") { text.removeFirst(4) }
        return String(text)
    }

    private static func unknown(_ ref: String, known: Int, hasSnapshot: Bool) -> BrowserError {
        let shown = ref.prefix(60)
        guard hasSnapshot else {
            return BrowserError(
                404, "unknown_ref",
                "There is no element \"\(shown)\": no snapshot of this page has been taken. Take one (GET /snapshot) and"
                    + " use a ref from it.")
        }
        return BrowserError(
            404, "unknown_ref",
            "There is no element \"\(shown)\" among the \(known) refs of the newest snapshot of this tab. Take a new"
                + " snapshot (GET /snapshot) and use a ref from it.")
    }

    /// The error for an element that was there and is gone.
    static func gone(_ ref: String, _ target: RefTarget?, _ why: String) -> BrowserError {
        let what = target.map { " (\($0.role)\($0.name.isEmpty ? "" : " \"\($0.name.prefix(80))\""))" } ?? ""
        return BrowserError(
            404, "unknown_ref",
            "The element \(ref.prefix(60))\(what) \(why). Take a new snapshot (GET /snapshot) and use a ref from it.")
    }
}
