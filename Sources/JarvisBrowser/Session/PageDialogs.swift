import JarvisCore

extension OpenDialog {
    /// The dialog as the control interface shows it.
    package var listed: JSONValue {
        .members([
            "type": .string(kind), "message": .string(message), "url": .string(url),
            "defaultText": kind == "prompt" ? .string(defaultText) : nil,
        ])
    }
}

/// What is to be answered to dialogs that the page will open.
struct DialogPlan: Sendable {
    /// An answer that the caller has given beforehand, for the next dialog.
    struct Answer: Sendable {
        var accepts: Bool
        var text: String?
        var expires: Duration
    }

    /// What to do with a dialog.
    enum Decision: Sendable, Equatable {
        /// Answer at once; the reason is recorded when the caller did not ask for it.
        case answer(accepts: Bool, text: String?, because: String?)
        /// Let the caller see it.
        case ask
    }

    /// So many dialogs in a row may wait for an answer that never comes; then the rest is dismissed at once.
    static let patience = 3

    /// So many dialogs in a row may be dismissed at once; then the page gets no more.
    static let silence = 5

    var armed: Answer?
    /// Dialogs in a row that were dismissed at once.
    var dismissed = 0
    /// How many callers are leaving the page.
    var leaving = 0
    /// Dialogs in a row that nobody answered.
    var ignored = 0
    /// The number of the newest dialog.
    var last = 0
    /// Dialogs to which the browser took no answer because the page behind them was about to be replaced.
    var unanswerable = 0

    /// Whether the page has had so many dialogs dismissed that it only asks to be a nuisance. Counts anew then.
    mutating func mustSilence() -> Bool {
        guard dismissed >= Self.silence else { return false }
        dismissed = 0
        return true
    }

    /// Decides about a dialog that opens now.
    mutating func decide(kind: String, now: Duration) -> Decision {
        if let answer = armed {
            armed = nil
            if answer.expires > now { return .answer(accepts: answer.accepts, text: answer.text, because: nil) }
        }
        // A page that is left was meant to be left.
        if kind == "beforeunload" { return .answer(accepts: true, text: nil, because: nil) }
        if leaving > 0 {
            dismissed += 1
            return .answer(accepts: false, text: nil, because: "the tab is leaving the page")
        }
        if ignored >= Self.patience {
            dismissed += 1
            return .answer(accepts: false, text: nil, because: "\(Self.patience) before it were not answered")
        }
        return .ask
    }
}

extension Page {
    /// How long a dialog waits for an answer of the caller before it is dismissed.
    static let dialogPatience = Duration.seconds(30)

    /// The tab is about to be left by our own will: nothing that the page asks may hold that up. An armed answer still
    /// counts.
    func leaveQuietly() async {
        let (open, worlds) = state.change { state -> (OpenDialog?, [Worlds.World]) in
            state.dialogs.leaving += 1
            state.dialogs.ignored = 0
            return (state.dialog, Array(state.worlds.own.values))
        }
        guard let open else { return }
        // A page that opens one dialog after the other would never get to be left.
        silence(worlds)
        post(accepts: false, text: nil, to: open.session)
        _ = await state.wait(.seconds(2)) { $0.dialog == nil ? true : nil }
    }

    /// The end of that.
    func stopLeavingQuietly() { state.change { $0.dialogs.leaving -= 1 } }

    /// Answers the open dialog, or, when there is none, the next one if it opens within `time`.
    ///
    /// - Returns: the dialog that was answered; nil when the answer waits for the next.
    package func answerDialog(accepts: Bool, text: String?, within time: Duration) async throws -> OpenDialog? {
        try refuseDead()
        let expires = MonotonicClock.system.now() + time
        let open = state.change { state -> OpenDialog? in
            state.dialogs.ignored = 0
            if state.dialog == nil {
                state.dialogs.armed = DialogPlan.Answer(accepts: accepts, text: text, expires: expires)
            }
            return state.dialog
        }
        guard let open else { return nil }
        var params: JSONValue = ["accept": .bool(accepts)]
        if let text { params["promptText"] = .string(text) }
        do {
            _ = try await send("Page.handleJavaScriptDialog", params, over: open.session, timeout: .seconds(10))
        } catch let error as BrowserError where error.message.contains("No dialog is showing") {
            throw BrowserError(404, "no_dialog", "The dialog has just been closed by the page.")
        } catch let error as BrowserError where error.message.contains(Self.beingReplaced) {
            throw BrowserError(
                409, "dialog_stuck",
                "The dialog opened while its page was being replaced, and the browser takes no answer to it: send the tab"
                    + " where it was going with POST /navigate, which closes the dialog.")
        }
        _ = await state.wait(.seconds(5)) { $0.dialog?.number != open.number ? true : nil }
        return open
    }

    /// `Page.javascriptDialogOpening`, on the thread that reads.
    func dialogOpened(_ params: JSONValue, session id: String) {
        let kind = params["type"]?.stringValue ?? "alert"
        let message = ScriptText.cut(params["message"]?.stringValue ?? "", 1000)
        let clock = MonotonicClock.system
        let now = WallClock.system.now()
        let (decision, dialog, worlds) = state.change { state -> (DialogPlan.Decision, OpenDialog, [Worlds.World]) in
            state.dialogs.last += 1
            let dialog = OpenDialog(
                kind: kind, message: message, url: ScriptText.cut(params["url"]?.stringValue ?? "", 500),
                defaultText: ScriptText.cut(params["defaultPrompt"]?.stringValue ?? "", 1000), session: id,
                number: state.dialogs.last)
            let decision = state.dialogs.decide(kind: kind, now: clock.now())
            switch decision {
            case .ask: state.dialog = dialog
            case .answer(_, _, let reason?):
                state.activity.note("Dialog", "The \(kind) \"\(message)\" was dismissed: \(reason).", now: now)
            case .answer(_, _, nil): break
            }
            guard state.dialogs.mustSilence() else { return (decision, dialog, []) }
            state.activity.note(
                "Dialog", "The page opens dialogs without end; it was kept from opening more.", now: now)
            return (decision, dialog, Array(state.worlds.own.values))
        }
        switch decision {
        case .answer(let accepts, let text, _):
            silence(worlds)
            post(accepts: accepts, text: text, to: id)
        case .ask:
            pending.dialogOpened(dialog)
            // unstructured: a dialog that nobody answers must not stop the page for ever
            Task { await dismissWhenIgnored(dialog) }
        }
    }

    /// `Page.javascriptDialogClosed`, on the thread that reads.
    func dialogClosed() { state.change { $0.dialog = nil } }

    // Runs between this dialog and the next.
    private func silence(_ worlds: [Worlds.World]) {
        for world in worlds {
            session.connection.post(
                "Runtime.evaluate", ["expression": .string(Self.silencing), "contextId": JSONValue(world.id)],
                session: world.session)
        }
    }

    private static let silencing = "window.alert = () => {}; window.confirm = () => false; window.prompt = () => null;"

    private func dismissWhenIgnored(_ dialog: OpenDialog) async {
        let answered: Bool? = await state.wait(Self.dialogPatience) { $0.dialog?.number != dialog.number ? true : nil }
        guard answered == nil else { return }
        let now = WallClock.system.now()
        state.change { state in
            guard state.dialog?.number == dialog.number else { return }
            state.dialog = nil
            state.dialogs.ignored += 1
            state.activity.note(
                "Dialog",
                "The \(dialog.kind) \"\(dialog.message)\" was dismissed: nobody answered it within "
                    + "\(Self.text(Self.dialogPatience)).", now: now)
        }
        post(accepts: false, text: nil, to: dialog.session)
    }

    private func post(accepts: Bool, text: String?, to id: String) {
        var params: JSONValue = ["accept": .bool(accepts)]
        if let text { params["promptText"] = .string(text) }
        let (connection, answer) = (session.connection, params)
        // unstructured: the event has no caller; whoever waits for the page watches `unanswerable`
        Task {
            do throws(CDPFailure) {
                _ = try await connection.send("Page.handleJavaScriptDialog", answer, session: id)
            } catch {
                if error.description.contains(Self.beingReplaced) { state.change { $0.dialogs.unanswerable += 1 } }
            }
        }
    }

    // Between the answer of a server and the moment in which its document replaces the one before, the browser hears
    // commands for the new one alone; and that moment waits until no dialog is open.
    private static let beingReplaced = "Not attached to an active page"
}
