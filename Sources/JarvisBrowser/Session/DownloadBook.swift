/// The downloads of a browser.
struct DownloadBook: Sendable {
    /// How far a download has come.
    enum Stage: Sendable, Hashable {
        case underWay
        /// The browser has it; it is being put in its place.
        case arrived
        /// It lies at `path`.
        case done(path: String)
        case failed(String)
    }

    /// One download.
    struct Entry: Sendable, Hashable {
        var id: String
        var number: Int
        /// The tab that began it; nil when that is not known.
        var target: String?
        var url: String
        var suggested: String
        var stage = Stage.underWay
        var bytes = 0
        /// A caller has asked for it and got it.
        var isClaimed = false
    }

    /// So many are known; older ones are forgotten, their files stay.
    static let limit = 100
    /// So many may be under way at once.
    static let mostAtOnce = 16
    /// So many a browser may bring from its start to its end.
    static let mostInAll = 500
    /// A larger file is not taken: 2 GiB.
    static let largest = 2 << 30

    private(set) var entries: [Entry] = []
    /// The number of the newest.
    private(set) var last = 0

    /// A download begins. Gives why it may not.
    mutating func began(id: String, target: String?, url: String, suggested: String) -> String? {
        last += 1
        let underWay = entries.count { $0.stage == .underWay }
        var refusal: String?
        if underWay >= Self.mostAtOnce { refusal = "\(underWay) downloads are under way already" }
        if last > Self.mostInAll { refusal = "this browser has downloaded \(Self.mostInAll) files; restart it" }
        var entry = Entry(id: id, number: last, target: target, url: url, suggested: suggested)
        if let refusal { entry.stage = .failed(refusal) }
        entries.append(entry)
        if entries.count > Self.limit { entries.removeFirst(entries.count - Self.limit) }
        return refusal
    }

    mutating func change(_ id: String, _ body: (inout Entry) -> Void) {
        guard let index = entries.lastIndex(where: { $0.id == id }) else { return }
        body(&entries[index])
    }

    /// The oldest download that nobody has asked for yet, of one of `targets` or of an unknown tab, after `mark`.
    func unclaimed(after mark: Int, of targets: Set<String>) -> Entry? {
        entries.first { entry in
            !entry.isClaimed && entry.number > mark && (entry.target.map { targets.contains($0) } ?? true)
        }
    }

    /// The names of what a tab began to download after `mark`.
    func names(after mark: Int, of target: String) -> [String] {
        entries.filter { $0.number > mark && ($0.target == nil || $0.target == target) }.map(\.suggested)
    }
}
