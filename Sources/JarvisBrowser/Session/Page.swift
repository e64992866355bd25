import JarvisCore

/// One tab with all its frames.
package final class Page: Sendable {
    /// The browser's id of the tab.
    package let targetId: String
    /// The browser it belongs to; gone when that is closed.
    package let session: BrowserSession

    init(targetId: String, session: BrowserSession) {
        self.targetId = targetId
        self.session = session
    }

    /// The address of the main frame.
    package var url: String { "" }
    /// The title.
    package var title: String { "" }
    /// Every frame, the main frame first, then depth first in document order; frames of other processes included.
    package var frames: [PageFrame] { [] }

    /// Sends a command to the process that shows `frame` (nil: the main frame).
    ///
    /// - Throws: `BrowserError`: 404 when tab or frame is gone, 408 after `timeout`, 500 with the browser's words.
    package func send(
        _ method: String, _ params: JSONValue = [:], frame: String? = nil, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        throw BrowserError(404, "unknown_tab", "The tab is gone.")
    }

    /// Calls a JavaScript function declaration in `frame`, in a world of ours that the page can't see (`isolated`) or in
    /// the page's own.
    ///
    /// - Parameter object: a remote object to pass as `this`; then its world counts.
    /// - Returns: the value, or with `byReference` the `RemoteObject`.
    package func call(
        _ function: String, _ arguments: [JSONValue] = [], on object: String? = nil, frame: String? = nil,
        isolated: Bool = true, byReference: Bool = false, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        throw BrowserError(404, "unknown_tab", "The tab is gone.")
    }

    /// Runs `body`, then waits until what it set off in the page has calmed down: a navigation that it began has
    /// committed and loaded (bounded), else a moment without new work. Returns also when the tab closed or a dialog is
    /// open.
    package func settling<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
        try await body()
    }
}

/// One frame of a tab.
package struct PageFrame: Sendable, Hashable {
    /// The browser's id.
    package var id: String
    /// The frame around it; nil for the main frame.
    package var parent: String?
    /// Its address.
    package var url: String
    /// The debugging session of the process that shows it.
    package var session: String
}
