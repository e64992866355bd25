import NIOCore
import NIOHTTP1

/// The first handler of a client's connection: asks whether the client may come in, then sees whether it wants a tunnel
/// or to have requests forwarded.
final class ForwardProxyEntrance: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State { case asking, reading, connecting, leaving, done }

    private let shared: ForwardProxyShared
    private var state = State.asking
    private var received = ByteBuffer()

    init(shared: ForwardProxyShared) { self.shared = shared }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        guard !shared.isFull, let peer = context.remoteAddress, let local = context.localAddress else {
            refuse(ForwardProxyRefusal(status: 503, message: "too many connections at a time"), context)
            return
        }
        let loopBound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let rules = shared.rules
        LookupThreads.pool.runIfActive(eventLoop: context.eventLoop) { rules.admits(peer, local) }
            .assumeIsolated().whenComplete { result in
                guard self.state == .asking else { return }
                if case .success(true) = result {
                    self.state = .reading
                    loopBound.value.read()
                } else {
                    self.refuse(
                        ForwardProxyRefusal(status: 403, message: "this proxy serves one browser of its own user only"),
                        loopBound.value)
                }
            }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        guard state == .reading || state == .connecting else { return }
        received.writeBuffer(&bytes)
        if state == .reading { look(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if state == .reading || state == .leaving { context.read() }
        context.fireChannelReadComplete()
    }

    private func look(_ context: ChannelHandlerContext) {
        let verb = Array("CONNECT ".utf8)
        let view = received.readableBytesView
        guard view.prefix(verb.count).elementsEqual(verb.prefix(view.count)) else {
            forward(context)
            return
        }
        guard let end = Self.endOfHead(view) else {
            if view.count > 16 << 10 {
                refuse(ForwardProxyRefusal(status: 400, message: "the request's headers are too large"), context)
            }
            return
        }
        let line = view.prefix { $0 != 13 && $0 != 10 }
        received.moveReaderIndex(to: end)
        let parts = String(decoding: line, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].hasPrefix("HTTP/1."), let target = ForwardProxyTarget(authority: parts[1])
        else {
            refuse(ForwardProxyRefusal(status: 400, message: "CONNECT needs a host and a port"), context)
            return
        }
        tunnel(to: target, context)
    }

    private func tunnel(to target: ForwardProxyTarget, _ context: ChannelHandlerContext) {
        state = .connecting
        let client = NIOLoopBound(context, eventLoop: context.eventLoop)
        shared.connect(to: target, on: context.eventLoop) { _ in }
            .assumeIsolated().whenComplete { result in
                let context = client.value
                guard self.state == .connecting else {
                    if case .success(let server) = result { server.close(promise: nil) }
                    return
                }
                switch result {
                case .success(let server): self.join(context, server)
                case .failure(let error): self.refuse(ForwardProxyRefusal(error), context)
                }
            }
    }

    private func join(_ context: ChannelHandlerContext, _ server: any Channel) {
        state = .done
        let channel = context.channel
        let ours = ForwardProxyTunnelEnd(partner: server)
        let theirs = ForwardProxyTunnelEnd(partner: channel)
        do {
            try server.pipeline.syncOperations.addHandlers([
                IdleStateHandler(allTimeout: TimeAmount(shared.limits.idle)), theirs,
            ])
            try channel.pipeline.syncOperations.addHandler(ours)
        } catch {
            server.close(promise: nil)
            channel.close(promise: nil)
            return
        }
        channel.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"), promise: nil)
        if received.readableBytes > 0 { server.writeAndFlush(received, promise: nil) }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        channel.read()
        server.read()
    }

    private func forward(_ context: ChannelHandlerContext) {
        state = .done
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = shared.limits.requestHeaderBytes
        limits.maxHeaderListSize = shared.limits.requestHeaderBytes
        limits.maxHeaderFieldCount = 200
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: limits)
        var plain = HTTPResponseEncoder.Configuration()
        plain.automaticallySetFramingHeaders = false
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandlers([
                HTTPResponseEncoder(configuration: plain), ByteToMessageHandler(decoder),
                ForwardProxyClient(shared: shared),
            ])
        } catch {
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(wrapInboundOut(received))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func refuse(_ refusal: ForwardProxyRefusal, _ context: ChannelHandlerContext) {
        state = .leaving
        var bytes = context.channel.allocator.buffer(capacity: 512)
        bytes.writeString(refusal.headText + refusal.bodyText)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
            ForwardProxyFarewell.say(on: channel)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .leaving
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent || event as? ChannelEvent == .inputClosed {
            // A client that sends no more has asked for nothing; one that waits for its tunnel has given up.
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private static func endOfHead(_ view: ByteBufferView) -> Int? {
        var newlines = 0
        for index in view.indices {
            switch view[index] {
            case 10: newlines += 1
            case 13: continue
            default: newlines = 0
            }
            if newlines == 2 { return index + 1 }
        }
        return nil
    }
}

extension ForwardProxyRefusal {
    /// The status line and the headers of the answer.
    var headText: String {
        "HTTP/1.1 \(status) \(HTTPResponseStatus(statusCode: status).reasonPhrase)\r\n"
            + "Content-Type: text/plain; charset=utf-8\r\nContent-Length: \(bodyText.utf8.count)\r\n"
            + "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\(Self.mark): 1\r\n"
            + "Content-Security-Policy: default-src 'none'; sandbox\r\nConnection: close\r\n\r\n"
    }

    /// What a person reads.
    var bodyText: String { message + "\n" }
}

/// Ends a connection after its last answer so that the answer arrives: a socket that is closed with unread bytes is
/// reset, and the answer with it.
enum ForwardProxyFarewell {
    static func say(on channel: any Channel) {
        channel.close(mode: .output, promise: nil)
        channel.eventLoop.scheduleTask(in: .seconds(2)) { channel.close(promise: nil) }
        channel.read()
    }
}
