import JarvisCore

/// An element of a tab that a command may act on. Lives until its document goes.
package struct PageElement: Sendable, Hashable {
    /// The frame it is in.
    package var frame: String
    /// The remote object of it in the world of ours in that frame.
    package var object: String
    /// The browser's own number of the node, for commands that take `backendNodeId`.
    package var backendNode: Int
}

/// A rectangle in the viewport of the main frame, in CSS pixels.
package struct PageBox: Sendable, Hashable {
    /// The left edge.
    package var x: Double
    /// The upper edge.
    package var y: Double
    /// From left to right.
    package var width: Double
    /// From top to bottom.
    package var height: Double
}

extension Page {
    /// The element that `ref` of the newest snapshot names (`e12`, `12`, `f1e2`, also with a leading `@` or `ref=`).
    ///
    /// - Throws: `BrowserError` 404 `unknown_ref` that asks for a new snapshot.
    package func element(ref: String) async throws -> PageElement {
        throw BrowserError(404, "unknown_ref", "There is no element \(ref): take a new snapshot.")
    }

    /// The first element that the CSS `selector` matches in `frame` (nil: the main frame), inside open shadow roots too.
    ///
    /// - Throws: `BrowserError` 400 `invalid_selector`, 404 `unknown_element`.
    package func element(selector: String, frame: String? = nil) async throws -> PageElement {
        throw BrowserError(404, "unknown_element", "Nothing matches \(selector).")
    }

    /// Scrolls an element into view and says where it is then.
    ///
    /// - Throws: `BrowserError` 409 `not_visible` when it has no box.
    package func box(of element: PageElement) async throws -> PageBox {
        throw BrowserError(409, "not_visible", "The element has no box.")
    }

    /// Clicks an element as a user does: waits until it is attached, visible, at rest, enabled and not covered, scrolls
    /// it into view, and moves, presses and releases the mouse on it. Does not wait for what that sets off.
    ///
    /// - Parameters:
    ///   - label: how the caller names it, for messages.
    ///   - timeout: how long to wait until it can be clicked.
    /// - Throws: `BrowserError` 408 `not_actionable` naming the check that failed and what was seen.
    package func click(_ element: PageElement, label: String, timeout: Duration = .seconds(8)) async throws {
        throw BrowserError(408, "not_actionable", "\(label) can't be clicked.")
    }
}
