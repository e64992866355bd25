import JarvisCore

/// The browsers of one instance: starts and stops them, and answers every request of the control service.
package actor BrowserControl {
    /// Answers a request. Never throws: what went wrong is in the reply.
    package func handle(_ request: BrowserRequest) async -> BrowserReply {
        guard let (route, parameters) = BrowserRoutes.find(request.method, request.path) else {
            return BrowserReply(BrowserError(404, "unknown_route", "There is no \(request.method) \(request.path)."))
        }
        do {
            let call = BrowserCall(
                request: request, parameters: parameters, control: self, profile: BrowserProfile(name: "jarvis"))
            return BrowserReply(body: try await route.run(call))
        } catch let error as BrowserError {
            return BrowserReply(error)
        } catch {
            return BrowserReply(BrowserError(500, "failed", "The browser failed: \(error)"))
        }
    }

    /// The connected browser of a profile.
    func session(_ profile: BrowserProfile, starting: Bool) async throws -> BrowserSession {
        throw BrowserError(409, "not_running", "The browser of profile \"\(profile.name)\" does not run.")
    }
}
