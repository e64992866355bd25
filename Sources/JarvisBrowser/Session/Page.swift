import JarvisCore
import Synchronization

/// One tab with all its frames.
package final class Page: Sendable {
    /// The browser's id of the tab.
    package let targetId: String
    /// The browser it belongs to; gone when that is closed.
    package let session: BrowserSession

    /// The session of the process that shows the main frame; the same for the tab's whole life.
    let mainSession: String
    let state: Watched<PageState>
    let pending = PendingCommands()
    /// What the refs of the newest snapshot mean.
    let refs = RefBook()
    let gate = Mutex(RequestGate())
    let emulation = Mutex(EmulationState())

    init(targetId: String, mainSession: String, info: JSONValue, session: BrowserSession) {
        self.targetId = targetId
        self.mainSession = mainSession
        self.session = session
        state = Watched(PageState(root: targetId, session: mainSession, info: info))
    }

    /// The address of the main frame.
    package var url: String { state.read { $0.url } }
    /// The title.
    package var title: String { state.read { $0.title } }
    /// Every frame, the main frame first, then depth first, siblings in the order in which they came; frames of other
    /// processes included.
    package var frames: [PageFrame] {
        state.read { state in
            state.tree.inOrder.map { PageFrame(id: $0.id, parent: $0.parent, url: $0.url, session: $0.session) }
        }
    }
    /// The question that blocks the page until it is answered; nil when there is none.
    package var dialog: OpenDialog? { state.read { $0.dialog } }
    /// Whether its process died; a navigation brings it back.
    package var hasCrashed: Bool { state.read { $0.hasCrashed } }
    /// The tab that opened it.
    var opener: String? { state.read { $0.opener } }
    /// Whether commands can reach it.
    package var isOpen: Bool { state.read { $0.end == nil } }

    /// Whether it shows nothing, and no page or person opened it.
    var isEmpty: Bool { state.read { $0.end == nil && !$0.hasCrashed && $0.opener == nil && $0.url == "about:blank" } }

    /// Waits until what it shows is known, for a tab that has only just come. One that hangs is waited for once.
    func becomeReady() async {
        let isKnown = await state.wait(.seconds(5)) { $0.isReady || $0.isStopped ? true : nil }
        if isKnown == nil { state.change { $0.isReady = true } }
    }

    /// Sends a command to the process that shows `frame` (nil: the main frame).
    ///
    /// Input that opens a dialog counts as done; every other command that needs the page's own thread fails then.
    ///
    /// - Throws: `BrowserError`: 404 when tab or frame is gone, 408 after `timeout`, 409 `dialog_open`, 500 with the
    ///   browser's words.
    package func send(
        _ method: String, _ params: JSONValue = [:], frame: String? = nil, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        guard let id = state.read({ $0.tree.session(of: frame) }) else {
            throw BrowserError(404, "unknown_frame", "The frame is gone: take a new snapshot.")
        }
        return try await send(method, params, over: id, timeout: timeout)
    }

    /// Sends a command over one of the tab's sessions.
    func send(
        _ method: String, _ params: JSONValue = [:], over id: String, timeout: Duration = .seconds(30)
    ) async throws -> JSONValue {
        let answer = OneShot<Result<JSONValue, BrowserError>>()
        let ticket = pending.add(method: method, session: id, answer: answer)
        defer { pending.remove(ticket) }
        if let refusal = refusal(of: method) { throw refusal }
        let connection = session.connection
        // unstructured: a page that dies or opens a dialog leaves commands without an answer; `pending` ends the wait
        Task {
            do throws(CDPFailure) {
                answer.give(.success(try await connection.send(method, params, session: id, timeout: timeout)))
            } catch {
                answer.give(.failure(BrowserError(error)))
            }
        }
        return try await answer.value(ifCancelled: .failure(.cancelled)).get()
    }

    /// Sends a command to every process of the tab, now and when one is added later (with the same `key`, the newer
    /// command replaces the older for those). What emulation settings are made of.
    ///
    /// - Throws: what `send` throws for the main frame's process; other processes may refuse.
    package func sendEverywhere(_ method: String, _ params: JSONValue = [:], remember key: String?) async throws {
        if let key { pending.remember(key, method, params) }
        for id in state.read({ $0.sessions }) where id != mainSession {
            session.connection.post(method, params, session: id)
        }
        _ = try await send(method, params, over: mainSession)
    }

    /// Forgets a command of `sendEverywhere`: processes that come later don't get it.
    package func forget(_ key: String) { pending.forget(key) }

    func refusal(of method: String) -> BrowserError? {
        state.read { state in
            switch state.end {
            case .closed: return .tabGone(targetId)
            case .browserGone(let reason): return .browserGone(reason)
            case nil: break
            }
            if state.hasCrashed, PendingCommands.needsPage(method) { return .crashed }
            if let dialog = state.dialog, PendingCommands.needsPage(method) { return .dialogOpen(dialog) }
            return nil
        }
    }
}

/// One frame of a tab.
package struct PageFrame: Sendable, Hashable {
    /// The browser's id.
    package var id: String
    /// The frame around it; nil for the main frame.
    package var parent: String?
    /// Its address.
    package var url: String
    /// The debugging session of the process that shows it.
    package var session: String
}
