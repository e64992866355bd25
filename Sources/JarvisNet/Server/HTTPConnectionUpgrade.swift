import NIOCore
import NIOHTTP1

extension HTTPConnection {
    /// Turns the connection into a WebSocket when budget and delegate agree.
    func upgrade(accept: String) {
        guard let context, let request else { return }
        if let refusal = shared.budget.take(peer) {
            let status = refusal == .total ? 503 : 429
            refuseForGood(
                .text("too many sockets that have not authenticated\n", status: status, headers: [("Retry-After", "1")])
            )
            return
        }
        switch shared.delegate.upgrade(request) {
        case .refuse(let response):
            shared.budget.giveBack(peer)
            refuseForGood(response)
        case .accept(let handler):
            var bytes = context.channel.allocator.buffer(capacity: 192)
            bytes.writeStaticString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            bytes.writeStaticString("X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n")
            bytes.writeStaticString("Sec-WebSocket-Accept: ")
            bytes.writeString(accept)
            bytes.writeStaticString("\r\n\r\n")
            context.write(NIOAny(bytes), promise: nil)
            become(handler, context: context)
        }
    }

    private func become(_ handler: any WebSocketHandler, context: ChannelHandlerContext) {
        let socket = WebSocket(
            channel: context.channel, peer: peer, role: .server, handler: handler,
            maximumMessageBytes: limits.wsPreAuthFrame,
            grants: WebSocket.Grants(
                maximumBuffered: limits.wsMaxBuffered, authenticatedMessageBytes: limits.wsMaxFrame,
                closeDeadline: TimeAmount(limits.wsCloseDeadline), lingerDeadline: TimeAmount(limits.lingerDeadline)),
            sweeper: sweeper)
        socket.budget = shared.budget
        socket.deadline = .now() + TimeAmount(limits.wsHandshakeDeadline)
        socket.inReadBurst = inReadBurst
        socket.unflushed = true
        sweeper.add(socket)
        state = .closed
        let pipeline = context.pipeline.syncOperations
        do {
            // A WebSocket that ended one way is over.
            try context.channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
            try pipeline.addHandler(WebSocketChannelHandler(socket: socket), position: .after(self))
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let watch = try pipeline.handler(type: HTTPByteWatch.self)
            // The decoder hands over the bytes behind the request outside of a read burst.
            let handedOver = context.eventLoop.makePromise(of: Void.self)
            handedOver.futureResult.assumeIsolated().whenComplete { _ in
                socket.inReadBurst = false
                socket.flush()
            }
            context.pipeline.syncOperations.removeHandler(decoder, promise: handedOver)
            context.pipeline.syncOperations.removeHandler(watch, promise: nil)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
        } catch {
            socket.connectionLost()
            context.close(promise: nil)
            return
        }
        socket.open()
    }
}
