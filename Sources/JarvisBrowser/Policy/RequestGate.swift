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
        return ["patterns": Self.network]
    }

    /// What leads out of the browser, and every document. What extensions and the browser itself bring is theirs.
    static let network: JSONValue = [
        ["urlPattern": "*", "resourceType": "Document"], ["urlPattern": "http://*"], ["urlPattern": "https://*"],
        ["urlPattern": "file://*"],
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
        let connection = session.connection
        switch event.method {
        case "Fetch.requestPaused":
            session.judgeRequest(event, session: id)
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
