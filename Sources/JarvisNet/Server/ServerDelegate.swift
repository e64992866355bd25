import NIOCore

/// What to do with a request whose body has not been read.
package enum HeadDecision: Sendable {
    /// Answer now; a body that follows is never read into memory.
    case refuse(HTTPServerResponse)
    /// Read a body of at most this many bytes (413 beyond), then `respond`.
    case accept(bodyLimit: Int)
}

/// What to do with a well-formed WebSocket upgrade request.
package enum UpgradeDecision {
    /// Answer over HTTP and close.
    case refuse(HTTPServerResponse)
    /// Upgrade; the handler gets `opened` at once.
    case accept(any WebSocketHandler)
}

/// The application side of a listener. All three are called on the connection's event loop and must not block.
package protocol ServerDelegate: Sendable {
    /// Before the body is read: refuse early (authentication, method, path, content type) or accept with a body limit.
    /// Not called for WebSocket upgrades.
    func head(_ request: HTTPServerRequest) -> HeadDecision

    /// The whole request is here. A failed future answers 500 without detail. The next request of the connection is
    /// not looked at before this one is answered.
    func respond(_ request: HTTPServerRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPServerResponse>

    /// A well-formed WebSocket upgrade on any path. The delegate judges Host, Origin and path itself.
    func upgrade(_ request: HTTPServerRequest) -> UpgradeDecision
}
