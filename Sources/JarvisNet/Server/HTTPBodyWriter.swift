import NIOCore

/// Writes the body of one streamed response, piece by piece.
///
/// Unchecked: used only on `eventLoop`; every member but `eventLoop` checks that.
package final class HTTPBodyWriter: @unchecked Sendable {
    /// The loop that owns the connection.
    package let eventLoop: any EventLoop
    private var connection: HTTPConnection?
    private let chunked: Bool
    private let discards: Bool
    private var closed: (@Sendable () -> Void)?

    init(connection: HTTPConnection, eventLoop: any EventLoop, chunked: Bool, discards: Bool) {
        self.connection = connection
        self.eventLoop = eventLoop
        self.chunked = chunked
        self.discards = discards
    }

    /// Whether the peer is still there and `end` has not been called.
    package var isOpen: Bool {
        eventLoop.assertInEventLoop()
        return connection != nil
    }

    /// The bytes written here that the operating system has not taken yet.
    package var bufferedBytes: Int {
        eventLoop.assertInEventLoop()
        return connection?.bufferedBytes ?? 0
    }

    /// Sends `bytes` now. Dropped when the writer is not open.
    package func write(_ bytes: ByteBuffer) {
        eventLoop.preconditionInEventLoop()
        guard let connection, bytes.readableBytes > 0, !discards else { return }
        guard chunked else {
            connection.writePiece(bytes)
            return
        }
        var chunk = ByteBufferAllocator().buffer(capacity: bytes.readableBytes + 20)
        chunk.writeString(String(bytes.readableBytes, radix: 16))
        chunk.writeStaticString("\r\n")
        chunk.writeImmutableBuffer(bytes)
        chunk.writeStaticString("\r\n")
        connection.writePiece(chunk)
    }

    /// Sends `bytes` now. Dropped when the writer is not open.
    package func write(_ bytes: [UInt8]) { write(ByteBuffer(bytes: bytes)) }

    /// The body is complete. A second call changes nothing.
    package func end() {
        eventLoop.preconditionInEventLoop()
        guard let connection else { return }
        if chunked, !discards { connection.writePiece(ByteBuffer(staticString: "0\r\n\r\n")) }
        self.connection = nil
        closed = nil
        connection.streamEnded()
    }

    /// Calls `action` once when the peer goes away before `end`; at once when it is gone already.
    package func onPeerGone(_ action: @escaping @Sendable () -> Void) {
        eventLoop.preconditionInEventLoop()
        if connection == nil { action() } else { closed = action }
    }

    /// The peer is gone.
    func peerGone() {
        connection = nil
        let action = closed
        closed = nil
        action?()
    }
}
