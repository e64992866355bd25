import JarvisCore
import JarvisNet

/// What became of a navigation.
package struct NavigationOutcome: Sendable, Hashable {
    /// Where the tab is now.
    package var url: String
    /// The HTTP status of the document; nil when there was none (about:blank, a change within the document).
    package var status: Int?
    /// How far the document has come; nil when the address started a download instead.
    package var reached: LoadStep?
    /// Time ran out before the document was loaded.
    package var timedOut = false
    /// The address started a download; the tab shows what it showed.
    package var isDownload = false
}

extension Page {
    /// Sends the tab to `url` and waits until the document is loaded, or `timeout` is over.
    ///
    /// - Parameter ignoringCertificateErrors: accept certificates that nobody vouches for, in this tab from now on; nil:
    ///   as before.
    /// - Throws: `BrowserError`: 400 `blocked_url` also when a redirect led to a blocked address, 408 when no document
    ///   came at all, 500 `navigation_failed` and its kin with what went wrong.
    package func navigate(
        to url: String, timeout: Duration = .seconds(20), ignoringCertificateErrors: Bool? = nil
    ) async throws -> NavigationOutcome {
        let url = try await session.rules.policy.check(url)
        let mark = session.rules.denials?.mark ?? 0
        if let ignoringCertificateErrors {
            try await sendEverywhere(
                "Security.setIgnoreCertificateErrors", ["ignore": .bool(ignoringCertificateErrors)],
                remember: "certificates")
        }
        let (before, lastDialog, unanswerable) = state.read {
            ($0.tree.nodes[$0.tree.root]?.sameDocumentChanges ?? 0, $0.dialogs.last, $0.dialogs.unanswerable)
        }
        await leaveQuietly()
        defer { stopLeavingQuietly() }
        let clock = MonotonicClock.system
        let deadline = clock.now() + timeout
        let answer: JSONValue
        // A tab whose process died gets a new one; if that dies too, the browser says so again.
        state.change { $0.hasCrashed = false }
        do {
            answer = try await send("Page.navigate", ["url": .string(url)], timeout: timeout)
        } catch let error as BrowserError where error.code == "timeout" {
            session.connection.post("Page.stopLoading", [:], session: mainSession)
            throw nothingCame(from: url, timeout)
        } catch let error as BrowserError where error.message.contains("invalid URL") {
            throw BrowserError(400, "invalid_url", "\"\(url.prefix(200))\" is no address that can be opened.")
        }
        if answer["isDownload"]?.boolValue == true { return NavigationOutcome(url: self.url, isDownload: true) }
        if let problem = answer["errorText"]?.stringValue, !problem.isEmpty {
            if state.read({ $0.dialogs.last != lastDialog }) { await pageHasHeardTheAnswer() }
            // The error page comes a moment later; it must not be taken for what is opened next.
            if let loader = answer["loaderId"]?.stringValue {
                _ = await state.wait(.seconds(1)) { state in
                    state.isStopped || state.tree.nodes[state.tree.root]?.loaders.contains(loader) == true ? true : nil
                }
            }
            let denials = session.rules.denials
            if let denial = denials?.refusal(of: self.url, after: mark) ?? denials?.refusal(of: url, after: mark) {
                await emptyQuietly()
                throw denial.error
            }
            throw NavigationProblem.error(problem, url: url)
        }
        guard let loader = answer["loaderId"]?.stringValue else {
            // The change within the document is reported a moment after the answer.
            _ = await state.wait(.seconds(1)) {
                $0.tree.nodes[$0.tree.root]?.sameDocumentChanges != before ? true : nil
            }
            return NavigationOutcome(url: self.url, reached: state.read { $0.tree.nodes[$0.tree.root]?.step })
        }
        let outcome = try await outcome(
            of: url, loader: loader, unanswerable: unanswerable, timeout, until: deadline)
        try refuseDead()
        try await quarantineIfBlocked()
        try await refuseWordsOfProxy(url)
        await session.refreshTitles()
        return outcome
    }

    private enum Arrival: Sendable {
        case stopped, held, loaded
    }

    // A document that its own script replaces while it loads counts as loaded when the next one is.
    private func outcome(
        of wanted: String, loader first: String, unanswerable: Int, _ timeout: Duration, until deadline: Duration
    ) async throws -> NavigationOutcome {
        let clock = MonotonicClock.system
        var (loader, unanswerable) = (first, unanswerable)
        var done: Arrival?
        while true {
            let (awaited, known) = (loader, unanswerable)
            done = await state.wait(max(.zero, deadline - clock.now())) { state in
                if state.isStopped { return .stopped }
                guard let root = state.tree.nodes[state.tree.root], root.loaders.contains(awaited) else {
                    return state.dialogs.unanswerable != known ? .held : nil
                }
                guard root.step == .load else { return nil }
                return state.pendingNavigations.contains(state.tree.root) ? nil : .loaded
            }
            guard case .held? = done else { break }
            // A dialog of the page before holds the new one up and can't be answered; the next attempt closes it.
            unanswerable = state.read { $0.dialogs.unanswerable }
            let again = try await send(
                "Page.navigate", ["url": .string(wanted)], timeout: max(.milliseconds(1), deadline - clock.now()))
            if let problem = again["errorText"]?.stringValue, !problem.isEmpty {
                throw NavigationProblem.error(problem, url: wanted)
            }
            if let next = again["loaderId"]?.stringValue { loader = next }
        }
        if done == nil { session.connection.post("Page.stopLoading", [:], session: mainSession) }
        let awaited = loader
        let (outcome, isThere) = state.read { state in
            let root = state.tree.nodes[state.tree.root]
            let outcome = NavigationOutcome(
                url: state.url, status: state.status(ofLoader: root?.loader ?? awaited), reached: root?.step,
                timedOut: done == nil)
            return (outcome, root?.loaders.contains(awaited) ?? false)
        }
        if done == nil, !isThere { throw nothingCame(from: wanted, timeout) }
        return outcome
    }

    // The browser reports a refused departure before the page's own process has answered for it. That answer, when it
    // comes late, would abort the next navigation; once the page runs script again, it has been given.
    private func pageHasHeardTheAnswer() async {
        _ = try? await send("Runtime.evaluate", ["expression": "0"], timeout: .seconds(1))  // gone: nothing to wait for
    }

    private func nothingCame(from wanted: String, _ timeout: Duration) -> BrowserError {
        BrowserError(
            408, "navigation_timeout",
            "Nothing came from \(wanted.prefix(200)) within \(Self.text(timeout)); the tab still shows "
                + "\(url.prefix(200)).")
    }

    // What our proxy could not reach, it says in a page of its own; that page is no answer of the server.
    private func refuseWordsOfProxy(_ url: String) async throws {
        let answer = state.read { state in
            let loader = state.tree.nodes[state.tree.root]?.loader
            return state.traffic.recent.elements.last { $0.loader == loader && $0.type == "Document" }
        }
        // A server may write what it likes: over TLS the proxy can't take it out, nor what a worker of the page makes up, and
        // behind another proxy nobody would.
        guard !session.rules.interceptsRequests, let answer, answer.url.hasPrefix("http://"), !answer.isFromCache,
            let status = answer.status,
            answer.headers?.objectValue?.contains(where: { $0.key.lowercased() == ForwardProxyRefusal.mark }) == true
        else { return }
        let body = try? await send(  // else without its words
            "Network.getResponseBody", ["requestId": .string(answer.id)], over: answer.session, timeout: .seconds(2))
        let words =
            body?["body"]?.stringValue.map {
                ": \($0.split(separator: "\n").joined(separator: " ").prefix(500))"
            } ?? "."
        _ = try? await send("Page.navigate", ["url": "about:blank"], timeout: .seconds(5))  // gone: empty as well
        throw BrowserError(
            status == 403 ? 400 : 500,
            status == 403 ? "blocked_url" : status == 504 ? "connection_timeout" : "unreachable",
            "\(url.prefix(200)) can't be opened\(words)")
    }

    /// Fails when the tab has closed or crashed.
    func refuseDead() throws {
        let (end, crashed) = state.read { ($0.end, $0.hasCrashed) }
        switch end {
        case .closed: throw BrowserError.tabGone(targetId)
        case .browserGone(let reason): throw BrowserError.browserGone(reason)
        case nil: if crashed { throw BrowserError.crashed }
        }
    }

    /// Judges where the tab is now and empties it when it should not be there.
    ///
    /// - Throws: `BrowserError` 400 `blocked_url`.
    func quarantineIfBlocked() async throws {
        let here = url
        guard here != "about:blank", !here.isEmpty else { return }
        do {
            try await session.rules.policy.check(here)
        } catch let error as BrowserError {
            await emptyQuietly()
            throw BrowserError(
                error.status, error.code,
                "The page led to an address that is blocked, and the tab was emptied. "
                    + error.message)
        }
    }

    func emptyQuietly() async {
        _ = try? await send("Page.navigate", ["url": "about:blank"], timeout: .seconds(5))  // gone: empty as well
        _ = await state.wait(.seconds(2)) { $0.isStopped || $0.url == "about:blank" ? true : nil }
    }

    static func text(_ time: Duration) -> String {
        let milliseconds = time / .milliseconds(1)
        return milliseconds >= 1000 ? "\(Int((milliseconds / 1000).rounded())) s" : "\(Int(milliseconds)) ms"
    }
}

/// What the browser says when it can't open a page, in words.
enum NavigationProblem {
    static func error(_ text: String, url: String) -> BrowserError {
        let address = url.prefix(200)
        let name = text.hasPrefix("net::") ? String(text.dropFirst(5)) : text
        switch name {
        case "ERR_NAME_NOT_RESOLVED", "ERR_NAME_RESOLUTION_FAILED", "ERR_ICANN_NAME_COLLISION":
            return BrowserError(
                500, "name_not_resolved", "\(address) can't be opened: nobody knows the host's name (\(name)).")
        case "ERR_CONNECTION_REFUSED":
            return BrowserError(
                500, "connection_refused", "\(address) can't be opened: nothing listens there (\(name)).")
        case "ERR_CONNECTION_TIMED_OUT", "ERR_TIMED_OUT":
            return BrowserError(500, "connection_timeout", "\(address) can't be opened: the host is silent (\(name)).")
        case "ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "ERR_ADDRESS_UNREACHABLE":
            return BrowserError(
                500, "offline", "\(address) can't be opened: there is no way to the network (\(name)).")
        case "ERR_TOO_MANY_REDIRECTS":
            return BrowserError(
                500, "too_many_redirects", "\(address) can't be opened: it redirects for ever (\(name)).")
        case "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_RESET", "ERR_INVALID_HTTP_RESPONSE",
            "ERR_CONTENT_LENGTH_MISMATCH", "ERR_INCOMPLETE_CHUNKED_ENCODING":
            return BrowserError(
                500, "navigation_failed",
                "\(address) can't be opened: the server hung up or sent no valid answer "
                    + "(\(name)).")
        case "ERR_ABORTED":
            return BrowserError(
                500, "navigation_aborted",
                "\(address) was not opened: the answer was empty, or the page did not want to be left (\(name)).")
        case "ERR_TUNNEL_CONNECTION_FAILED", "ERR_PROXY_CONNECTION_FAILED":
            return BrowserError(
                500, "unreachable", "\(address) can't be opened: there is no way to the host (\(name)).")
        case "ERR_INVALID_AUTH_CREDENTIALS":
            return BrowserError(
                500, "auth_required",
                "\(address) asks for user and password: give them with POST /set/credentials, then navigate again.")
        case _ where name.hasPrefix("ERR_CERT_") || name.hasPrefix("ERR_SSL_"):
            return BrowserError(
                500, "certificate",
                "\(address) can't be opened: its certificate is not to be trusted (\(name)). If you know the server, "
                    + "send \"ignoreHTTPSErrors\": true with the request.")
        case _ where name.hasPrefix("ERR_BLOCKED_BY"):
            return BrowserError(400, "blocked_url", "\(address) is blocked (\(name)).")
        default:
            return BrowserError(500, "navigation_failed", "\(address) can't be opened (\(name)).")
        }
    }
}
