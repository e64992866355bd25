import JarvisCore

/// One request with everything that its route needs.
package struct BrowserCall: Sendable {
    /// What was asked.
    package var request: BrowserRequest
    /// The parameters of the path.
    package var parameters: [String: String]
    /// The service.
    package var control: BrowserControl
    /// The browser profile it is about.
    package var profile: BrowserProfile

    /// A value of the body, or of the query as text.
    package subscript(_ name: String) -> JSONValue? {
        request.body[name] ?? request.query[name].map { JSONValue.string($0) }
    }

    /// The browser of the profile.
    ///
    /// - Parameter starting: start it when it does not run; otherwise that is an error (409 `not_running`).
    package func session(starting: Bool = false) async throws -> BrowserSession {
        try await control.session(profile, starting: starting)
    }

    /// The tab that `targetId` names (a unique prefix is enough), or the one used last.
    package func page(starting: Bool = false) async throws -> Page {
        let page = try await session(starting: starting).page(try target)
        await page.becomeReady()
        return page
    }

    /// `targetId`; nil for the tab used last.
    ///
    /// - Throws: `BrowserError` 400 `invalid_argument` when it is no text: it never means another tab.
    package var target: String? { get throws { try arguments.text("targetId") } }
}

extension BrowserCall {
    private var arguments: ArgumentReader { ArgumentReader(self) }

    /// A text that must be there and not be empty.
    ///
    /// - Throws: `BrowserError` 400 `invalid_argument`, as all of these.
    package func text(_ name: String) throws -> String { try arguments.needed(name, "it must be a text.") }

    /// A yes or no that may be missing (no).
    package func isSet(_ name: String) throws -> Bool { try arguments.flag(name) ?? false }

    /// A whole number that may be missing.
    package func count(_ name: String, default standard: Int, in range: ClosedRange<Int>) throws -> Int {
        try arguments.whole(name, range) ?? standard
    }

    /// The time that the caller gives (`timeoutMs`), at most two minutes.
    package func timeout(default standard: Duration) throws -> Duration {
        try arguments.whole("timeoutMs", 0...Int(Int32.max)).map { .milliseconds(min($0, 120_000)) } ?? standard
    }
}
