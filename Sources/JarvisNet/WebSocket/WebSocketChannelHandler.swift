import NIOCore

/// Drives one `WebSocket` from its channel: bytes into the state machine, events to the handler, one flush a burst.
final class WebSocketChannelHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Never
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let socket: WebSocket

    init(socket: WebSocket) { self.socket = socket }

    func handlerAdded(context: ChannelHandlerContext) { socket.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { socket.connectionLost() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        socket.received(&bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        socket.inReadBurst = false
        socket.flush()
    }

    func read(context: ChannelHandlerContext) {
        // A peer that does not read its answers is not asked for more questions.
        if context.channel.isWritable || socket.state != .open {
            context.read()
        } else {
            socket.readHeld = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        socket.becameWritable()
    }

    func channelInactive(context: ChannelHandlerContext) { socket.connectionLost() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        socket.connectionLost()
        context.close(promise: nil)
    }
}

extension WebSocket: DeadlineHolder {
    /// Calls `opened`. What it sends leaves with the handshake's bytes.
    func open() {
        handler?.opened(self)
    }

    func received(_ bytes: inout ByteBuffer) {
        inReadBurst = true
        while state == .open || state == .closing {
            do throws(WebSocketFailure) {
                guard let event = try machine.next(&bytes) else { return }
                deliver(event)
            } catch {
                fail(error)
            }
        }
    }

    private func deliver(_ event: WebSocketStateMachine.Event) {
        switch event {
        case .text(let payload):
            if state == .open { handler?.received(text: payload) }
        case .binary(let payload):
            if state == .open { handler?.received(binary: payload) }
        case .ping(let payload):
            guard state == .open else { return }
            // While the peer is not reading only its newest ping is worth an answer.
            if channel.isWritable { writeControl(.pong, payload) } else { owedPong = payload }
        case .pong: break
        case .close(let code, let reason):
            if state == .open { writeControl(.close, WebSocketFrame.closePayload(code: code, reason: "")) }
            end(code: code, reason: reason)
            linger()
        }
    }

    private func fail(_ failure: WebSocketFailure) {
        if state == .open {
            writeControl(.close, WebSocketFrame.closePayload(code: failure.code, reason: failure.reason))
        }
        end(code: failure.code, reason: failure.reason)
        linger()
    }

    /// Sends what waits, then FIN, and reads on for a moment: closing with unread input would reset the connection and
    /// could take the close frame with it.
    private func linger() {
        guard state == .closed, channel.isActive else { return }
        state = .lingering
        unflushed = true
        flush()
        channel.close(mode: .output, promise: nil)
        deadline = .now() + grants.lingerDeadline
        sweeper.add(self)
        releaseHeldRead()
    }

    func becameWritable() {
        if let payload = owedPong, state == .open {
            owedPong = nil
            writeControl(.pong, payload)
        }
        releaseHeldRead()
    }

    private func releaseHeldRead() {
        guard readHeld else { return }
        readHeld = false
        context?.read()
    }

    func connectionLost() {
        let wasLingering = state == .lingering
        if wasLingering {
            state = .closed
            sweeper.remove(self)
        } else if state != .closed {
            end(code: 1006, reason: "the connection was lost")
        }
        deadline = nil
        context = nil
    }

    func deadlineExpired() {
        switch state {
        case .open:
            fail(WebSocketFailure(code: 1008, reason: "handshake timeout"))
        case .closing:
            end(code: 1006, reason: "the peer did not answer the close")
            channel.close(mode: .all, promise: nil)
        case .lingering:
            deadline = nil
            channel.close(mode: .all, promise: nil)
        case .closed:
            sweeper.remove(self)
        }
    }
}
