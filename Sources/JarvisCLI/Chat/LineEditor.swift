/// The line that is being typed: a pure state machine. Positions count characters as people see them.
struct LineEditor: Sendable {
    /// What a key led to.
    enum Action: Hashable, Sendable {
        /// Nothing to show.
        case none
        /// The line or the cursor changed.
        case changed
        /// A line is finished; the editor is empty again.
        case submit(String)
        /// Ctrl-C.
        case interrupt
        /// Ctrl-D in an empty line.
        case leave
        /// Ctrl-L.
        case clearScreen
    }

    private var characters: [Character] = []
    /// How many characters lie before the cursor.
    private(set) var cursor = 0
    private var history: [String]
    /// Which line of the history is shown; `history.count` for the one being typed.
    private var position: Int
    private var draft = ""
    private static let longestHistory = 500

    init(history: [String] = []) {
        self.history = history
        position = history.count
    }

    /// The line as it stands.
    var text: String { String(characters) }

    /// Empties the line.
    mutating func clear() {
        set("")
        position = history.count
    }

    mutating func handle(_ key: Key) -> Action {
        switch key {
        case .text(let text): insert(text)
        case .tab: insert(" ")
        case .enter: return submit()
        case .interrupt: return .interrupt
        case .clearScreen: return .clearScreen
        case .endOfInput:
            if characters.isEmpty { return .leave }
            remove(cursor..<min(cursor + 1, characters.count))
        case .backspace: remove(max(0, cursor - 1)..<cursor)
        case .delete: remove(cursor..<min(cursor + 1, characters.count))
        case .killLine: remove(0..<cursor)
        case .killToEnd: remove(cursor..<characters.count)
        case .killWord: remove(wordStart..<cursor)
        case .left: cursor = max(0, cursor - 1)
        case .right: cursor = min(characters.count, cursor + 1)
        case .home: cursor = 0
        case .end: cursor = characters.count
        case .wordLeft: cursor = wordStart
        case .wordRight: cursor = wordEnd
        case .up: recall(position - 1)
        case .down: recall(position + 1)
        }
        return .changed
    }

    private mutating func insert(_ text: String) {
        let left = Array(String(characters[..<cursor]) + text)
        characters = left + characters[cursor...]
        cursor = left.count
    }

    private mutating func remove(_ range: Range<Int>) {
        characters.removeSubrange(range)
        cursor = range.lowerBound
    }

    private mutating func submit() -> Action {
        let line = text
        if !line.allSatisfy(\.isWhitespace), history.last != line {
            history.append(line)
            if history.count > Self.longestHistory { history.removeFirst() }
        }
        clear()
        return .submit(line)
    }

    private mutating func recall(_ wanted: Int) {
        guard wanted >= 0, wanted <= history.count, wanted != position else { return }
        if position == history.count { draft = text }
        position = wanted
        set(wanted == history.count ? draft : history[wanted])
    }

    private mutating func set(_ text: String) {
        characters = Array(text)
        cursor = characters.count
    }

    private var wordStart: Int {
        var index = cursor
        while index > 0, characters[index - 1].isWhitespace { index -= 1 }
        while index > 0, !characters[index - 1].isWhitespace { index -= 1 }
        return index
    }

    private var wordEnd: Int {
        var index = cursor
        while index < characters.count, characters[index].isWhitespace { index += 1 }
        while index < characters.count, !characters[index].isWhitespace { index += 1 }
        return index
    }

    /// What of the line fits into `columns`, and how many columns lie before the cursor in it. A line break shows as ↵.
    func view(columns: Int) -> (text: String, cursorColumn: Int) {
        let room = max(4, columns)
        let shown = characters.map { $0.isNewline ? "↵" : $0 }
        // From the cursor to the left as far as it fits, with one column left for the cursor itself.
        var start = cursor
        var before = 0
        while start > 0, before + DisplayWidth.of(shown[start - 1]) <= room - 1 {
            start -= 1
            before += DisplayWidth.of(shown[start])
        }
        var end = cursor
        var width = before
        while end < shown.count, width + DisplayWidth.of(shown[end]) <= room - 1 {
            width += DisplayWidth.of(shown[end])
            end += 1
        }
        return (String(shown[start..<end]), before)
    }
}
