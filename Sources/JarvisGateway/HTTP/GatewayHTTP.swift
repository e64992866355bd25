import JarvisCore
import JarvisNet
import NIOCore

/// The HTTP side of the gateway port and of the control socket: checks Host and Origin of every request before any
/// work, then finds the route.
struct GatewayHTTP: ServerDelegate {
    let gateway: Gateway

    func head(_ request: HTTPServerRequest) -> HeadDecision {
        gateway.assumeIsolated { gateway in
            if let refusal = gateway.refusal(of: request) { return .refuse(refusal) }
            if let target = CanvasTarget(path: request.path, query: request.query) {
                if let refusal = gateway.canvasRefusal(target, request) { return .refuse(refusal) }
                return .accept(bodyLimit: 0)
            }
            guard let route = HTTPRoutes.find(request.path, for: request.peer) else {
                return .refuse(gateway.stamped(.text("Not Found\n", status: 404)))
            }
            guard route.methods.contains(request.method) else {
                let allow = route.methods.joined(separator: ", ")
                return .refuse(gateway.stamped(.text("Method Not Allowed\n", status: 405, headers: [("Allow", allow)])))
            }
            return .accept(bodyLimit: route.bodyLimit)
        }
    }

    func respond(_ request: HTTPServerRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPServerResponse> {
        if let target = CanvasTarget(path: request.path, query: request.query) {
            return gateway.assumeIsolated { $0.canvasResponse(target, request, on: loop) }
        }
        let response = gateway.assumeIsolated { gateway in
            guard let route = HTTPRoutes.find(request.path, for: request.peer) else {
                return gateway.stamped(.text("Not Found\n", status: 404))
            }
            return gateway.stamped(route.respond(gateway, request))
        }
        return loop.makeSucceededFuture(response)
    }

    func upgrade(_ request: HTTPServerRequest) -> UpgradeDecision {
        if CanvasTarget.isReserved(request.path) {
            switch gateway.assumeIsolated({ $0.canvasUpgrade(request) }) {
            case .failure(let refusal): return .refuse(refusal.response)
            case .success(let handler): return .accept(handler)
            }
        }
        let admission: Result<Int, UpgradeRefusal> = gateway.assumeIsolated { gateway in
            if let refusal = gateway.refusal(of: request) { return .failure(UpgradeRefusal(response: refusal)) }
            if HTTPRoutes.isReserved(request.path) {
                let response = gateway.stamped(.text("no WebSocket on this path\n", status: 400))
                return .failure(UpgradeRefusal(response: response))
            }
            return .success(gateway.nextConnectionId())
        }
        let id: Int
        switch admission {
        case .failure(let refusal): return .refuse(refusal.response)
        case .success(let number): id = number
        }
        let facts = ConnectionHandler.UpgradeFacts(
            isLocalDirect: request.isLocalDirect, origin: request.header("origin"), host: request.header("host") ?? "")
        return .accept(ConnectionHandler(gateway: gateway, id: id, request: facts))
    }
}

/// Why there is no WebSocket.
struct UpgradeRefusal: Error {
    let response: HTTPServerResponse
}

extension Gateway {
    /// Why a request is refused before any work; nil when it may go on.
    func refusal(of request: HTTPServerRequest) -> HTTPServerResponse? {
        let host = request.header("host") ?? ""
        if case .unix(let uid, _) = request.peer, uid != ProcessFacts.userId, uid != 0 {
            return stamped(.text("Forbidden: this socket serves its owner only\n", status: 403))
        }
        if case .tcp = request.peer, !origins.allowsHost(host) {
            return stamped(.text("Misdirected Request: this gateway does not answer to that Host\n", status: 421))
        }
        let given = request.headers("origin")
        if given.count > 1 { return stamped(.text("Bad Request: more than one Origin\n", status: 400)) }
        if let origin = given.first, !origins.allowsOrigin(origin, host: host),
            !(origin == "null" && canvasAdmitsOpaqueOrigin(request))
        {
            return stamped(.text("Forbidden: this Origin may not talk to the gateway\n", status: 403))
        }
        let isMutating = !["GET", "HEAD", "OPTIONS"].contains(request.method)
        if isMutating, request.header("sec-fetch-site") == "cross-site" {
            return stamped(.text("Forbidden: cross-site request\n", status: 403))
        }
        return nil
    }

    /// Every answer names the instance, so that a client which expected another one stops.
    func stamped(_ response: HTTPServerResponse) -> HTTPServerResponse {
        var response = response
        response.headers.append(("X-Jarvis-Instance-Id", identity.instanceId))
        return response
    }
}
