import JarvisCore

/// What stands between a tab and the network inside the browser: credentials for servers that ask, and, in a browser that
/// has no proxy of ours, the navigation policy. Pure.
struct RequestGate: Sendable {
    /// What to do with a server's question.
    enum AuthAnswer: Sendable, Hashable {
        case give(HTTPCredentials)
        /// It has been given and was wrong, or is not meant for this server.
        case keep
    }

    /// For servers that ask; nil: none.
    var credentials: HTTPCredentials?
    /// The only origin that gets them; nil: the one that the tab shows or is being sent to.
    var origin: String?

    // Requests that were given the credentials: a server that asks again did not like them. The last 256.
    private var answered: [String] = []

    /// The parameters of `Fetch.enable`; nil: nothing to stand between.
    func patterns(policing: Bool) -> JSONValue? {
        guard policing || credentials != nil else { return nil }
        // The browser reports the questions of servers only for requests that it has stopped.
        if credentials != nil { return ["handleAuthRequests": true, "patterns": [["urlPattern": "*"]]] }
        let inner: [JSONValue] = Self.inner.map { ["urlPattern": .string($0)] }
        return ["patterns": .array([["urlPattern": "*", "resourceType": "Document"]] + inner)]
    }

    // Sub-resources are stopped on the way only where the address looks like an inner one: each stop costs a round trip.
    // Browsers spell numeric hosts the canonical way by now.
    private static let inner = [
        "*://localhost/*", "*://localhost:*", "*://*.localhost/*", "*://*.localhost:*", "*://127.*", "*://10.*",
        "*://172.*", "*://192.*", "*://169.254.*", "*://100.*", "*://198.*", "*://0.*", "*://[*", "file://*",
    ]

    /// Whom to give the credentials.
    ///
    /// - Parameters:
    ///   - request: the browser's number of the request.
    ///   - asking: the origin that asks.
    ///   - shown: the origin that the tab shows, if any.
    ///   - isMainDocument: the request is for the tab's own document.
    mutating func answer(request: String, asking: String, shown: String?, isMainDocument: Bool) -> AuthAnswer {
        guard let credentials, !answered.contains(request) else { return .keep }
        let isMeant = origin.map { $0 == asking } ?? (isMainDocument || asking == shown)
        guard isMeant else { return .keep }
        answered.append(request)
        if answered.count > 256 { answered.removeFirst(128) }
        return .give(credentials)
    }
}

extension Page {
    /// Gives `credentials` to servers that ask; nil: no longer.
    func setCredentials(_ credentials: HTTPCredentials?, origin: String? = nil) async throws {
        gate.withLock { gate in
            gate = RequestGate()
            gate.credentials = credentials
            gate.origin = origin
        }
        if let params = gateParameters {
            try await sendEverywhere("Fetch.enable", params, remember: nil)
        } else {
            try await sendEverywhere("Fetch.disable", remember: nil)
        }
    }

    /// What every process of the tab is told with `Fetch.enable`; nil: nothing.
    var gateParameters: JSONValue? { gate.withLock { $0.patterns(policing: session.rules.interceptsRequests) } }

    /// `Fetch.requestPaused` and `Fetch.authRequired`. Called on the thread that reads.
    func handleGate(_ event: CDPEvent, session id: String) {
        guard let request = event.params["requestId"] else { return }
        let url = event.params["request"]?["url"]?.stringValue ?? ""
        let connection = session.connection
        switch event.method {
        case "Fetch.requestPaused":
            guard session.rules.interceptsRequests else {
                return connection.post("Fetch.continueRequest", ["requestId": request], session: id)
            }
            let rules = session.rules
            // unstructured: the request waits for it, and the lookup of a name may take a while
            Task {
                if await rules.admits(url) {
                    connection.post("Fetch.continueRequest", ["requestId": request], session: id)
                } else {
                    connection.post(
                        "Fetch.failRequest", ["requestId": request, "errorReason": "BlockedByClient"], session: id)
                }
            }
        case "Fetch.authRequired":
            let isMain =
                event.params["resourceType"] == "Document" && event.params["frameId"]?.stringValue == targetId
            let asking = event.params["authChallenge"]?["origin"]?.stringValue.flatMap(Self.shownOrigin) ?? ""
            let shown = Self.shownOrigin(of: self.url)
            let answer = gate.withLock { gate in
                gate.answer(
                    request: request.stringValue ?? "", asking: asking, shown: shown, isMainDocument: isMain)
            }
            let response: JSONValue
            switch answer {
            case .give(let credentials):
                response = [
                    "response": "ProvideCredentials", "username": .string(credentials.user),
                    "password": .string(credentials.password),
                ]
            case .keep: response = ["response": "Default"]
            }
            connection.post(
                "Fetch.continueWithAuth", ["requestId": request, "authChallengeResponse": response], session: id)
        default: break
        }
    }
}

extension SessionRules {
    /// Judges the address of a request that the browser is about to send by itself; what is refused is noted.
    func admits(_ url: String) async -> Bool {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        // Made of what the page has already.
        if ["data", "blob", "about"].contains(scheme) { return true }
        do {
            try await policy.check(url)
            return true
        } catch {
            let error = error as? BrowserError ?? BrowserError(400, "blocked_url", "The address is blocked.")
            guard error.code != "unknown_host" else { return true }  // it leads nowhere, and the browser says so best
            if case .web(let address)? = try? NavigationAddress(url) {  // other schemes have no place to note
                denials?.add(target: url, host: address.host, port: address.port, error: error)
            }
            return false
        }
    }
}
