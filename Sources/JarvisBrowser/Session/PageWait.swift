import JarvisCore

/// What `act kind=wait` waits for. Everything that is given must come true, one after the other.
package struct PageCondition: Sendable, Hashable {
    /// A load state.
    package enum LoadState: String, Sendable, Hashable, CaseIterable {
        /// The document and its parts are there.
        case load
        /// The document is parsed.
        case domcontentloaded
        /// It is loaded and has asked the network for nothing for half a second.
        case networkidle
    }

    /// So long, first of all.
    package var time: Duration?
    /// A text that can be seen, in any frame; case and white space do not count.
    package var text: String?
    /// A text that can be seen no more.
    package var textGone: String?
    /// A CSS selector of an element that can be seen, in any frame.
    package var selector: String?
    /// The address (`AddressPattern`).
    package var url: AddressPattern?
    /// A load state.
    package var loadState: LoadState?
    /// A function that returns something true.
    package var function: String?

    /// Nothing.
    package init() {}
}

extension Page {
    /// Waits for `condition`.
    ///
    /// - Throws: `BrowserError` 408 `wait_timeout` naming what did not come, 403 `evaluate_disabled`, 400
    ///   `invalid_selector`, and what `call` throws.
    package func wait(for condition: PageCondition, timeout: Duration) async throws {
        if condition.function != nil { try session.rules.requireEvaluation() }
        let clock = MonotonicClock.system
        let deadline = clock.now() + timeout
        @Sendable func left() -> Duration { max(.zero, deadline - clock.now()) }
        if let time = condition.time { try await Task.sleep(for: min(time, .seconds(120))) }
        if let text = condition.text {
            try await poll(left, timeout, "the text \"\(text.prefix(100))\"") {
                try await self.shows(text, wanted: true, $0)
            }
        }
        if let text = condition.textGone {
            try await poll(left, timeout, "the text \"\(text.prefix(100))\" to go") {
                try await self.shows(text, wanted: false, $0)
            }
        }
        if let selector = condition.selector {
            try await poll(left, timeout, "a visible element that matches \"\(selector.prefix(100))\"") {
                try await self.shows(selector: selector, $0)
            }
        }
        if let pattern = condition.url { try await waitForAddress(pattern, left(), timeout) }
        if let loadState = condition.loadState { try await wait(for: loadState, left(), timeout) }
        if let function = condition.function {
            try await poll(left, timeout, "the function to return something true") { _ in
                try await self.evaluate(function).isTrue
            }
        }
    }

    private func waitForAddress(_ pattern: AddressPattern, _ left: Duration, _ timeout: Duration) async throws {
        let found: Bool? = await state.wait(left) { state in
            if state.end != nil || state.hasCrashed { return false }
            return pattern.matches(state.url) ? true : nil
        }
        try refuseDead()
        if found == nil { throw waitedInVain("an address that fits \"\(pattern.shown.prefix(200))\"", timeout) }
    }

    private func wait(
        for loadState: PageCondition.LoadState, _ left: Duration, _ timeout: Duration
    ) async throws {
        let clock = MonotonicClock.system
        let deadline = clock.now() + left
        let step: LoadStep = loadState == .domcontentloaded ? .domContentLoaded : .load
        let isQuiet = loadState == .networkidle
        while true {
            let changes: Int? = await state.wait(max(.zero, deadline - clock.now())) { state in
                if state.isStopped { return -1 }
                guard let root = state.tree.nodes[state.tree.root], root.step >= step,
                    !state.pendingNavigations.contains(state.tree.root)
                else { return nil }
                return !isQuiet || state.traffic.underWay.isEmpty ? state.traffic.changes : nil
            }
            try refuseDead()
            if let dialog { throw BrowserError.dialogOpen(dialog) }
            guard let changes else {
                let waiting = state.read { $0.traffic.waiting() }
                let what = waiting.isEmpty ? "" : ", still under way: \(waiting.joined(separator: ", "))"
                throw waitedInVain("the load state \(loadState.rawValue)\(what)", timeout)
            }
            guard isQuiet else { return }
            let pause = min(Duration.milliseconds(500), max(.zero, deadline - clock.now()))
            try await Task.sleep(for: pause)
            if state.read({ $0.traffic.changes == changes }), pause == .milliseconds(500) { return }
        }
    }

    // Asks again and again until `check` says yes; it may take up to the time it is given. A document that is being
    // replaced is asked again when it is there.
    private func poll(
        _ left: @Sendable () -> Duration, _ timeout: Duration, _ what: String,
        _ check: @Sendable (Duration) async throws -> Bool
    ) async throws {
        while true {
            try Task.checkCancellation()
            do {
                if try await check(min(left(), .seconds(1))) { return }
            } catch let error as BrowserError where Self.passes(error) {}
            try refuseDead()
            guard left() > .zero else { throw waitedInVain(what, timeout) }
            try await Task.sleep(for: min(.milliseconds(50), left()))
        }
    }

    // Errors of a document that goes while it is asked.
    private static func passes(_ error: BrowserError) -> Bool {
        ["timeout", "unknown_frame"].contains(error.code)
            || (error.code == "failed"
                && ["context", "navigated", "frame"].contains { error.message.contains($0) })
    }

    private func waitedInVain(_ what: String, _ timeout: Duration) -> BrowserError {
        BrowserError(
            408, "wait_timeout",
            "Waited \(Self.text(timeout)) in vain for \(what); the tab is at \(url.prefix(200)).")
    }

    // MARK: In the page

    private func shows(_ text: String, wanted: Bool, _ time: Duration) async throws -> Bool {
        let found = try await anyFrame(Self.textSeen, [.string(text), wanted ? JSONValue(Self.milliseconds(time)) : 0])
        return found == wanted
    }

    private func shows(selector: String, _ time: Duration) async throws -> Bool {
        do {
            return try await anyFrame(Self.selectorSeen, [.string(selector), JSONValue(Self.milliseconds(time))])
        } catch let error as BrowserError where error.code == "script_error" && error.message.contains("selector") {
            throw BrowserError(400, "invalid_selector", "\"\(selector.prefix(200))\" is no CSS selector.")
        }
    }

    // Whether one of the frames says yes. The first frame may take its time to see it come; with several frames all are
    // asked once.
    private func anyFrame(_ function: String, _ arguments: [JSONValue]) async throws -> Bool {
        let frames = frames
        guard frames.count > 1 else {
            return try await call(function, arguments, timeout: .seconds(5)).boolValue == true
        }
        for frame in frames {
            do {
                let answer = try await call(
                    function, [arguments[0], 0], frame: frame.id, timeout: .seconds(5))
                if answer.boolValue == true { return true }
            } catch let error as BrowserError where frame.parent != nil && error.code != "script_error" {
                // One of many frames that goes or hangs is no reason to give up on the others.
            }
        }
        return false
    }

    private static func milliseconds(_ time: Duration) -> Int { Int(time / .milliseconds(1)) }

    // Waits inside the page, woken by its changes, so that a short wait costs one call.
    private static let waiting = """
        (seen, time) => {
          if (seen()) return true;
          if (!time) return false;
          return new Promise(done => {
            let planned = false;
            const end = value => { watch.disconnect(); clearTimeout(timer); done(value) };
            const look = () => { planned = false; let now = false; try { now = seen() } catch (e) {} if (now) end(true) };
            const watch = new MutationObserver(() => { if (!planned) { planned = true; setTimeout(look, 30) } });
            watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
            const timer = setTimeout(() => end(seen()), time);
          });
        }
        """

    private static let roots = """
        (top) => {
          const found = [top];
          for (let i = 0; i < found.length && found.length < 5000; i++)
            for (const element of found[i].querySelectorAll('*')) if (element.shadowRoot) found.push(element.shadowRoot);
          return found;
        }
        """

    private static let textSeen = """
        function(text, time) {
          const plain = t => t.replace(/\\s+/g, ' ').toLowerCase();
          const wanted = plain(text).trim();
          const seen = () => (\(roots))(document).some(root => {
            if (root === document) return !!document.body && plain(document.body.innerText).includes(wanted);
            return [...root.children].some(child => plain(child.innerText || '').includes(wanted));
          });
          return (\(waiting))(seen, time);
        }
        """

    private static let selectorSeen = """
        function(selector, time) {
          document.querySelector(selector);
          const shown = element => element.getClientRects().length > 0
            && getComputedStyle(element).visibility !== 'hidden';
          const seen = () => (\(roots))(document).some(root => [...root.querySelectorAll(selector)].some(shown));
          return (\(waiting))(seen, time);
        }
        """
}

extension PageCondition {
    /// What a request asks to wait for.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`, also when it asks for nothing.
    package init(_ call: BrowserCall) throws {
        self.init()
        time = try ArgumentReader(call).whole("timeMs", 0...120_000).map { .milliseconds($0) }
        text = try call.optionalText("text")
        textGone = try call.optionalText("textGone")
        selector = try call.optionalText("selector")
        url = try call.optionalText("url").map { AddressPattern($0) }
        function = try call.optionalText("fn")
        if let word = try call.optionalText("loadState") {
            guard let state = LoadState(rawValue: word) else {
                let words = LoadState.allCases.map(\.rawValue).joined(separator: ", ")
                throw BrowserError(
                    400, "invalid_argument", "loadState must be one of \(words), not \"\(word.prefix(40))\".")
            }
            loadState = state
        }
        if self == PageCondition() {
            throw BrowserError(
                400, "invalid_argument",
                "Say what to wait for: timeMs, text, textGone, selector, url, loadState or fn.")
        }
    }
}
