import JarvisCore
import Synchronization

extension BrowserRoutes {
    static let tracing: [BrowserRoute] = [
        BrowserRoute(
            "POST", "/trace/start",
            "Begins to record what a tab does: with `screenshots` unless they are false, with the text of scripts "
                + "if `sources` is true."
        ) { call in
            let arguments = ArgumentReader(call)
            let (screenshots, sources) = (try arguments.flag("screenshots"), try arguments.flag("sources"))
            let snapshots = try arguments.flag("snapshots") ?? false
            let page = try await call.page()
            try await page.session.startTrace(of: page, screenshots: screenshots ?? true, sources: sources ?? false)
            var reply: JSONValue = ["ok": true, "targetId": .string(page.targetId)]
            if snapshots {
                reply["note"] = .string(
                    "A recording of this browser holds no snapshots of pages, so snapshots has no effect; screenshots "
                        + "show how the page looked, GET /snapshot what is on it.")
            }
            return reply
        },
        BrowserRoute("POST", "/trace/stop", "Ends the recording and writes it into a file.") { call in
            let path = try ArgumentReader(call).text("path")
            let session = try await call.session()
            let place =
                try path.map { try ConfinedPath($0, roots: [session.rules.artifacts]) }
                ?? ConfinedPath.fresh(in: session.rules.artifacts, prefix: "trace", suffix: "json")
            let trace = try await session.stopTrace(into: place)
            var reply: JSONValue = [
                "ok": true, "targetId": .string(trace.targetId), "path": .string(place.path),
                "bytes": JSONValue(trace.bytes),
            ]
            if trace.lost {
                reply["note"] =
                    "The recording was longer than its buffer: the beginning is complete, the end is missing."
            }
            return reply
        },
    ]
}

/// The recording of a browser: one at a time.
struct TraceState: Sendable {
    enum Phase: Sendable, Hashable {
        case idle
        case starting
        case recording
        case stopping
    }

    var phase = Phase.idle
    /// The tab, and the session over which it is recorded.
    var targetId = ""
    var session = ""
    /// What the browser said at the end.
    var complete: JSONValue?
}

extension BrowserSession {
    private static let categories: [JSONValue] = [
        "blink.console", "blink.user_timing", "devtools.timeline", "disabled-by-default-devtools.timeline",
        "disabled-by-default-devtools.timeline.frame", "disabled-by-default-v8.cpu_profiler",
        "disabled-by-default-devtools.timeline.stack",
        "latencyInfo", "loading", "toplevel", "v8.execute",
    ]

    private static let screenshotCategory: JSONValue = "disabled-by-default-devtools.screenshot"
    private static let sourceCategories: [JSONValue] = [
        "disabled-by-default-devtools.v8-source-rundown", "disabled-by-default-devtools.v8-source-rundown-sources",
    ]

    /// Begins to record a tab; only over its own session does the browser add pictures. The buffer holds 100 MB, and is full then.
    ///
    /// - Parameters:
    ///   - page: the tab; the recording ends with it.
    ///   - screenshots: also small pictures of what changes.
    ///   - sources: also the text of the scripts that run.
    /// - Throws: `BrowserError` 409 `trace_running`.
    func startTrace(of page: Page, screenshots: Bool, sources: Bool) async throws {
        let open = Set(pages.map(\.targetId))
        let began = trace.change { state in
            let hasEnded = state.phase == .recording && !open.contains(state.targetId)
            guard state.phase == .idle || hasEnded else { return false }
            state = TraceState(phase: .starting, targetId: page.targetId, session: page.mainSession)
            return true
        }
        guard began else { throw Self.traceRunning }
        var included = Self.categories
        if screenshots { included.append(Self.screenshotCategory) }
        if sources { included += Self.sourceCategories }
        do {
            _ = try await send(
                "Tracing.start",
                [
                    "transferMode": "ReturnAsStream", "streamFormat": "json",
                    "traceConfig": [
                        "recordMode": "recordUntilFull", "traceBufferSizeInKb": 102_400,
                        "includedCategories": .array(included), "excludedCategories": ["*"],
                    ],
                ], over: page.mainSession)
            trace.change { $0.phase = .recording }
        } catch let error as BrowserError where error.message.contains("already been started") {
            trace.change { $0 = TraceState() }
            throw Self.traceRunning
        } catch {
            trace.change { $0 = TraceState() }
            throw error
        }
    }

    private static let traceRunning = BrowserError(
        409, "trace_running", "A tab is being recorded already; end that with POST /trace/stop.")

    /// Ends the recording and writes it.
    ///
    /// - Throws: `BrowserError` 409 `no_trace`, 404 `unknown_tab` when the tab is gone; what `keep` throws.
    func stopTrace(into place: ConfinedPath) async throws -> (targetId: String, bytes: Int, lost: Bool) {
        let ended: TraceState? = trace.change { state in
            guard state.phase == .recording else { return nil }
            state.phase = .stopping
            return state
        }
        guard let ended else {
            throw BrowserError(409, "no_trace", "Nothing is being recorded; begin with POST /trace/start.")
        }
        defer { trace.change { $0 = TraceState() } }
        guard pages.contains(where: { $0.targetId == ended.targetId }) else {
            throw BrowserError(404, "unknown_tab", "The tab that was recorded is gone, and the recording with it.")
        }
        _ = try await send("Tracing.end", over: ended.session)
        let complete = await trace.wait(.seconds(60)) { $0.complete }
        guard let complete, let stream = complete["stream"]?.stringValue else {
            throw BrowserError(408, "timeout", "The browser did not hand over its recording within 60 s.")
        }
        let bytes = try await keep(stream: stream, over: ended.session, in: place, limit: Page.mostFileBytes)
        return (ended.targetId, bytes, complete["dataLossOccurred"] == true)
    }
}
