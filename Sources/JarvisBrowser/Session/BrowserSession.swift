import JarvisCore
import Synchronization

/// One connected browser: its tabs and what happens in them.
package final class BrowserSession: Sendable {
    /// The connection.
    package let connection: CDPConnection
    /// What it may do at present.
    package var rules: SessionRules { currentRules.withLock { $0 } }
    private let currentRules: Mutex<SessionRules>

    let tabs = Watched(TabBook())
    let downloads = Watched(DownloadBook())
    let trace = Watched(TraceState())
    let judged = Atomic(0)

    /// A session over a connection that has proven to be ours.
    package init(connection: CDPConnection, rules: SessionRules) {
        self.connection = connection
        currentRules = Mutex(rules)
    }

    /// Puts changed rules in force: what is asked from now on is judged by them.
    package func adopt(_ rules: SessionRules) { currentRules.withLock { $0 = rules } }

    /// Attaches to every tab and waits until they are listed. What they show may still be on its way: see
    /// `Page.becomeReady`.
    ///
    /// - Parameter isNew: we have just started the browser, so the empty tab that it begins with is nobody's, and the
    ///   first to open a tab gets that one.
    /// - Throws: `BrowserError` when the browser refuses to be driven.
    package func begin(isNew: Bool = false) async throws {
        connection.observe { [weak self] event in self?.handle(event) }
        connection.onClose { [weak self] reason in self?.ended(reason) }
        let downloads = try await downloadBehavior()
        do throws(CDPFailure) {
            _ = try await connection.send([
                ("Browser.setDownloadBehavior", downloads),
                ("Target.setDiscoverTargets", ["discover": true]),
                ("Target.setAutoAttach", ["autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true]),
                // The answer to that comes before the tabs are attached, the answer to this one after.
                ("Target.getTargetInfo", [:]),
            ])
        } catch {
            throw BrowserError(error)
        }
        guard isNew else { return }
        // It may listen to us before it has opened its first window; with some arguments it opens none.
        let first = await tabs.wait(.seconds(2)) { $0.pages.first { $0.isEmpty } }
        if let first { tabs.change { $0.spare = first.targetId } }
    }

    /// Every tab, in the order in which they were opened.
    package var pages: [Page] { tabs.read { $0.pages } }

    /// The tab with this id or unique prefix of one; nil: the one used last, else the first. From now on it is the one
    /// used last.
    ///
    /// - Throws: `BrowserError` 404 `unknown_tab`, 409 `ambiguous_tab`.
    package func page(_ targetId: String?) throws -> Page {
        guard let targetId, !targetId.isEmpty else {
            guard
                let page = tabs.change({ book in
                    book.current.map { book.use($0.targetId) }
                    return book.current
                })
            else {
                throw BrowserError(
                    404, "unknown_tab", "No tab is open: open one with POST /tabs/open {\"url\": \"https://…\"}.")
            }
            return page
        }
        let ids = pages.map(\.targetId)
        let matches = TabBook.matches(targetId, among: ids)
        guard let id = matches.first else {
            throw BrowserError(
                404, "unknown_tab",
                "There is no tab \"\(targetId.prefix(80))\": list those that are open with GET /tabs.")
        }
        guard matches.count == 1 else {
            throw BrowserError(
                409, "ambiguous_tab",
                "\"\(targetId.prefix(80))\" is the beginning of \(matches.count) tabs' ids "
                    + "(\(matches.prefix(4).joined(separator: ", "))): give more of it.")
        }
        guard
            let page = tabs.change({ book in
                book.use(id)
                return book[id]
            })
        else { throw BrowserError.tabGone(id) }
        return page
    }

    /// Asks for the tabs' titles: the browser does not tell when they change. Keeps the old ones when it is slow.
    package func refreshTitles() async {
        let answer = try? await send("Target.getTargets", timeout: .seconds(2))  // a title is not worth an error
        for info in answer?["targetInfos"]?.arrayValue ?? [] {
            guard let id = info["targetId"]?.stringValue, let page = tabs.read({ $0[id] }) else { continue }
            page.told(info)
        }
    }

    /// Opens a tab that shows nothing yet, and makes it the one used last. The first time it is the one that a browser of
    /// ours begins with.
    ///
    /// - Throws: `BrowserError`.
    package func openTab() async throws -> Page {
        let spare = tabs.change { book in
            defer { book.spare = nil }
            return book.spare.flatMap { book[$0] }
        }
        if let spare, spare.isEmpty {
            await spare.becomeReady()
            tabs.change { $0.use(spare.targetId) }
            return spare
        }
        guard pages.count < Self.mostTabs else {
            throw BrowserError(
                409, "too_many_tabs",
                "\(Self.mostTabs) tabs are open already: close some with DELETE /tabs/<targetId>.")
        }
        let answer = try await send("Target.createTarget", ["url": "about:blank"])
        guard let id = answer["targetId"]?.stringValue else {
            throw BrowserError(500, "failed", "The browser opened no tab.")
        }
        let page = await tabs.wait(.seconds(15)) { $0[id] }
        guard let page else { throw BrowserError(500, "failed", "The browser opened a tab and did not show it to us.") }
        await page.becomeReady()
        tabs.change { $0.use(id) }
        return page
    }

    /// Undoes `openTab` for a tab that nothing came of. The last tab is emptied instead: without any, a browser with a
    /// window ends.
    func abandon(_ page: Page) async {
        guard pages.contains(where: { $0 !== page }) else {
            await page.emptyQuietly()
            tabs.change { $0.spare = page.targetId }
            return
        }
        try? await close(page)  // why it came to nothing is the error that counts
    }

    // More would exhaust a small machine; nobody who means it needs them.
    static let mostTabs = 100
    // Tabs, frames of other processes and workers that are looked after. A real browser runs out of memory before.
    static let mostSessions = 10_000
    // Requests that are judged at a time in a browser without a proxy of ours; more are refused.
    static let mostJudged = 2000

    /// Closes a tab and waits until it is gone.
    ///
    /// - Throws: `BrowserError` 408 when it stays.
    package func close(_ page: Page) async throws {
        await page.leaveQuietly()
        defer { page.stopLeavingQuietly() }
        _ = try await send("Target.closeTarget", ["targetId": .string(page.targetId)])
        let gone = await page.state.wait(.seconds(15)) { $0.end != nil ? true : nil }
        if gone == nil {
            throw BrowserError(408, "timeout", "The tab \"\(page.targetId)\" did not close within 15 s.")
        }
    }

    /// Brings a tab to the front and makes it the one used last.
    package func focus(_ page: Page) async throws {
        _ = try await send("Target.activateTarget", ["targetId": .string(page.targetId)])
        tabs.change { $0.use(page.targetId) }
    }

    /// Sends a command to the browser itself, or over a session that nobody else minds.
    ///
    /// - Throws: `BrowserError`.
    package func send(
        _ method: String, _ params: JSONValue = [:], over session: String? = nil, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        do throws(CDPFailure) {
            return try await connection.send(method, params, session: session, timeout: timeout)
        } catch {
            throw BrowserError(error)
        }
    }

    // MARK: Events, on the thread that reads

    private func handle(_ event: CDPEvent) {
        switch event.method {
        case "Target.attachedToTarget": attached(event)
        case "Target.detachedFromTarget": detached(event)
        case "Tracing.tracingComplete": trace.change { $0.complete = event.params }
        case "Target.targetInfoChanged":
            guard let info = event.params["targetInfo"], let id = info["targetId"]?.stringValue else { return }
            tabs.read { $0[id] }?.told(info)
        case "Target.targetDestroyed":
            guard let id = event.params["targetId"]?.stringValue else { return }
            tabs.change { $0.remove(target: id) }?.ended(.closed)
        case "Target.targetCrashed":
            guard let id = event.params["targetId"]?.stringValue else { return }
            tabs.read { $0[id] }?.crashed()
        case "Browser.downloadWillBegin": downloadBegan(event.params)
        case "Browser.downloadProgress": downloadProgressed(event.params)
        default:
            guard let id = event.session, let role = tabs.read({ $0.roles[id] }) else { return }
            switch role {
            case .frames(let page), .worker(let page): page.handle(event, session: id)
            case .shared(let target, let url): handleShared(event, session: id, target: target, url: url)
            }
        }
    }

    private func attached(_ event: CDPEvent) {
        guard let id = event.params["sessionId"]?.stringValue, let info = event.params["targetInfo"],
            let target = info["targetId"]?.stringValue
        else { return }
        guard tabs.read({ $0.roles.count }) < Self.mostSessions else { return letGo(session: id, of: event.session) }
        let owner = event.session.flatMap { session in tabs.read { $0.page(ofSession: session) } }
        switch (info["type"]?.stringValue ?? "", owner) {
        case ("page", nil):
            guard tabs.read({ $0[target] == nil }), info["url"]?.stringValue?.hasPrefix("devtools://") != true else {
                return letGo(session: id, of: event.session)
            }
            let page = Page(targetId: target, mainSession: id, info: info, session: self)
            tabs.change { $0.add(page) }
            page.prepare(session: id)
        case ("iframe", let page?):
            tabs.change { $0.set(.frames(page), session: id) }
            page.processBegan(frame: target, session: id, parent: event.session ?? page.mainSession)
        case ("worker", let page?):
            tabs.change { $0.set(.worker(page), session: id) }
            page.prepare(session: id, isWorker: true)
        case ("service_worker", nil), ("shared_worker", nil):
            tabs.change { $0.set(.shared(target: target, url: info["url"]?.stringValue ?? ""), session: id) }
            prepareShared(session: id)
        default:
            letGo(session: id, of: event.session)
        }
    }

    // What waits for a debugger would wait for ever.
    private func letGo(session id: String, of parent: String?) {
        connection.post("Runtime.runIfWaitingForDebugger", [:], session: id)
        connection.post("Target.detachFromTarget", ["sessionId": .string(id)], session: parent)
    }

    private func detached(_ event: CDPEvent) {
        guard let id = event.params["sessionId"]?.stringValue else { return }
        let role = tabs.change { $0.removeSession(id) }
        switch role {
        case .frames(let page) where id == page.mainSession:
            _ = tabs.change { $0.remove(target: page.targetId) }
            page.ended(.closed)
        case .frames(let page), .worker(let page): page.processEnded(session: id, parent: event.session)
        case .shared, nil: break
        }
    }

    private func ended(_ reason: String) {
        for page in tabs.change({ $0.removeAll() }) { page.ended(.browserGone(reason)) }
    }
}
