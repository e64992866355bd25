import JarvisCore
import Synchronization

/// The commands of one tab that wait for an answer, and those that every further process of the tab gets.
final class PendingCommands: Sendable {
    private struct Command {
        var method: String
        var session: String
        var answer: OneShot<Result<JSONValue, BrowserError>>
    }

    private struct Book {
        var last = 0
        var commands: [Int: Command] = [:]
        var remembered: [(key: String, method: String, params: JSONValue)] = []
    }

    private let book = Mutex(Book())

    /// Whether a command waits for the page's own thread, which a dialog or a crash stops.
    static func needsPage(_ method: String) -> Bool {
        switch method.prefix(while: { $0 != "." }) {
        case "Runtime", "DOM", "Accessibility", "CSS", "DOMSnapshot", "DOMDebugger", "DOMStorage", "Input", "Overlay":
            true
        default:
            [
                "Page.captureScreenshot", "Page.printToPDF", "Page.createIsolatedWorld", "Page.getLayoutMetrics",
                "Page.getFrameTree",
            ].contains(method)
        }
    }

    func add(method: String, session: String, answer: OneShot<Result<JSONValue, BrowserError>>) -> Int {
        book.withLock { book in
            book.last += 1
            book.commands[book.last] = Command(method: method, session: session, answer: answer)
            return book.last
        }
    }

    func remove(_ ticket: Int) { book.withLock { $0.commands[ticket] = nil } }

    /// Ends the waits that `dialog` would prolong: input has done its work, the rest fails.
    func dialogOpened(_ dialog: OpenDialog) {
        for command in all(where: { Self.needsPage($0.method) }) {
            command.answer.give(command.method.hasPrefix("Input.") ? .success([:]) : .failure(.dialogOpen(dialog)))
        }
    }

    /// The page's process died.
    func crashed() {
        for command in all(where: { Self.needsPage($0.method) }) { command.answer.give(.failure(.crashed)) }
    }

    /// No answer comes any more, over one session or (nil) over any.
    func fail(session: String?, _ error: BrowserError) {
        for command in all(where: { session == nil || $0.session == session }) { command.answer.give(.failure(error)) }
    }

    func remember(_ key: String, _ method: String, _ params: JSONValue) {
        book.withLock { book in
            book.remembered.removeAll { $0.key == key }
            book.remembered.append((key, method, params))
        }
    }

    func forget(_ key: String) { book.withLock { $0.remembered.removeAll { $0.key == key } } }

    /// What a new process of the tab is told before it runs.
    var remembered: [(method: String, params: JSONValue)] {
        book.withLock { $0.remembered.map { ($0.method, $0.params) } }
    }

    private func all(where fits: (Command) -> Bool) -> [Command] {
        book.withLock { $0.commands.values.filter(fits) }
    }
}

extension BrowserError {
    static func tabGone(_ id: String) -> BrowserError {
        BrowserError(404, "unknown_tab", "The tab \"\(id)\" was closed: list those that are open with GET /tabs.")
    }

    static func browserGone(_ reason: String) -> BrowserError {
        BrowserError(.closed(reason))
    }

    static let crashed = BrowserError(
        500, "tab_crashed", "The tab's process died: navigate the tab again with POST /navigate, or close it.")

    static let cancelled = BrowserError(408, "cancelled", "The request was given up before the browser answered.")

    static func dialogOpen(_ dialog: OpenDialog) -> BrowserError {
        BrowserError(
            409, "dialog_open",
            "The page waits for an answer to its \(dialog.kind) dialog \"\(dialog.message.prefix(200))\": "
                + "answer with POST /hooks/dialog {\"accept\": true|false}.")
    }
}
