import JarvisCore

/// What an action set off.
package struct PageEffects: Sendable, Hashable {
    /// The tab shows another document than before.
    package var didNavigate = false
    /// Tabs that the page opened.
    package var newTabs: [String] = []
    /// The question that the page now waits for.
    package var dialog: OpenDialog?
    /// Names of the files whose download began.
    package var downloads: [String] = []

    /// Adds what there is to tell to the reply of an action.
    package func add(to reply: inout JSONValue) {
        if !newTabs.isEmpty { reply["newTabs"] = JSONValue(newTabs) }
        if let dialog {
            reply["dialog"] = dialog.listed
            reply["note"] = "The page waits for an answer to its dialog: POST /hooks/dialog {\"accept\": true|false}."
        }
        if !downloads.isEmpty {
            reply["downloads"] = JSONValue(downloads)
            if dialog == nil { reply["note"] = "A download began: get the file with POST /wait/download." }
        }
    }
}

extension Page {
    /// How long what an action set off is waited for.
    private enum Patience {
        static let navigation = Duration.seconds(10)
        static let requests = Duration.milliseconds(1500)
        static let bodies = Duration.milliseconds(200)
        static let newTab = Duration.seconds(5)
        static let beat = Duration.seconds(2)
        static let download = Duration.seconds(10)
    }

    private struct Mark: Sendable {
        var root: String
        var documents: Int
        var downloads: Int
        var windowOpens: Int
        var request: Int
        var download: Int
        var tabs: Set<String>
    }

    /// Runs `body`, then waits until what it set off in the page has calmed down: a navigation that it began has
    /// committed and loaded (10 s), else requests that it began have been answered (1.5 s), and a download that a link
    /// asked for has begun (10 s). Returns also when the tab closed or a dialog is open.
    package func settling<T: Sendable>(_ body: @Sendable () async throws -> T) async throws -> T {
        try await settlingWithEffects(body).value
    }

    /// The same, with what was set off.
    ///
    /// - Parameter frame: where links for a download may be clicked; nil: the main frame.
    package func settlingWithEffects<T: Sendable>(
        in frame: String? = nil, _ body: @Sendable () async throws -> T
    ) async throws -> (value: T, effects: PageEffects) {
        let mark = mark()
        let value = try await body()
        await settle(since: mark, frame)
        return (value, effects(since: mark))
    }

    private func mark() -> Mark {
        let tabs = Set(session.pages.map(\.targetId))
        let download = session.downloads.read { $0.last }
        return state.read { state in
            Mark(
                root: state.tree.root, documents: state.tree.nodes[state.tree.root]?.documents ?? 0,
                downloads: state.downloads, windowOpens: state.windowOpens,
                request: state.traffic.last, download: download,
                tabs: tabs)
        }
    }

    // Once around the page's own loop: what its handlers do at once is done, and reported. Tells how many downloads
    // links have asked for.
    private static let beat = "() => new Promise(r => setTimeout(() => r(globalThis.__jarvis?.downloads() ?? 0), 0))"

    private func settle(since mark: Mark, _ frame: String?) async {
        for _ in 0..<3 {
            guard state.read({ !$0.isStopped }) else { return }
            var links = 0
            for place in frame == nil || frame == mark.root ? [nil] : [frame, nil] {
                let asked = try? await call(Self.beat, frame: place, timeout: Patience.beat)  // it navigates
                links += asked?.intValue ?? 0
            }
            if links > 0 { await waitForDownloads(links, since: mark) }
            let isBusy: Bool? = await state.wait(Patience.navigation) { state in
                if state.isStopped { return false }
                guard let root = state.tree.nodes[state.tree.root], state.pendingNavigations.isEmpty else { return nil }
                guard root.documents == mark.documents || root.step == .load else { return nil }
                return state.traffic.isBusy(after: mark.request) || state.traffic.isDraining(after: mark.request)
            }
            await waitForNewTabs(since: mark)
            guard isBusy == true else { return }
            let requests = state.read { $0.traffic.last }
            _ = await state.wait(Patience.requests) { state in
                state.isStopped || !state.pendingNavigations.isEmpty || !state.traffic.isBusy(after: mark.request)
                    ? true : nil
            }
            _ = await state.wait(Patience.bodies) { state in
                state.isStopped || !state.traffic.isDraining(after: mark.request) ? true : nil
            }
            // Nothing new was asked for: the answers have been handled with the next turn of the loop.
            if state.read({ $0.traffic.last == requests && $0.pendingNavigations.isEmpty }) {
                _ = try? await call("() => new Promise(r => setTimeout(r, 0))", timeout: Patience.beat)  // it navigates
                if state.read({ $0.pendingNavigations.isEmpty }) { return }
            }
        }
    }

    private func waitForDownloads(_ count: Int, since mark: Mark) async {
        _ = await state.wait(Patience.download) { state in
            let isElsewhere = state.tree.nodes[state.tree.root]?.documents != mark.documents
            return state.isStopped || isElsewhere || state.downloads >= mark.downloads + count ? true : nil
        }
    }

    private func waitForNewTabs(since mark: Mark) async {
        let opened = state.read { $0.windowOpens } - mark.windowOpens
        guard opened > 0 else { return }
        let me = targetId
        // A page may open fewer tabs than it asked for: a named window is used again, a blocker says no.
        let found: [Page]? = await session.tabs.wait(.seconds(2)) { book in
            let new = book.pages.filter { !mark.tabs.contains($0.targetId) && $0.opener == me }
            return new.count >= opened ? new : nil
        }
        for page in found ?? [] {
            _ = await page.state.wait(Patience.newTab) { state in
                if state.isStopped { return true }
                guard let root = state.tree.nodes[state.tree.root], state.isReady else { return nil }
                return root.step == .load && state.pendingNavigations.isEmpty ? true : nil
            }
        }
    }

    private func effects(since mark: Mark) -> PageEffects {
        var effects = state.read { state in
            PageEffects(
                didNavigate: (state.tree.nodes[state.tree.root]?.documents ?? 0) != mark.documents,
                dialog: state.dialog)
        }
        effects.newTabs = session.pages.filter { !mark.tabs.contains($0.targetId) && $0.opener == targetId }.map(
            \.targetId)
        effects.downloads = session.downloads.read { $0.names(after: mark.download, of: targetId) }
        return effects
    }
}
