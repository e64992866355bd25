import JarvisBrowser
import JarvisCore
import JarvisNet
import JarvisProtocol

/// The control service as a method.
enum BrowserMethods {
    static let handlers: [String: MethodHandler] = [
        "browser.request": .concurrent { gateway, call in
            let asked = try request(call)
            if BrowserAccess.needsAdmin(asked.method, asked.path),
                !(gateway.connections[call.connection]?.session?.scopes.allows(.admin) ?? false)
            {
                throw WireError.invalidRequest(
                    "missing scope: \(Scope.admin.rawValue) (\(asked.method) \(asked.path) changes browser profiles)",
                    details: ["code": "MISSING_SCOPE", "scope": .string(Scope.admin.rawValue)])
            }
            let limit = call.int("timeoutMs").map { Duration.milliseconds($0) }
            let reply = await gateway.browse(asked, for: call.connection, within: limit)
            guard reply.status >= 400 else { return reply.body }
            throw failure(reply)
        }
    ]

    private static func request(_ call: MethodCall) throws -> BrowserRequest {
        let path = call.string("path") ?? ""
        guard let target = RequestTarget(path.hasPrefix("/") ? path : "/" + path) else {
            throw WireError.invalidRequest(
                "invalid browser.request params: 'path' must be a path such as /tabs/open, found"
                    + " \"\(path.prefix(100))\"")
        }
        var query = Dictionary(target.query.map { ($0.name, $0.value) }) { first, _ in first }
        for (name, value) in call.params["query"]?.objectValue ?? [:] {
            switch value {
            case .null: continue
            case .string(let text): query[name] = text
            case .bool, .int, .double: query[name] = JSONWriter.string(value)
            default:
                throw WireError.invalidRequest(
                    "invalid browser.request params: 'query.\(name.prefix(60))' must be a string, a number or a"
                        + " boolean, found \(value.kindName)")
            }
        }
        let isBare = target.path.count > 1 && target.path.hasSuffix("/")
        return BrowserRequest(
            call.string("method") ?? "GET", isBare ? String(target.path.dropLast()) : target.path, query: query,
            body: call.params["body"] ?? [:])
    }

    /// 500 and more is `UNAVAILABLE`, the rest `INVALID_REQUEST`; the body travels as `details`, with the status.
    private static func failure(_ reply: BrowserReply) -> WireError {
        var details = reply.body
        details["status"] = JSONValue(reply.status)
        return WireError(
            reply.status >= 500 ? .unavailable : .invalidRequest,
            reply.body["error"]?.stringValue ?? "the browser refused with status \(reply.status)", details: details)
    }
}

extension Gateway {
    /// How many requests may be under way at once, over all doors.
    private static var maximumBrowserRequests: Int { 256 }

    /// Has the browsers answer a request; ends early when the caller is cancelled, when the connection it came over
    /// closes, or after `limit` (408).
    func browse(
        _ request: BrowserRequest, for connection: Int? = nil, within limit: Duration? = nil
    ) async -> BrowserReply {
        guard let browser else {
            return BrowserReply(
                BrowserError(
                    503, "disabled",
                    "Browser control is turned off in this gateway (browser.enabled). Turn it on with:"
                        + " \(instance.command) config set browser.enabled true"))
        }
        guard phase != .draining else {
            return BrowserReply(BrowserError(503, "stopping", "The gateway is stopping."))
        }
        guard browserWork.count < Self.maximumBrowserRequests else {
            return BrowserReply(
                BrowserError(503, "busy", "\(browserWork.count) browser requests are under way; try again later."))
        }
        lastBrowserWork += 1
        let number = lastBrowserWork
        // unstructured: so that a closed connection can end it; its end is awaited below
        let task = Task.detached { await Self.answer(request, by: browser, within: limit) }
        browserWork[number] = BrowserWork(connection: connection, task: task)
        defer { browserWork[number] = nil }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Learns where its control service listens.
    func serveBrowsers(on port: Int?) { browserControlPort = port }

    /// Ends the requests that a closed connection waited for.
    func cancelBrowserWork(of connection: Int) {
        for work in browserWork.values where work.connection == connection { work.task.cancel() }
    }

    private static func answer(
        _ request: BrowserRequest, by browser: BrowserControl, within limit: Duration?
    ) async -> BrowserReply {
        guard let limit else { return await browser.handle(request) }
        return await withTaskGroup(of: BrowserReply.self) { group in
            group.addTask { await browser.handle(request) }
            group.addTask {
                try? await Task.sleep(for: limit)  // cancelled when the answer came first
                return BrowserReply(
                    BrowserError(
                        408, "timeout", "\(request.method) \(request.path) took longer than \(limit), its timeoutMs."))
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? BrowserReply(BrowserError(500, "failed", "The browser gave no answer."))
        }
    }
}

/// A request to the browsers that is under way.
struct BrowserWork: Sendable {
    /// The WebSocket that it came over; nil for HTTP.
    var connection: Int?
    var task: Task<BrowserReply, Never>
}
