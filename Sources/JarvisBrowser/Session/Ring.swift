/// The newest entries of something that never ends, and how many older ones were dropped.
struct Ring<Element: Sendable>: Sendable {
    let limit: Int
    private(set) var elements: [Element] = []
    private(set) var dropped = 0

    init(limit: Int) { self.limit = limit }

    mutating func append(_ element: Element) {
        elements.append(element)
        guard elements.count > limit else { return }
        // In pieces, so that an append does not move everything.
        let surplus = max(1, limit / 8)
        elements.removeFirst(surplus)
        dropped += surplus
    }

    /// Changes the newest entry that fits.
    mutating func updateLast(where fits: (Element) -> Bool, _ change: (inout Element) -> Void) {
        guard let index = elements.lastIndex(where: fits) else { return }
        change(&elements[index])
    }

    mutating func clear() {
        elements = []
        dropped = 0
    }
}
