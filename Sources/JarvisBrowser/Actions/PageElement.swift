import JarvisCore

/// An element of a tab that a command may act on. Lives until its document goes.
package struct PageElement: Sendable, Hashable {
    /// The frame it is in.
    package var frame: String
    /// The remote object of it in the world of ours in that frame.
    package var object: String
    /// The browser's own number of the node, for commands that take `backendNodeId`.
    package var backendNode: Int
    /// Its number in its document, for the page script.
    var number = 0
    /// The document.
    var token = ""
    /// How to find one that stands in for it when it is gone; `null`: not at all.
    var again = JSONValue.null
    /// How messages call it.
    var label = "the element"
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
        let handle = try handle(ref)
        guard
            let found = try await known(
                ref, handle, { try await script("present", [JSONValue(handle.number), handle.again], on: handle) })
        else { throw RefBook.gone(ref, try? refs.target(ref), "belongs to a page that is gone") }  // for its name only
        if let why = found["gone"]?.stringValue {
            throw RefBook.gone(ref, try? refs.target(ref), why)  // for its name only
        }
        return try await known(ref, handle, { try await complete(handle) })
    }

    /// The first element that the CSS `selector` matches in `frame` (nil: the main frame), inside open shadow roots too.
    ///
    /// - Throws: `BrowserError` 400 `invalid_selector`, 404 `unknown_element`.
    package func element(selector: String, frame: String? = nil) async throws -> PageElement {
        let owner = frame ?? frames.first?.id ?? targetId
        let answer = try await script("first", [.string(selector)], frame: owner) ?? [:]
        if let problem = answer["error"]?.stringValue {
            throw BrowserError(
                400, "invalid_selector", "\"\(selector.prefix(200))\" is no CSS selector: \(problem.prefix(200))")
        }
        guard let number = answer["number"]?.intValue, let token = answer["token"]?.stringValue else {
            throw BrowserError(404, "unknown_element", "Nothing on the page matches \"\(selector.prefix(200))\".")
        }
        var element = PageElement(frame: owner, object: "", backendNode: 0, number: number, token: token)
        element.label = "the element \"\(selector.prefix(80))\""
        return try await complete(element)
    }

    /// Scrolls an element into view and says where it is then.
    ///
    /// - Throws: `BrowserError` 409 `not_visible` when it has no box.
    package func box(of element: PageElement) async throws -> PageBox {
        do {
            let place = try await ready(element, [.visible, .scroll], .seconds(2))
            guard place.size.width > 0, place.size.height > 0 else { throw Self.boxless(element) }
            return PageBox(
                x: place.x - place.size.width / 2, y: place.y - place.size.height / 2, width: place.size.width,
                height: place.size.height)
        } catch let error as BrowserError where error.code == "not_actionable" {
            throw BrowserError(409, "not_visible", error.message)
        }
    }

    /// Clicks an element as a user does: waits until it is attached, visible, at rest, enabled and not covered, scrolls
    /// it into view, and moves, presses and releases the mouse on it. Does not wait for what that sets off.
    ///
    /// - Parameters:
    ///   - label: how the caller names it, for messages.
    ///   - timeout: how long to wait until it can be clicked.
    /// - Throws: `BrowserError` 408 `not_actionable` naming the check that failed and what was seen.
    package func click(_ element: PageElement, label: String, timeout: Duration = .seconds(8)) async throws {
        var element = element
        element.label = label
        try await click(element, Click(), timeout)
    }

    private static func boxless(_ element: PageElement) -> BrowserError {
        BrowserError(409, "not_visible", "\(element.label) has no box on the page.")
    }

    /// What is known of the element behind a ref without asking the page.
    func handle(_ ref: String) throws -> PageElement {
        let target = try refs.target(ref)
        var element = PageElement(
            frame: target.frame, object: "", backendNode: 0, number: target.number, token: target.token)
        let name = target.name.isEmpty ? "" : " \"\(target.name.prefix(80))\""
        element.label = "\(RefBook.normal(ref)) (\(target.role)\(name))"
        if target.mayBeFoundAgain {
            element.again = [
                "role": .string(target.role), "name": .string(target.name), "nth": JSONValue(target.nth),
                "total": JSONValue(target.total),
            ]
        }
        return element
    }

    /// Calls the page script in the document of an element; nil when that is gone.
    func script(
        _ name: String, _ arguments: [JSONValue], on element: PageElement, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue? {
        try await script(name, arguments, frame: element.frame, token: element.token, timeout: timeout)
    }

    // A frame that is gone takes its elements with it.
    private func known<T>(_ ref: String, _ handle: PageElement, _ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as BrowserError where error.code == "unknown_frame" {
            throw RefBook.gone(ref, try? refs.target(ref), "is in a frame that is gone")  // for its name only
        }
    }

    private func complete(_ element: PageElement) async throws -> PageElement {
        var element = element
        guard let object = try await objects([element.number], frame: element.frame).first ?? nil else {
            throw BrowserError(404, "unknown_ref", "\(element.label) has left the page. Take a new snapshot.")
        }
        element.object = object
        element.backendNode = try await describe(object, frame: element.frame)["backendNodeId"]?.intValue ?? 0
        return element
    }
}
