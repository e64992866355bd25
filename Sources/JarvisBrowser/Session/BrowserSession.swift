import JarvisCore

/// One connected browser: its tabs and what happens in them.
package final class BrowserSession: Sendable {
    /// The connection.
    package let connection: CDPConnection
    /// What it may do.
    package let rules: SessionRules

    /// A session over a connection that has proven to be ours.
    package init(connection: CDPConnection, rules: SessionRules) {
        self.connection = connection
        self.rules = rules
    }

    /// Attaches to every tab and waits until they are known.
    package func begin() async throws {}

    /// The tab with this id or unique prefix of one; nil: the one used last, else the first.
    ///
    /// - Throws: `BrowserError` 404 `unknown_tab`, 409 `ambiguous_tab`.
    package func page(_ targetId: String?) throws -> Page {
        throw BrowserError(404, "unknown_tab", "There is no tab \"\(targetId ?? "")\".")
    }
}

/// What a session is allowed and where it keeps files.
package struct SessionRules: Sendable {
    /// Whether scripts of the caller may run in pages (`browser.evaluateEnabled`).
    package var mayEvaluate = true
    /// Where screenshots, PDFs, traces and downloads go; an absolute path inside the instance.
    package var artifacts: String
    /// Where files must lie to be uploaded; absolute paths.
    package var uploadRoots: [String]
    /// Which addresses may be opened.
    package var policy: NavigationPolicy

    /// Rules.
    package init(mayEvaluate: Bool = true, artifacts: String, uploadRoots: [String], policy: NavigationPolicy) {
        self.mayEvaluate = mayEvaluate
        self.artifacts = artifacts
        self.uploadRoots = uploadRoots
        self.policy = policy
    }
}
