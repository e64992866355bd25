import JarvisCore
import JarvisNet
import Synchronization

// The navigation policy in a browser that has no proxy of ours: its requests are stopped inside it and judged here.
// What no command stops (WebSockets, WebTransport) is judged when it begins, and who began it is put away.

/// What can't be judged in a browser that JARVIS did not start.
enum AttachedPolicy {
    /// For people: status, and the documentation says the same.
    static let gap =
        "JARVIS did not start this browser, so it has no proxy of ours. Requests of its tabs and workers are judged by "
        + "browser.ssrfPolicy inside it; a WebSocket or WebTransport to a forbidden address gets as far as its first "
        + "packet before its tab is emptied; WebRTC, and a name whose address changes in between, are not judged."
}

extension BrowserSession {
    /// `Fetch.requestPaused` of any session: the request goes on or fails. Called on the thread that reads.
    func judgeRequest(_ event: CDPEvent, session id: String) {
        guard let request = event.params["requestId"] else { return }
        let (rules, connection) = (rules, connection)
        guard rules.interceptsRequests else {
            return connection.post("Fetch.continueRequest", ["requestId": request], session: id)
        }
        let url = event.params["request"]?["url"]?.stringValue ?? ""
        let refuse: @Sendable () -> Void = {
            connection.post("Fetch.failRequest", ["requestId": request, "errorReason": "BlockedByClient"], session: id)
        }
        guard judged.add(1, ordering: .relaxed).oldValue < Self.mostJudged else {
            judged.subtract(1, ordering: .relaxed)
            return refuse()
        }
        // unstructured: the request waits for it, and the lookup of a name may take a while
        Task {
            if await rules.admits(url) {
                connection.post("Fetch.continueRequest", ["requestId": request], session: id)
            } else {
                refuse()
            }
            judged.subtract(1, ordering: .relaxed)
        }
    }

    /// Tells a service or shared worker, before it runs, that its requests are judged. Called on the thread that reads.
    func prepareShared(session id: String) {
        if rules.interceptsRequests {
            connection.post("Fetch.enable", ["patterns": RequestGate.network], session: id)
            connection.post("Network.enable", [:], session: id)
        }
        connection.post("Runtime.runIfWaitingForDebugger", [:], session: id)
    }

    /// An event of a service or shared worker. Called on the thread that reads.
    func handleShared(_ event: CDPEvent, session id: String, target: String, url: String) {
        if event.method == "Fetch.requestPaused" { return judgeRequest(event, session: id) }
        let connection = connection
        judgeSocket(event, of: url) {
            connection.post("Target.closeTarget", ["targetId": .string(target)])
        }
    }

    /// A WebSocket or WebTransport that begins. No command stops it, so who opened it is put away when the policy
    /// refuses it; but not when that came from a forbidden address itself: then it is its owner's own.
    func judgeSocket(_ event: CDPEvent, of opener: String, putAway: @escaping @Sendable () async -> Void) {
        guard ["Network.webSocketCreated", "Network.webTransportCreated"].contains(event.method) else { return }
        let rules = rules
        guard rules.interceptsRequests, let url = event.params["url"]?.stringValue.flatMap(Self.webAddress) else {
            return
        }
        // unstructured: the lookup of a name may take a while
        Task {
            guard await rules.admits(opener, noting: false), await !rules.admits(url) else { return }
            await putAway()
        }
    }

    /// `wss://a.example/x` as the policy reads addresses: `https://a.example/x`.
    static func webAddress(_ url: String) -> String? {
        guard let colon = url.firstIndex(of: ":") else { return nil }
        switch url[..<colon].lowercased() {
        case "ws", "http": return "http" + url[colon...]
        case "wss", "https": return "https" + url[colon...]
        default: return nil
        }
    }
}

extension Page {
    /// Leaves the page without asking it, because of something that it did and may not. Says so among the tab's errors.
    func empty(because message: String) async {
        let now = WallClock.system.now()
        state.change { $0.activity.note("Blocked", message, url: $0.url, now: now) }
        await leaveQuietly()
        defer { stopLeavingQuietly() }
        do {
            _ = try await send("Page.navigate", ["url": "about:blank"], timeout: .seconds(10))
        } catch {
            // It hangs, or is gone already: then this ends what is left of it.
            session.connection.post("Target.closeTarget", ["targetId": .string(targetId)])
        }
    }
}

extension SessionRules {
    /// Judges the address of a request that the browser is about to send by itself.
    ///
    /// - Parameter noting: what is refused is added to `denials`.
    func admits(_ url: String, noting: Bool = true) async -> Bool {
        let scheme = url.prefix { $0 != ":" }.lowercased()
        // Made of what the page has already.
        if ["data", "blob", "about"].contains(scheme) { return true }
        do {
            guard case .web(let address) = try NavigationAddress(url) else { return true }
            let policy = policy
            if await verdicts.isAllowed("\(address.host) \(address.port)", { try await policy.check(url) }) {
                return true
            }
            try await policy.check(url)
            return true
        } catch {
            let error = error as? BrowserError ?? BrowserError(400, "blocked_url", "The address is blocked.")
            guard error.code != "unknown_host" else { return true }  // it leads nowhere, and the browser says so best
            if noting, case .web(let address)? = try? NavigationAddress(url) {  // other schemes have no place to note
                denials?.add(target: url, host: address.host, port: address.port, error: error)
            }
            return false
        }
    }
}

/// The hosts and ports that were allowed a moment ago: a page asks the same ones over and over.
package actor AllowedHosts {
    /// How many are kept.
    static let limit = 512

    private let lifetime: Duration
    private struct Entry {
        var verdict: Task<Bool, Never>
        var until: ContinuousClock.Instant
    }

    private var entries: [String: Entry] = [:]

    /// Nothing is known.
    ///
    /// - Parameter lifetime: how long a name's addresses are taken for the same. Default 5 s.
    package init(lifetime: Duration = .seconds(5)) { self.lifetime = lifetime }

    /// Whether `judge` lets `key` pass, by what it said a moment ago. Who asks at the same time waits for the same
    /// answer.
    func isAllowed(_ key: String, _ judge: @escaping @Sendable () async throws -> Void) async -> Bool {
        let now = ContinuousClock.now
        if let entry = entries[key], entry.until > now { return await entry.verdict.value }
        if entries.count >= Self.limit { entries = entries.filter { $0.value.until > now } }
        if entries.count >= Self.limit { entries = [:] }
        // unstructured: shared by everybody who asks for the same place
        let verdict = Task {
            do {
                try await judge()
                return true
            } catch {
                return false
            }
        }
        entries[key] = Entry(verdict: verdict, until: now + lifetime)
        return await verdict.value
    }
}
