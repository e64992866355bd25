import JarvisCore

/// One route of the control service.
package struct BrowserRoute: Sendable {
    /// `GET`, `POST` or `DELETE`.
    package var method: String
    /// The path; a step that begins with `:` is a parameter.
    package var path: String
    /// One sentence, for the reference page.
    package var summary: String
    /// Whether it answers also while the browser is turned off (`browser.enabled: false`).
    package var worksWhenDisabled = false
    /// Does it.
    package var run: @Sendable (BrowserCall) async throws -> JSONValue

    /// A route.
    package init(
        _ method: String, _ path: String, _ summary: String, worksWhenDisabled: Bool = false,
        _ run: @escaping @Sendable (BrowserCall) async throws -> JSONValue
    ) {
        self.method = method
        self.path = path
        self.summary = summary
        self.worksWhenDisabled = worksWhenDisabled
        self.run = run
    }
}

/// All routes. A new one is one entry in the list of its family.
package enum BrowserRoutes {
    /// In the order of the reference page.
    package static let all: [BrowserRoute] =
        lifecycle + profiles + tabs + navigation + inspection + capture + actions + hooks + activity + state + emulation
        + tracing + view

    /// The route of a request and the parameters of its path; nil when there is none.
    package static func find(_ method: String, _ path: String) -> (route: BrowserRoute, parameters: [String: String])? {
        let steps = path.split(separator: "/", omittingEmptySubsequences: true)
        for route in all where route.method == method {
            let wanted = route.path.split(separator: "/", omittingEmptySubsequences: true)
            guard wanted.count == steps.count else { continue }
            var parameters: [String: String] = [:]
            let fits = zip(wanted, steps).allSatisfy { wanted, step in
                guard wanted.hasPrefix(":") else { return wanted == step }
                parameters[String(wanted.dropFirst())] = String(step)
                return true
            }
            if fits { return (route, parameters) }
        }
        return nil
    }
}
