import JarvisCore

/// Why nothing more can be done in a tab.
enum PageEnd: Sendable, Hashable {
    /// It was closed.
    case closed
    /// The browser is gone; the reason is for people.
    case browserGone(String)
}

/// A question that blocks the page until it is answered.
package struct OpenDialog: Sendable, Hashable {
    /// `alert`, `confirm`, `prompt` or `beforeunload`.
    package var kind: String
    /// What it says; cut at 1,000 characters.
    package var message: String
    /// The address of the page that asks.
    package var url: String
    /// What a prompt has been filled with.
    package var defaultText: String
    /// The session that it was reported on.
    var session: String
    /// Tells this one from the next.
    var number: Int
}

/// What is known of one tab.
struct PageState: Sendable {
    var tree: FrameTree
    var worlds = Worlds()
    var title: String
    /// The address that the browser itself names; used until a document has been committed.
    var targetURL: String
    /// The tab that opened this one.
    var opener: String?
    /// The first frame tree has been read.
    var isReady = false
    var end: PageEnd?
    /// Its process died; a navigation brings it back.
    var hasCrashed = false
    /// A question that waits for an answer of the caller.
    var dialog: OpenDialog?
    /// What is being dragged, once the page has begun a drag of its own.
    var drag: JSONValue?
    /// Windows that the page has opened.
    var windowOpens = 0
    /// Downloads that its frames have begun.
    var downloads = 0
    /// Navigations that frames have begun or announced, by frame.
    var pendingNavigations: Set<String> = []
    /// The HTTP statuses of the newest documents, oldest first.
    var documentStatuses: [(loader: String, status: Int)] = []
    /// Sessions of its frames and workers.
    var sessions: Set<String> = []
    /// What it asks the network for.
    var traffic = Traffic()
    /// What it says.
    var activity = PageActivity()
    /// What is answered to its dialogs.
    var dialogs = DialogPlan()
    /// Files for its next file chooser.
    var upload: UploadPlan?
    /// The number of the newest of those.
    var lastUpload = 0

    init(root: String, session: String, info: JSONValue) {
        tree = FrameTree(root: root, session: session)
        title = info["title"]?.stringValue ?? ""
        targetURL = info["url"]?.stringValue ?? ""
        opener = info["openerId"]?.stringValue
        sessions = [session]
    }

    /// The address of the main frame: of the page that could not be opened while an error page stands in for it.
    var url: String {
        guard let root = tree.nodes[tree.root] else { return targetURL }
        if let unreachable = root.unreachable { return unreachable }
        return root.url.isEmpty ? targetURL : root.url
    }

    /// Whether nothing more will happen by itself: the tab is gone or dead, or waits for the caller.
    var isStopped: Bool { end != nil || hasCrashed || dialog != nil }

    /// The HTTP status of the document with this loader.
    func status(ofLoader loader: String) -> Int? { documentStatuses.last { $0.loader == loader }?.status }

    mutating func note(status: Int, ofLoader loader: String) {
        documentStatuses.append((loader, status))
        if documentStatuses.count > 16 { documentStatuses.removeFirst(8) }
    }
}
