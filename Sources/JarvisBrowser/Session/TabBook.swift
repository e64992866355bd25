/// The tabs of a browser, the sessions that show them, and which was used last.
struct TabBook: Sendable {
    /// What a session is for.
    enum Role: Sendable {
        /// A process that shows frames of a tab.
        case frames(Page)
        /// A worker of a tab.
        case worker(Page)
        /// A service or shared worker, which belongs to an origin.
        case shared(target: String, url: String)
    }

    /// In the order in which they came.
    private(set) var pages: [Page] = []
    private(set) var roles: [String: Role] = [:]
    /// The id of an empty tab that nobody has used.
    var spare: String?
    // Target ids, the one used last at the end.
    private var used: [String] = []

    /// The tab that was used last, else the first.
    var current: Page? {
        for id in used.reversed() {
            if let page = self[id] { return page }
        }
        return pages.first
    }

    subscript(target: String) -> Page? { pages.first { $0.targetId == target } }

    func page(ofSession id: String) -> Page? {
        switch roles[id] {
        case .frames(let page), .worker(let page): page
        case .shared, nil: nil
        }
    }

    mutating func add(_ page: Page) {
        pages.append(page)
        roles[page.mainSession] = .frames(page)
    }

    mutating func set(_ role: Role, session: String) { roles[session] = role }

    mutating func use(_ target: String) {
        if spare == target { spare = nil }
        used.removeAll { $0 == target }
        used.append(target)
    }

    mutating func removeSession(_ id: String) -> Role? { roles.removeValue(forKey: id) }

    mutating func remove(target: String) -> Page? {
        guard let index = pages.firstIndex(where: { $0.targetId == target }) else { return nil }
        let page = pages.remove(at: index)
        used.removeAll { $0 == target }
        roles = roles.filter { entry in
            switch entry.value {
            case .frames(let owner), .worker(let owner): owner !== page
            case .shared: true
            }
        }
        return page
    }

    mutating func removeAll() -> [Page] {
        defer {
            pages = []
            roles = [:]
            used = []
        }
        return pages
    }

    /// The ids among `ids` that `name` means: the one that is equal, else those that begin with it, in any case of
    /// letters.
    static func matches(_ name: String, among ids: [String]) -> [String] {
        if ids.contains(name) { return [name] }
        let wanted = name.uppercased()
        return wanted.isEmpty ? [] : ids.filter { $0.uppercased().hasPrefix(wanted) }
    }
}
