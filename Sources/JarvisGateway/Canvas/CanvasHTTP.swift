@preconcurrency import Dispatch
import JarvisCore
import JarvisNet
import NIOCore

/// The canvas over HTTP: who may read, and what they get.
extension Gateway {
    /// Why a request for the canvas is refused before its file is looked for; nil when it may go on.
    func canvasRefusal(_ target: CanvasTarget, _ request: HTTPServerRequest) -> HTTPServerResponse? {
        guard canvas.isEnabled else { return canvasText("Not Found: the canvas is turned off\n", 404) }
        guard ["GET", "HEAD"].contains(request.method) else {
            return canvasText("Method Not Allowed\n", 405, [("Allow", "GET, HEAD")])
        }
        if case .unix = request.peer { return nil }
        switch canvasAccess(target, request) {
        case .open: return nil
        case .locked(let waitMs):
            return canvasText("Too Many Requests\n", 429, [("Retry-After", "\(waitMs / 1000 + 1)")])
        case .closed:
            return stamped(
                .json(
                    [
                        "error": ["message": "Unauthorized", "type": "unauthorized"],
                        "hint": "open the canvas in the control page, or at the address that `canvas url` prints",
                    ], status: 401, headers: Self.canvasHeaders(target, request) + [("WWW-Authenticate", "Bearer")]))
        }
    }

    /// Whether somebody may see the canvas.
    enum CanvasAccess {
        case open
        case closed
        /// Too many wrong secrets from there.
        case locked(waitMs: Int)
    }

    /// A capability or the gateway's own secret opens the canvas; where a request comes from never does.
    func canvasAccess(_ target: CanvasTarget, _ request: HTTPServerRequest) -> CanvasAccess {
        if let capability = target.capability {
            return canvas.capabilities.use(capability, now: monotonic.now()) ? .open : .closed
        }
        guard let bearer = request.bearer, auth.mode != .none else { return .closed }
        let key = request.peer.limiterKey
        let isExempt = rateLimiter.limits.exemptLoopback && request.isLocalDirect
        if !isExempt, let wait = rateLimiter.lockedFor(key, now: clock.now()) { return .locked(waitMs: wait) }
        guard auth.check(bearer: bearer) == .accepted else {
            rateLimiter.recordFailure(key, now: clock.now())
            return .closed
        }
        rateLimiter.recordSuccess(key)
        return .open
    }

    /// Whether a page without an origin of its own may ask: the canvas's own pages are such, and they show a capability.
    func canvasAdmitsOpaqueOrigin(_ request: HTTPServerRequest) -> Bool {
        guard let target = CanvasTarget(path: request.path, query: request.query), let capability = target.capability
        else { return false }
        return canvas.isEnabled && canvas.capabilities.holder(of: capability, now: monotonic.now()) != nil
    }

    /// The answer to an admitted request for a file.
    func canvasResponse(
        _ target: CanvasTarget, _ request: HTTPServerRequest, on loop: any EventLoop
    ) -> EventLoopFuture<HTTPServerResponse> {
        guard case .file(let path) = target.kind else {
            return loop.makeSucceededFuture(
                canvasText("Upgrade Required: this is a WebSocket\n", 426, [("Upgrade", "websocket")]))
        }
        let headers = Self.canvasHeaders(target, request)
        guard !path.isEmpty else { return loop.makeSucceededFuture(canvasRedirect(target, headers)) }
        let promise = loop.makePromise(of: HTTPServerResponse.self)
        let reload = canvas.liveReload ? target.reloadPath : nil
        let version = canvas.scene.version
        let (prepared, root, instance) = (canvas.files, canvas.configuredRoot, instance)
        CanvasReading.queue.async {
            let result = Result {
                let files = try prepared ?? CanvasFiles.prepare(root: root, instance: instance)
                return (
                    files,
                    try CanvasReading.answer(
                        files, path, request, reload: reload, version: version, headers: headers)
                )
            }
            loop.execute {
                self.assumeIsolated { gateway in
                    promise.succeed(gateway.stamped(gateway.canvasAnswer(result, target, headers)))
                }
            }
        }
        return promise.futureResult
    }

    private func canvasAnswer(
        _ result: Result<(CanvasFiles, HTTPServerResponse), any Error>, _ target: CanvasTarget,
        _ headers: [(String, String)]
    ) -> HTTPServerResponse {
        switch result {
        case .success((let files, let response)):
            canvas.files = files
            return response
        case .failure(CanvasFiles.Refusal.isDirectory): return canvasRedirect(target, headers)
        case .failure(CanvasFiles.Refusal.tooLarge):
            return canvasText("Content Too Large: a file has at most \(CanvasFiles.servedBytes) bytes\n", 413)
        case .failure(let error):
            logger.error("the canvas can't be served", metadata: ["error": "\(error)"])
            return canvasText("Service Unavailable: the canvas's directory can't be used; see the gateway's log\n", 503)
        }
    }

    /// A directory has a slash at its end, or the links in its page would lead astray.
    private func canvasRedirect(_ target: CanvasTarget, _ headers: [(String, String)]) -> HTTPServerResponse {
        guard case .file(let path) = target.kind else { return canvasText("Not Found\n", 404) }
        var location = CanvasTarget.escape(target.base + path) + "/"
        if target.isInQuery, let capability = target.capability {
            location += "?\(CanvasTarget.queryName)=\(capability)"
        }
        return stamped(.empty(status: 302, headers: headers + [("Location", location)]))
    }

    private func canvasText(_ text: String, _ status: Int, _ more: [(String, String)] = []) -> HTTPServerResponse {
        stamped(.text(text, status: status, headers: [("Cache-Control", "no-store")] + more))
    }

    /// What every answer of the canvas says: a sandbox with an origin of its own, nothing from outside what the
    /// capability opens, no frame but in the control page.
    static func canvasHeaders(_ target: CanvasTarget, _ request: HTTPServerRequest) -> [(String, String)] {
        let host = request.header("host") ?? ""
        let places = target.scope.isEmpty ? [target.base] : [target.scope]
        let own = ["http", "https"].flatMap { scheme in places.map { "\(scheme)://\(host)\($0)/" } }
            .joined(separator: " ")
        let live = target.reloadPath.map { path in ["ws", "wss"].map { "\($0)://\(host)\(path)" } }?
            .joined(separator: " ")
        let policy = [
            "sandbox allow-scripts allow-forms", "default-src \(own) data: blob:",
            "script-src \(own) data: blob: 'unsafe-inline' 'unsafe-eval'",
            "style-src \(own) data: blob: 'unsafe-inline'",
            "connect-src \(own) data: blob:" + (live.map { " " + $0 } ?? ""),
            "form-action 'none'", "base-uri \(own)", "frame-ancestors 'self'",
        ].joined(separator: "; ")
        var headers = [
            ("Content-Security-Policy", policy), ("Cache-Control", "no-store"),
            ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), serial=()"),
            ("Vary", "Origin"),
        ]
        // Modules, fonts and fetch of a page without an origin of its own: it has shown its capability in the address.
        if request.header("origin") == "null" { headers.append(("Access-Control-Allow-Origin", "null")) }
        return headers
    }
}

extension HTTPServerRequest {
    /// What `Authorization: Bearer` says.
    var bearer: String? {
        guard let value = header("authorization"), value.utf8.count > 7, value.prefix(7).lowercased() == "bearer "
        else {
            return nil
        }
        return String(value.dropFirst(7))
    }
}
