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
        try await session(starting: starting).page(self["targetId"]?.stringValue)
    }
}

extension BrowserCall {
    /// A text that must be there and not be empty.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    package func text(_ name: String) throws -> String {
        guard let text = self[name]?.stringValue, !text.isEmpty else {
            throw BrowserError(400, "invalid_input", "\(name) is required and must be a text.")
        }
        return text
    }

    /// The time that the caller gives (`timeoutMs`), at most two minutes.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    package func timeout(default standard: Duration) throws -> Duration {
        guard let value = self["timeoutMs"], value != .null else { return standard }
        guard let number = value.doubleValue ?? value.stringValue.flatMap({ Double($0) }), number >= 0 else {
            throw BrowserError(400, "invalid_input", "timeoutMs must be a number of milliseconds, from 0 to 120000.")
        }
        return .milliseconds(min(number, 120_000))
    }
}
