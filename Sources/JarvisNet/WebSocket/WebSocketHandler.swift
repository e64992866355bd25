import NIOCore

/// One side of one WebSocket. Callbacks come on the event loop, in order; `closed` comes exactly once and last.
package protocol WebSocketHandler: AnyObject {
    /// The handshake is done; `socket` may be used until `closed`.
    func opened(_ socket: WebSocket)
    /// A whole text message of valid UTF-8.
    func received(text: ByteBuffer)
    /// A whole binary message.
    func received(binary: ByteBuffer)
    /// The end. `code` is the peer's close code (nil when its close frame had none), the code this side failed the
    /// connection with, or 1006 when the connection was lost without a close frame.
    func closed(code: UInt16?, reason: String)
}

/// Sends every message back: what a conformance suite talks to.
package final class EchoHandler: WebSocketHandler {
    private var socket: WebSocket?

    /// An echo that counts as authenticated at once.
    package init() {}

    /// Takes the socket and lets it off the handshake deadline.
    package func opened(_ socket: WebSocket) {
        self.socket = socket
        socket.markAuthenticated()
    }

    /// Sends the text back.
    package func received(text: ByteBuffer) { socket?.send(text: text) }

    /// Sends the bytes back.
    package func received(binary: ByteBuffer) { socket?.send(binary: binary) }

    /// Lets the socket go.
    package func closed(code: UInt16?, reason: String) { socket = nil }
}
