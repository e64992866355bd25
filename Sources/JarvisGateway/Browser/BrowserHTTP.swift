import JarvisBrowser
import JarvisCore
import JarvisNet
import NIOCore

/// The control service over HTTP on base + 2: judges every request before any work, then hands it to the browsers.
///
/// In this order: Host (421), page of another site (403), too many wrong secrets (429), secret (401, the same text
/// whatever the path), WebSocket (400), route (404, 405), body (413, 415, 400).
struct BrowserHTTP: ServerDelegate {
    /// The largest body in bytes.
    static let bodyLimit = 1 << 20

    let gateway: Gateway
    /// The bound port.
    let port: Int

    func head(_ request: HTTPServerRequest) -> HeadDecision {
        gateway.assumeIsolated { gateway in
            if let refusal = gateway.browserRefusal(of: request, port: port) { return .refuse(refusal) }
            if let refusal = Self.misfit(request) { return .refuse(gateway.browserAnswer(BrowserReply(refusal))) }
            return .accept(bodyLimit: Self.bodyLimit)
        }
    }

    func respond(_ request: HTTPServerRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPServerResponse> {
        let asked: BrowserRequest
        do throws(BrowserError) {
            asked = try Self.read(request)
        } catch {
            return loop.makeSucceededFuture(gateway.assumeIsolated { $0.browserAnswer(BrowserReply(error)) })
        }
        let promise = loop.makePromise(of: HTTPServerResponse.self)
        // unstructured: a request outlives the callback that received it; ends with its answer or when the client goes
        let work = Task { [gateway] in
            let reply = await gateway.browse(asked)
            promise.succeed(await gateway.browserAnswer(reply))
        }
        request.peerWatch?.onPeerGone { work.cancel() }
        return promise.futureResult
    }

    func upgrade(_ request: HTTPServerRequest) -> UpgradeDecision {
        let response = gateway.assumeIsolated { gateway in
            gateway.browserRefusal(of: request, port: port)
                ?? gateway.browserAnswer(
                    BrowserReply(BrowserError(400, "no_websocket", "The control service has no WebSocket.")))
        }
        return .refuse(response)
    }

    /// What is wrong with a request of somebody who may ask; nil when its body may be read.
    private static func misfit(_ request: HTTPServerRequest) -> BrowserError? {
        let path = route(request.path)
        if BrowserRoutes.find(request.method, path) == nil {
            let methods = ["GET", "POST", "DELETE"].filter { BrowserRoutes.find($0, path) != nil }
            guard !methods.isEmpty else {
                return BrowserError(404, "unknown_route", "There is no \(request.method) \(path.prefix(200)).")
            }
            return BrowserError(
                405, "wrong_method", "\(path.prefix(200)) takes \(methods.joined(separator: " or ")).")
        }
        let length = request.header("content-length").flatMap { Int($0) } ?? 0
        guard length > 0 || request.header("transfer-encoding") != nil else { return nil }
        guard length <= bodyLimit else {
            return BrowserError(413, "too_large", "The body has \(length) bytes; the limit is \(bodyLimit).")
        }
        let types = request.headers("content-type")
        let type = types.first?.split(separator: ";").first.map { $0.lowercased().filter { $0 != " " } }
        guard types.count == 1, type == "application/json" else {
            return BrowserError(
                415, "wrong_content_type",
                "The body must be JSON, sent as Content-Type: application/json; found"
                    + " \(type.map { "\"\($0.prefix(60))\"" } ?? "none").")
        }
        return nil
    }

    private static func read(_ request: HTTPServerRequest) throws(BrowserError) -> BrowserRequest {
        var query: [String: String] = [:]
        for (name, value) in request.query {
            guard query.updateValue(value, forKey: name) == nil else {
                throw BrowserError(400, "bad_query", "The query says \"\(name.prefix(60))\" twice.")
            }
        }
        var body: JSONValue = [:]
        if !request.body.isEmpty {
            do throws(JSONParseError) {
                body = try JSONParser.parse(request.body)
            } catch {
                throw BrowserError(400, "bad_json", "The body is no JSON: \(error)")
            }
            guard body.objectValue != nil else {
                throw BrowserError(400, "bad_json", "The body must be a JSON object, found \(body.kindName).")
            }
        }
        return BrowserRequest(request.method, route(request.path), query: query, body: body)
    }

    /// The path without the slash at its end.
    private static func route(_ path: String) -> String {
        path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}

extension Gateway {
    /// Why a request to the control service is refused before any work; nil when it may go on.
    func browserRefusal(of request: HTTPServerRequest, port: Int) -> HTTPServerResponse? {
        let host = request.header("host") ?? ""
        guard OriginPolicy(port: port, addresses: [], allowedOrigins: []).allowsHost(host) else {
            return plain("Misdirected Request: this service does not answer to that Host\n", 421)
        }
        let origins = request.headers("origin")
        if origins.count > 1 { return plain("Bad Request: more than one Origin\n", 400) }
        if BrowserAccess.isForeignPage(
            host: host, origins: origins, referers: request.headers("referer"),
            fetchSites: request.headers("sec-fetch-site"))
        {
            return plain("Forbidden: pages of other sites may not use this service\n", 403)
        }
        let key = request.peer.limiterKey
        let isExempt = rateLimiter.limits.exemptLoopback && request.isLocalDirect
        if !isExempt, let wait = rateLimiter.lockedFor(key, now: clock.now()) {
            return plain("Too Many Requests\n", 429, [("Retry-After", String(wait / 1000 + 1))])
        }
        switch BrowserAccess.check(BrowserAccess.shown(request.headers), against: auth.controlSecret) {
        case .accepted:
            rateLimiter.recordSuccess(key)
            return nil
        case .mismatch: rateLimiter.recordFailure(key, now: clock.now())
        case .missing, .notConfigured: break
        }
        if let leftOut = refusalLog.admit(now: clock.now()) {
            logger.warning(
                "browser control: request without the right secret",
                metadata: ["method": "\(request.method.prefix(16))", "leftOut": "\(leftOut)"])
        }
        // No WWW-Authenticate: a browser that keeps the secret would send it with every page's requests.
        return plain("Unauthorized\n", 401)
    }

    /// A reply of the browsers as HTTP.
    func browserAnswer(_ reply: BrowserReply) -> HTTPServerResponse {
        stamped(.json(reply.body, status: reply.status, headers: Self.browserHeaders))
    }

    private func plain(_ text: String, _ status: Int, _ headers: [(String, String)] = []) -> HTTPServerResponse {
        stamped(.text(text, status: status, headers: Self.browserHeaders + headers))
    }

    private static var browserHeaders: [(String, String)] {
        [("Cache-Control", "no-store"), ("Cross-Origin-Resource-Policy", "same-origin")]
    }
}
