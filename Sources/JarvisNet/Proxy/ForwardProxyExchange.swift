import NIOCore
import NIOHTTP1

/// The client's side of forwarded requests: one after the other, each with its own target.
final class ForwardProxyClient: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State { case idle, connecting, relaying, leaving }

    private let shared: ForwardProxyShared
    private var state = State.idle
    private var context: ChannelHandlerContext?
    private var waiting: [HTTPServerRequestPart] = []
    private var server: (target: ForwardProxyTarget, handler: ForwardProxyServer, channel: any Channel)?

    // Of the exchange under way.
    private var request = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")
    private var requestEnded = false
    private var answerBegan = false
    private var serverIsReused = false
    private var keepsClient = true
    private var keepsServer = true

    init(shared: ForwardProxyShared) { self.shared = shared }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: From the client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .leaving else { return }
        waiting.append(unwrapInboundIn(data))
        advance()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        server?.channel.flush()
        readMore()
        context.fireChannelReadComplete()
    }

    private func advance() {
        while let part = waiting.first {
            switch (state, part) {
            case (.idle, .head(let head)):
                waiting.removeFirst()
                begin(head)
            case (.relaying, .body(let bytes)) where !requestEnded:
                waiting.removeFirst()
                server?.channel.write(HTTPClientRequestPart.body(.byteBuffer(bytes)), promise: nil)
            case (.relaying, .end) where !requestEnded:
                waiting.removeFirst()
                requestEnded = true
                server?.channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            default: return
            }
        }
    }

    private func readMore() {
        switch state {
        case .connecting: return
        case .relaying where !waiting.isEmpty || (!requestEnded && server?.channel.isWritable == false): return
        case .idle, .relaying, .leaving: context?.read()
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        guard let (target, path, host) = ForwardProxyTarget.absolute(head.uri) else {
            refuse(
                ForwardProxyRefusal(
                    status: 400,
                    message:
                        "this is the way of one browser to the network, not a server: ask it for http://… or CONNECT"))
            return
        }
        request = head
        requestEnded = false
        answerBegan = false
        keepsClient = head.isKeepAlive
        var forwarded = HTTPRequestHead(version: .http1_1, method: head.method, uri: path)
        // The address decides which host is meant; whatever the field says.
        forwarded.headers = HTTPHeaders([("Host", host)])
        forwarded.headers.add(contentsOf: Self.endToEnd(head.headers).filter { $0.name.lowercased() != "host" })
        if head.headers.contains(name: "Transfer-Encoding") {
            forwarded.headers.remove(name: "Content-Length")
            forwarded.headers.add(name: "Transfer-Encoding", value: "chunked")
        }
        if let server, server.target.host == target.host, server.target.port == target.port, server.channel.isActive {
            serverIsReused = true
            state = .relaying
            server.channel.writeAndFlush(HTTPClientRequestPart.head(forwarded), promise: nil)
        } else {
            connect(to: target, forwarded)
        }
    }

    private func connect(to target: ForwardProxyTarget, _ head: HTTPRequestHead) {
        guard let context else { return }
        server?.channel.close(promise: nil)
        server = nil
        serverIsReused = false
        state = .connecting
        let limits = shared.limits
        let handler = NIOLoopBound(
            ForwardProxyServer(client: self, measure: AnswerMeasure(limit: limits.responseHeaderBytes)),
            eventLoop: context.eventLoop)
        shared.connect(to: target, on: context.eventLoop) { channel in
            var decoding = NIOHTTPDecoderLimitConfiguration()
            decoding.maxHeaderFieldSize = limits.responseHeaderBytes
            decoding.maxHeaderListSize = limits.responseHeaderBytes
            decoding.maxHeaderFieldCount = 500
            var plain = HTTPRequestEncoder.Configuration()
            plain.automaticallySetFramingHeaders = false
            try channel.pipeline.syncOperations.addHandlers([
                handler.value.measure, HTTPRequestEncoder(configuration: plain),
                ByteToMessageHandler(
                    HTTPResponseDecoder(
                        leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop,
                        limitConfiguration: decoding)),
                handler.value,
            ])
        }.assumeIsolated().whenComplete { result in
            guard self.state == .connecting, self.context != nil else {
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            switch result {
            case .success(let channel):
                self.server = (target, handler.value, channel)
                self.state = .relaying
                channel.writeAndFlush(HTTPClientRequestPart.head(head), promise: nil)
                self.advance()
                channel.flush()
                channel.read()
                self.readMore()
            case .failure(let error): self.refuse(ForwardProxyRefusal(error))
            }
        }
    }

    // MARK: From the server

    /// Whether the server may be read: the client takes what comes.
    var takesMore: Bool { context?.channel.isWritable ?? false }

    func answered(_ part: HTTPClientResponsePart, by handler: ForwardProxyServer) {
        guard state == .relaying, handler === server?.handler, let context else { return }
        switch part {
        case .head(let head):
            answerBegan = true
            context.write(wrapOutboundOut(.head(answer(head))), promise: nil)
        case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        case .end:
            finish(written: context.writeAndFlush(wrapOutboundOut(.end(nil))))
        }
    }

    func flushAnswer() { context?.flush() }

    private func answer(_ head: HTTPResponseHead) -> HTTPResponseHead {
        var answer = HTTPResponseHead(version: .http1_1, status: head.status, headers: Self.endToEnd(head.headers))
        let hasBody = request.method != .HEAD && ![204, 304].contains(head.status.code)
        let hasLength = head.headers.contains(name: "Content-Length")
        let isChunked = head.headers.contains(name: "Transfer-Encoding")
        keepsServer = head.isKeepAlive && (!hasBody || hasLength || isChunked)
        if hasBody, isChunked || !hasLength {
            answer.headers.remove(name: "Content-Length")
            if request.version == .http1_1 {
                answer.headers.add(name: "Transfer-Encoding", value: "chunked")
            } else {
                keepsClient = false
            }
        }
        if !keepsClient { answer.headers.add(name: "Connection", value: "close") }
        return answer
    }

    private func finish(written: EventLoopFuture<Void>) {
        if !keepsServer || !requestEnded {
            server?.channel.close(promise: nil)
            server = nil
        }
        guard keepsClient, requestEnded, context != nil else {
            leave(after: written)
            return
        }
        state = .idle
        // The next request may be here already, whole or in part.
        advance()
        server?.channel.flush()
        readMore()
    }

    func lost(_ handler: ForwardProxyServer, _ error: (any Error)?) {
        guard handler === server?.handler else { return }
        server?.channel.close(promise: nil)
        server = nil
        guard state == .relaying else { return }
        if answerBegan || serverIsReused {
            // A client repeats on a new connection what it asked on one that had been used before; half an answer must
            // not look like a whole one.
            state = .leaving
            context?.close(promise: nil)
        } else {
            let reason = error.map { HTTPClientError(ofConnection: $0, answered: false).message }
            refuse(
                ForwardProxyRefusal(
                    status: 502, message: reason ?? "the server closed the connection without an answer"))
        }
    }

    func serverTakesMore() { readMore() }

    // MARK: The end

    private func refuse(_ refusal: ForwardProxyRefusal) {
        guard let context else { return }
        var head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: refusal.status))
        for line in refusal.headText.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if let name = parts.first, let value = parts.last {
                head.headers.add(name: String(name), value: String(value.drop { $0 == " " }))
            }
        }
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            let body = context.channel.allocator.buffer(string: refusal.bodyText)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        leave(after: context.writeAndFlush(wrapOutboundOut(.end(nil))))
    }

    private func leave(after written: EventLoopFuture<Void>) {
        state = .leaving
        waiting.removeAll()
        server?.channel.close(promise: nil)
        server = nil
        guard let channel = context?.channel else { return }
        written.whenComplete { _ in ForwardProxyFarewell.say(on: channel) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { server?.channel.read() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .leaving
        server?.channel.close(promise: nil)
        server = nil
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        let isEnd = event as? ChannelEvent == .inputClosed
        // A client that has ended its side waits for its answer at most.
        if event is IdleStateHandler.IdleStateEvent || (isEnd && (state == .idle || state == .leaving || !requestEnded))
        {
            context.close(promise: nil)
        } else if isEnd {
            keepsClient = false
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError, state == .idle || state == .connecting else {
            context.close(promise: nil)
            return
        }
        refuse(ForwardProxyRefusal(status: 400, message: "the request is no HTTP/1.1 or its headers are too large"))
    }

    /// The fields that are for the other end, not for this connection.
    static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let named = headers[canonicalForm: "Connection"].map { $0.lowercased() }
        var kept = HTTPHeaders()
        kept.reserveCapacity(headers.count)
        for (name, value) in headers {
            let lower = name.lowercased()
            switch lower {
            case "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
                "trailer", "transfer-encoding", "upgrade":
                continue
            case ForwardProxyRefusal.mark: continue  // ours alone to say
            // These say where a message ends and whom it is for: a client or a server that takes them out of the next hop
            // would have the two ends disagree.
            case "content-length", "host": kept.add(name: name, value: value)
            default: if !named.contains(lower) { kept.add(name: name, value: value) }
            }
        }
        return kept
    }
}

/// The server's side of forwarded requests.
final class ForwardProxyServer: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    let measure: AnswerMeasure
    private let client: ForwardProxyClient

    init(client: ForwardProxyClient, measure: AnswerMeasure) {
        self.client = client
        self.measure = measure
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        measure.cameOfIt()
        client.answered(unwrapInboundIn(data), by: self)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        client.flushAnswer()
        if client.takesMore { context.read() }
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { client.serverTakesMore() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        client.lost(self, nil)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        client.lost(self, error)
        context.close(promise: nil)
    }
}

/// Ends a connection on which a server says much and nothing comes of it. The parser bounds fields, but neither the words
/// of a status line nor how many interim answers precede one.
final class AnswerMeasure: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let limit: Int
    private var waiting = 0

    /// - Parameter limit: the most bytes of fields, which are parsed to the end before anything comes of them.
    init(limit: Int) { self.limit = 2 * limit }

    /// The parser has made something of what was read.
    func cameOfIt() { waiting = 0 }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        waiting += unwrapInboundIn(data).readableBytes
        context.fireChannelRead(data)
        if waiting > limit { context.fireErrorCaught(HTTPParserError.headerOverflow) }
    }
}
