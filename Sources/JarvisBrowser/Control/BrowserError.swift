import JarvisCore

/// Why the browser did not do what was asked, in the words of the control interface.
package struct BrowserError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The HTTP status: 400 bad input or blocked address, 403 turned off, 404 no such tab or profile, 408 not in time,
    /// 409 ambiguous, not running or name taken, 500 the browser failed, 507 no port left.
    package var status: Int
    /// A stable word for programs, such as `not_running`, `unknown_ref`, `blocked_url`.
    package var code: String
    /// For people and models: names the value, what was expected and what to do next. Holds no credential.
    package var message: String

    /// An error.
    package init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    /// The message.
    package var description: String { message }
}

extension BrowserError {
    /// What a failed command of the debugging protocol means to who asked.
    package init(_ failure: CDPFailure) {
        switch failure {
        case .closed(let reason):
            self.init(
                409, "closed",
                "The browser is gone: \(reason). Start it again: \(CommandWords.current.browser("start"))")
        case .timeout(let method): self.init(408, "timeout", "The browser did not answer in time (\(method)).")
        case .cancelled(let method): self.init(408, "cancelled", "The request was cancelled (\(method)).")
        case .remote(let method, _, let message):
            if message.contains("No target with given id") || message.contains("Session with given id not found") {
                self.init(404, "unknown_tab", "The tab is gone: list the tabs that are open with GET /tabs.")
            } else {
                self.init(500, "failed", "The browser refused \(method): \(message)")
            }
        }
    }
}
