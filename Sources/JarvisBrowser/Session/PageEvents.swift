import JarvisCore

extension Page {
    /// Tells a new process of the tab what we want to hear from it and lets it run. Called on the thread that reads.
    func prepare(session id: String, isWorker: Bool = false) {
        state.change { state in
            state.sessions.insert(id)
            if !isWorker { state.tree.treeAsked(session: id) }
        }
        let connection = session.connection
        connection.post("Runtime.enable", [:], session: id)
        connection.post("Network.enable", Self.networkBuffers, session: id)
        connection.post(
            "Target.setAutoAttach", ["autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true], session: id)
        if !isWorker {
            connection.post("Page.enable", [:], session: id)
            connection.post("Page.setLifecycleEventsEnabled", ["enabled": true], session: id)
            connection.post("Log.enable", [:], session: id)
            // A tab behind another one paints nothing, slows its timers and takes seconds over each click, unless it
            // believes that it is in front.
            connection.post("Emulation.setFocusEmulationEnabled", ["enabled": true], session: id)
            // A script without text makes the world be there from the first moment of every document.
            connection.post(
                "Page.addScriptToEvaluateOnNewDocument", ["source": "", "worldName": .string(Worlds.name)], session: id)
            if session.rules.ignoresCertificateErrors {
                connection.post("Security.setIgnoreCertificateErrors", ["ignore": true], session: id)
            }
            for command in pending.remembered { connection.post(command.method, command.params, session: id) }
            if let params = gateParameters { connection.post("Fetch.enable", params, session: id) }
        }
        connection.post("Runtime.runIfWaitingForDebugger", [:], session: id)
        guard !isWorker else { return }
        // unstructured: belongs to the tab, not to a caller
        Task {
            let answer = try? await connection.send("Page.getFrameTree", [:], session: id)  // gone already: no frames
            let told = answer?["frameTree"].map { Self.nodes(of: $0, session: id) } ?? []
            state.change { state in
                state.tree.treeTold(told, session: id)
                state.isReady = true
            }
        }
    }

    // How much the browser keeps of responses for /response/body: per tab, not per response.
    private static let networkBuffers: JSONValue = [
        "maxTotalBufferSize": 33_554_432, "maxResourceBufferSize": 16_777_216,
    ]

    private static func nodes(of tree: JSONValue, session: String) -> [FrameTree.Node] {
        guard let frame = tree["frame"], let id = frame["id"]?.stringValue else { return [] }
        var node = FrameTree.Node(id: id, parent: frame["parentId"]?.stringValue, session: session)
        node.url = address(of: frame)
        node.loader = frame["loaderId"]?.stringValue ?? ""
        node.unreachable = frame["unreachableUrl"]?.stringValue
        return [node] + (tree["childFrames"]?.arrayValue ?? []).flatMap { nodes(of: $0, session: session) }
    }

    private static func address(of frame: JSONValue) -> String {
        (frame["url"]?.stringValue ?? "") + (frame["urlFragment"]?.stringValue ?? "")
    }

    /// An iframe got a process of its own. Called on the thread that reads.
    func processBegan(frame: String, session id: String, parent: String) {
        state.change { $0.tree.processBegan(frame: frame, session: id, parentSession: parent) }
        prepare(session: id)
    }

    /// A session of a frame or worker of the tab has ended. Called on the thread that reads.
    func processEnded(session id: String, parent: String?) {
        let moved = state.change { state in
            state.sessions.remove(id)
            state.worlds.cleared(session: id)
            state.traffic.sessionEnded(id)
            return state.tree.processEnded(session: id)
        }
        pending.fail(
            session: id, BrowserError(404, "unknown_frame", "The frame is gone: take a new snapshot."))
        guard let moved, moved.undecided else { return }
        let connection = session.connection
        // unstructured: belongs to the tab, not to a caller
        Task {
            // Whatever the parent's process has to say about the frame comes before this answer.
            let asked = parent ?? mainSession
            _ = try? await connection.send("Page.enable", [:], session: asked)  // gone: then all is gone
            state.change { $0.tree.confirmGone(frame: moved.frame, session: id) }
        }
    }

    /// The tab is gone, or the browser. Called on the thread that reads.
    func ended(_ end: PageEnd) {
        state.change { state in
            if state.end == nil { state.end = end }
            state.dialog = nil
        }
        switch end {
        case .closed: pending.fail(session: nil, .tabGone(targetId))
        case .browserGone(let reason): pending.fail(session: nil, .browserGone(reason))
        }
    }

    /// The browser told something new about the tab as a whole.
    func told(_ info: JSONValue) {
        state.change { state in
            if let title = info["title"]?.stringValue { state.title = ScriptText.cut(title, 500) }
            if let url = info["url"]?.stringValue { state.targetURL = url }
        }
    }

    /// Its process died. Called on the thread that reads.
    func crashed() {
        let now = WallClock.system.now()
        state.change { state in
            guard !state.hasCrashed else { return }
            state.hasCrashed = true
            state.dialog = nil
            state.pendingNavigations = []
            state.traffic.sessionEnded(mainSession)
            state.activity.note("Crash", "The tab's process died.", url: state.url, now: now)
            state.worlds.cleared(session: mainSession)
        }
        pending.crashed()
    }

    /// An event of one of its sessions. Called on the thread that reads.
    func handle(_ event: CDPEvent, session id: String) {
        let params = event.params
        switch event.method {
        case "Runtime.executionContextCreated":
            guard let context = params["context"] else { return }
            state.change { $0.worlds.created(context, session: id) }
        case "Runtime.executionContextDestroyed":
            guard let context = params["executionContextId"]?.intValue else { return }
            state.change { $0.worlds.destroyed(context, session: id) }
        case "Runtime.executionContextsCleared":
            state.change { $0.worlds.cleared(session: id) }
        case "Input.dragIntercepted":
            state.change { $0.drag = params["data"] }
        case "Runtime.consoleAPICalled":
            let now = WallClock.system.now()
            state.change { $0.activity.said(params, now: now) }
        case "Runtime.exceptionThrown":
            guard let details = params["exceptionDetails"] else { return }
            let now = WallClock.system.now()
            state.change { $0.activity.threw(details, now: now) }
        case "Log.entryAdded":
            guard let entry = params["entry"] else { return }
            let now = WallClock.system.now()
            state.change { $0.activity.logged(entry, now: now) }
        case "Inspector.targetCrashed" where id == mainSession:
            crashed()
        default:
            switch event.method.prefix(while: { $0 != "." }) {
            case "Page": handlePage(event, session: id)
            case "Network": handleNetwork(event, session: id)
            case "Fetch": handleGate(event, session: id)
            default: break
            }
        }
    }

    private func handlePage(_ event: CDPEvent, session id: String) {
        let params = event.params
        let frame = params["frameId"]?.stringValue ?? params["frame"]?["id"]?.stringValue ?? ""
        switch event.method {
        case "Page.frameAttached":
            state.change { $0.tree.attached(frame, parent: params["parentFrameId"]?.stringValue, session: id) }
        case "Page.frameDetached":
            let swaps = params["reason"]?.stringValue == "swap"
            state.change { state in
                state.tree.detached(frame, swap: swaps, session: id)
                if !swaps { state.pendingNavigations.remove(frame) }
            }
        case "Page.frameNavigated":
            guard let told = params["frame"] else { return }
            navigated(told, restored: params["type"]?.stringValue == "BackForwardCacheRestore", session: id)
        case "Page.navigatedWithinDocument":
            guard let url = params["url"]?.stringValue else { return }
            state.change { $0.tree.movedWithinDocument(frame, url: url) }
        case "Page.documentOpened":
            guard let told = params["frame"] else { return }
            state.change { $0.tree.documentOpened(frame, url: Self.address(of: told)) }
        case "Page.lifecycleEvent":
            let step: LoadStep
            switch params["name"]?.stringValue {
            case "DOMContentLoaded": step = .domContentLoaded
            case "load": step = .load
            default: return
            }
            guard let loader = params["loaderId"]?.stringValue else { return }
            state.change { $0.tree.reached(step, frame: frame, loader: loader) }
        case "Page.frameRequestedNavigation", "Page.frameStartedNavigating":
            guard replacesDocument(params, frame: frame) else { return }
            state.change { _ = $0.pendingNavigations.insert(frame) }
        case "Page.frameStoppedLoading":
            // Also the end of a document whose loading was stopped: no more of it comes.
            state.change { state in
                state.pendingNavigations.remove(frame)
                state.tree.stoppedLoading(frame)
            }
        case "Page.frameClearedScheduledNavigation":
            state.change { _ = $0.pendingNavigations.remove(frame) }
        case "Page.windowOpen":
            state.change { $0.windowOpens += 1 }
        case "Page.javascriptDialogOpening": dialogOpened(params, session: id)
        case "Page.javascriptDialogClosed": dialogClosed()
        case "Page.fileChooserOpened": fileChooserOpened(params, session: id)
        default: break
        }
    }

    private func handleNetwork(_ event: CDPEvent, session id: String) {
        session.judgeSocket(event, of: url) { [self] in
            await empty(
                because: "The page opened a socket to an address that browser.ssrfPolicy forbids, and was left.")
        }
        let now = WallClock.system.now()
        state.change { state in
            state.traffic.handle(event.method, event.params, session: id, now: now)
            if event.method == "Network.responseReceived", event.params["type"]?.stringValue == "Document",
                let loader = event.params["loaderId"]?.stringValue,
                let status = event.params["response"]?["status"]?.intValue
            {
                state.note(status: status, ofLoader: loader)
            }
        }
    }

    // Whether a navigation that a frame announces will put another document in its place: not a new window's, a
    // download, a script, a mail, or a place in the same document.
    private func replacesDocument(_ params: JSONValue, frame: String) -> Bool {
        if let place = params["disposition"]?.stringValue, place != "currentTab" { return false }
        let kind = params["navigationType"]?.stringValue ?? ""
        if kind.hasSuffix("ameDocument") { return false }
        let url = params["url"]?.stringValue ?? ""
        guard ["http:", "https:", "about:", "blob:", "data:", "file:"].contains(where: { url.hasPrefix($0) }) else {
            return false
        }
        let here = state.read { $0.tree.nodes[frame]?.url } ?? ""
        let isReload = params["reason"]?.stringValue == "reload" || kind.hasPrefix("reload")
        let isPlace = url.contains("#") && url.prefix { $0 != "#" } == here.prefix { $0 != "#" }
        return isReload || !isPlace
    }

    private func navigated(_ frame: JSONValue, restored: Bool, session id: String) {
        guard let name = frame["id"]?.stringValue else { return }
        state.change { state in
            state.tree.navigated(
                name, parent: frame["parentId"]?.stringValue, url: Self.address(of: frame),
                loader: frame["loaderId"]?.stringValue ?? "", unreachable: frame["unreachableUrl"]?.stringValue,
                restored: restored, session: id)
            state.pendingNavigations.remove(name)
            if name == state.tree.root { state.hasCrashed = false }
        }
    }
}
