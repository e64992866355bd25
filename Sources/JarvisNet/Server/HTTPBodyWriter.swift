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
    // What is still owed of the length that the head promised.
    private var owed: Int?
    private var closed: (@Sendable () -> Void)?
    private var taken: (@Sendable () -> Void)?

    init(connection: HTTPConnection, eventLoop: any EventLoop, chunked: Bool, discards: Bool, length: Int?) {
        self.connection = connection
        self.eventLoop = eventLoop
        self.chunked = chunked
        self.discards = discards
        owed = discards ? nil : length
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

    /// Sends `bytes` now. Dropped when the writer is not open, and beyond the promised length.
    package func write(_ bytes: ByteBuffer) {
        eventLoop.preconditionInEventLoop()
        var bytes = bytes
        if let owed {
            bytes = bytes.getSlice(at: bytes.readerIndex, length: min(owed, bytes.readableBytes)) ?? ByteBuffer()
            self.owed = owed - bytes.readableBytes
        }
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

    /// Sends `bytes` now. Dropped when the writer is not open, and beyond the promised length.
    package func write(_ bytes: [UInt8]) { write(ByteBuffer(bytes: bytes)) }

    /// The body is complete. A second call changes nothing. A body that is shorter than promised ends the connection, so
    /// that nobody takes it for whole.
    package func end() {
        eventLoop.preconditionInEventLoop()
        guard let connection else { return }
        if chunked, !discards { connection.writePiece(ByteBuffer(staticString: "0\r\n\r\n")) }
        self.connection = nil
        closed = nil
        taken = nil
        connection.streamEnded(isWhole: owed ?? 0 == 0)
    }

    /// Calls `action` once, as soon as the peer has taken most of what was written: at once when little waits. Not called
    /// when the peer goes. A second action takes the place of the first.
    package func whenTaken(_ action: @escaping @Sendable () -> Void) {
        eventLoop.preconditionInEventLoop()
        guard let connection else { return }
        if connection.isWritable { action() } else { taken = action }
    }

    /// The peer takes more.
    func writable() {
        let action = taken
        taken = nil
        action?()
    }

    /// Calls `action` once when the peer goes away before `end`; at once when it is gone already.
    package func onPeerGone(_ action: @escaping @Sendable () -> Void) {
        eventLoop.preconditionInEventLoop()
        if connection == nil { action() } else { closed = action }
    }

    /// The peer is gone.
    func peerGone() {
        connection = nil
        taken = nil
        let action = closed
        closed = nil
        action?()
    }
}
