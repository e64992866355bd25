import NIOCore

/// The on-loop handle of one WebSocket, server or client side.
///
/// Unchecked: used only on `eventLoop`; every member but `eventLoop` and `peer`, which never change, checks that.
package final class WebSocket: @unchecked Sendable {
    enum State {
        case open
        /// Our close frame is out; messages that still arrive are dropped.
        case closing
        /// Both sides are done; the connection is held for a moment so that the peer gets the last bytes.
        case lingering
        case closed
    }

    /// What a socket is granted.
    struct Grants {
        var maximumBuffered = 52_428_800
        var authenticatedMessageBytes = 26_214_400
        var closeDeadline = TimeAmount.seconds(5)
        var lingerDeadline = TimeAmount.seconds(1)
    }

    /// The loop that owns the socket.
    package let eventLoop: any EventLoop
    /// The other side.
    package let peer: PeerAddress

    let role: WebSocketStateMachine.Role
    let channel: any Channel
    let sweeper: DeadlineSweeper
    let grants: Grants
    var machine: WebSocketStateMachine
    var state = State.open
    var handler: (any WebSocketHandler)?
    var context: ChannelHandlerContext?
    /// The pre-auth slot this socket holds, until it is given back.
    var budget: PreAuthBudget?
    var deadline: NIODeadline?
    var inReadBurst = false
    var unflushed = false
    var flushScheduled = false
    var readHeld = false
    var owedPong: ByteBuffer?

    init(
        channel: any Channel, peer: PeerAddress, role: WebSocketStateMachine.Role, handler: any WebSocketHandler,
        maximumMessageBytes: Int, grants: Grants, sweeper: DeadlineSweeper
    ) {
        self.channel = channel
        eventLoop = channel.eventLoop
        self.peer = peer
        self.role = role
        self.handler = handler
        self.grants = grants
        self.sweeper = sweeper
        machine = WebSocketStateMachine(role: role, maximumMessageBytes: maximumMessageBytes)
    }

    // MARK: State

    /// Whether messages can still be sent.
    package var isOpen: Bool {
        eventLoop.assertInEventLoop()
        return state == .open
    }

    /// False while more waits to be sent than the channel's high-water mark (64 KiB).
    package var isWritable: Bool { channel.isWritable }

    /// The bytes sent here that the operating system has not taken yet.
    package var bufferedBytes: Int {
        eventLoop.assertInEventLoop()
        return (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0  // fails only on a closed channel
    }

    /// The most bytes of one incoming message; 1009 beyond.
    package var maximumMessageBytes: Int {
        get {
            eventLoop.assertInEventLoop()
            return machine.maximumMessageBytes
        }
        set {
            eventLoop.assertInEventLoop()
            machine.maximumMessageBytes = newValue
        }
    }

    /// The peer is known now: frees its pre-auth slot, ends the handshake deadline and raises `maximumMessageBytes` to
    /// the limit for authenticated sockets.
    package func markAuthenticated() {
        eventLoop.assertInEventLoop()
        releaseBudget()
        machine.maximumMessageBytes = max(machine.maximumMessageBytes, grants.authenticatedMessageBytes)
        if state == .open {
            deadline = nil
            sweeper.remove(self)
        }
    }

    func releaseBudget() {
        budget?.giveBack(peer)
        budget = nil
    }

    // MARK: Sending

    /// Sends a text message; the bytes must be UTF-8. Dropped when the socket is not open.
    package func send(text: ByteBuffer) { send(.text, text) }

    /// Sends a text message; the bytes must be UTF-8. Dropped when the socket is not open.
    package func send(text: [UInt8]) { send(.text, ByteBuffer(bytes: text)) }

    /// Sends a text message. Dropped when the socket is not open.
    package func send(text: String) { send(.text, ByteBuffer(string: text)) }

    /// Sends a binary message. Dropped when the socket is not open.
    package func send(binary: ByteBuffer) { send(.binary, binary) }

    /// Sends a message that was encoded once for many sockets. Dropped when the socket is not open.
    package func send(_ frame: PreparedFrame) {
        guard role == .server else {
            send(frame.isText ? .text : .binary, frame.payload)
            return
        }
        eventLoop.preconditionInEventLoop()
        guard state == .open else { return }
        write(frame.bytes)
    }

    /// Begins the closing handshake. Messages sent before arrive first; messages after it are dropped. A second call
    /// changes nothing.
    ///
    /// - Parameters:
    ///   - code: 1000 to 1003, 1007 to 1014 or 3000 to 4999.
    ///   - reason: cut to 123 bytes of UTF-8.
    package func close(code: UInt16, reason: String) {
        eventLoop.preconditionInEventLoop()
        guard state == .open else { return }
        writeControl(.close, WebSocketFrame.closePayload(code: code, reason: reason))
        state = .closing
        deadline = .now() + grants.closeDeadline
        sweeper.add(self)
    }

    /// Drops the connection without a closing handshake. `closed` is called before this returns, with 1006.
    package func abort() {
        eventLoop.preconditionInEventLoop()
        end(code: 1006, reason: "aborted here")
        channel.close(mode: .all, promise: nil)
    }

    private func send(_ opcode: WebSocketFrame.Opcode, _ payload: ByteBuffer) {
        eventLoop.preconditionInEventLoop()
        guard state == .open else { return }
        writeFrame(opcode, payload)
    }

    func writeControl(_ opcode: WebSocketFrame.Opcode, _ payload: ByteBuffer) { writeFrame(opcode, payload) }

    private func writeFrame(_ opcode: WebSocketFrame.Opcode, _ payload: ByteBuffer) {
        let size = payload.readableBytes
        let mask: UInt32? = role == .client ? UInt32.random(in: 1...UInt32.max) : nil
        // Copying a small payload is cheaper than a second write; a large one goes out as it is.
        let joined = mask != nil || size <= 16 << 10
        var buffer = channel.allocator.buffer(
            capacity: WebSocketFrame.maximumHeaderBytes + (joined ? size : 0))
        WebSocketFrame.writeHeader(opcode, payloadBytes: size, mask: mask, into: &buffer)
        if joined {
            WebSocketFrame.writePayload(payload, mask: mask, into: &buffer)
            write(buffer)
        } else {
            write(buffer)
            write(payload)
        }
    }

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.write(NIOAny(bytes), promise: nil)
        unflushed = true
        if !inReadBurst, !flushScheduled {
            // Everything that this turn of the loop still sends leaves with one system call.
            flushScheduled = true
            eventLoop.execute {
                self.flushScheduled = false
                self.flush()
            }
        }
        if !channel.isWritable, bufferedBytes > grants.maximumBuffered { overflow() }
    }

    func flush() {
        guard unflushed else { return }
        unflushed = false
        context?.flush()
    }

    private func overflow() {
        guard state != .closed else { return }
        end(code: 1008, reason: "slow consumer")
        channel.close(mode: .all, promise: nil)
    }

    /// Tells the handler, once, that nothing more will come.
    func end(code: UInt16?, reason: String) {
        releaseBudget()
        deadline = nil
        sweeper.remove(self)
        state = .closed
        guard let handler else { return }
        self.handler = nil
        handler.closed(code: code, reason: reason)
    }
}
