import JarvisCore
import Synchronization

extension BrowserRoutes {
    static let tracing: [BrowserRoute] = [
        BrowserRoute("POST", "/trace/start", "Begins to record what the browser does.") { call in
            let arguments = ArgumentReader(call)
            let screenshots = try arguments.flag("screenshots") ?? false
            // Accepted from clients of other engines; there is nothing here that they could mean.
            _ = (try arguments.flag("snapshots"), try arguments.flag("sources"))
            let page = try await call.page()
            try await page.session.startTrace(screenshots: screenshots)
            return ["ok": true, "targetId": .string(page.targetId)]
        },
        BrowserRoute("POST", "/trace/stop", "Ends the recording and writes it into a file.") { call in
            let path = try ArgumentReader(call).text("path")
            let page = try await call.page()
            let place =
                try path.map { try ConfinedPath($0, roots: [page.session.rules.artifacts]) }
                ?? ConfinedPath.fresh(in: page.session.rules.artifacts, prefix: "trace", suffix: "json")
            let trace = try await page.session.stopTrace(into: place)
            var reply: JSONValue = [
                "ok": true, "targetId": .string(page.targetId), "path": .string(place.path),
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

    /// Begins to record; the buffer holds 100 MB, and is full then.
    ///
    /// - Throws: `BrowserError` 409 `trace_running`.
    func startTrace(screenshots: Bool) async throws {
        let began = trace.change { state in
            guard state.phase == .idle else { return false }
            state = TraceState(phase: .starting)
            return true
        }
        guard began else { throw Self.traceRunning }
        var included = Self.categories
        if screenshots { included.append("disabled-by-default-devtools.screenshot") }
        do {
            _ = try await send(
                "Tracing.start",
                [
                    "transferMode": "ReturnAsStream", "streamFormat": "json",
                    "traceConfig": [
                        "recordMode": "recordUntilFull", "traceBufferSizeInKb": 102_400,
                        "includedCategories": .array(included), "excludedCategories": ["*"],
                    ],
                ])
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
        409, "trace_running", "The browser is being recorded already; end that with POST /trace/stop.")

    /// Ends the recording and writes it.
    ///
    /// - Throws: `BrowserError` 409 `no_trace`; what `keep` throws.
    func stopTrace(into place: ConfinedPath) async throws -> (bytes: Int, lost: Bool) {
        let ends = trace.change { state in
            guard state.phase == .recording else { return false }
            state.phase = .stopping
            return true
        }
        guard ends else {
            throw BrowserError(409, "no_trace", "Nothing is being recorded; begin with POST /trace/start.")
        }
        defer { trace.change { $0 = TraceState() } }
        _ = try await send("Tracing.end")
        let complete = await trace.wait(.seconds(60)) { $0.complete }
        guard let complete, let stream = complete["stream"]?.stringValue else {
            throw BrowserError(408, "timeout", "The browser did not hand over its recording within 60 s.")
        }
        let bytes = try await keep(stream: stream, over: nil, in: place, limit: Page.mostFileBytes)
        return (bytes, complete["dataLossOccurred"] == true)
    }
}
