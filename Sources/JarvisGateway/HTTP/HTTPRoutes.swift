import JarvisCore
import JarvisHost
import JarvisNet

/// One HTTP route.
struct HTTPRoute: Sendable {
    var paths: [String]
    var methods: [String] = ["GET", "HEAD"]
    /// The largest request body in bytes.
    var bodyLimit = 0
    /// Whether it is there on the control socket alone: on TCP it does not exist.
    var isControlOnly = false
    var respond: @Sendable (isolated Gateway, HTTPServerRequest) -> HTTPServerResponse
}

/// The routes of the gateway port. A new route is one entry.
enum HTTPRoutes {
    static let all: [HTTPRoute] = [live, ready, uiConfig, instance] + assets

    /// The route of a normalised path, as `peer` may see it.
    static func find(_ path: String, for peer: PeerAddress) -> HTTPRoute? {
        guard let route = byPath[path] else { return nil }
        if route.isControlOnly, case .tcp = peer { return nil }
        return route
    }

    /// Whether WebSockets are refused there. The page's own path `/` serves both.
    static func isReserved(_ path: String) -> Bool { path != "/" && byPath[path] != nil }

    private static let byPath: [String: HTTPRoute] = all.reduce(into: [:]) { table, route in
        for path in route.paths { table[path] = route }
    }

    /// The process lives.
    private static let live = HTTPRoute(paths: ["/healthz", "/health"]) { _, _ in
        .json(["ok": true, "status": "live"], status: 200, headers: [("Cache-Control", "no-store")])
    }

    /// The gateway serves: listeners are up and unfinished runs are back in their lanes.
    private static let ready = HTTPRoute(paths: ["/readyz", "/ready", "/startup", "/startupz"]) { gateway, _ in
        let isReady = gateway.phase == .ready && gateway.store.failure == nil
        return .json(
            ["ok": .bool(isReady), "status": .string(isReady ? "ready" : "not-ready")], status: isReady ? 200 : 503,
            headers: [("Cache-Control", "no-store")])
    }

    /// What the page must know before it can connect; nothing else.
    private static let uiConfig = HTTPRoute(paths: ["/__jarvis/control-ui-config.json"]) { gateway, _ in
        .json(
            [
                "basePath": "", "assistantName": "JARVIS", "assistantAvatar": .null, "assistantAgentId": "main",
                "instanceId": .string(gateway.identity.instanceId), "profile": .string(gateway.instance.displayName),
                "color": .string(
                    InstanceColor.of(instanceId: gateway.identity.instanceId, name: gateway.instance.displayName).hex),
            ], status: 200, headers: [("Cache-Control", "no-store")])
    }

    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        + "font-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The page, from the binary.
    private static let assets: [HTTPRoute] = WebAssets.all.map { asset in
        let tag = "\"\(asset.etag)\""
        let headers = [
            ("ETag", tag), ("Cache-Control", "no-cache"), ("Content-Security-Policy", policy),
            ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        return HTTPRoute(paths: [asset.path]) { gateway, request in
            guard gateway.config.config.gateway.controlUi.enabled else {
                return .text("Not Found: the page is turned off (gateway.controlUi.enabled)\n", status: 404)
            }
            if request.header("if-none-match") == tag { return .empty(status: 304, headers: headers) }
            let body = asset.body.withUTF8Buffer { Array($0) }
            return .bytes(body, contentType: asset.contentType, status: 200, headers: headers)
        }
    }
}
