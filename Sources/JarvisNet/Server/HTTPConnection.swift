import JarvisCore
import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection of a listener: one request at a time, in order, each with its deadlines, until the peer
/// goes, breaks a rule or becomes a WebSocket.
final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, DeadlineHolder {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = Never
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        /// Between two requests, or in a head.
        case idle
        case readingBody(limit: Int)
        /// Refused by its head; the answer goes out when the (empty) body ends.
        case refused(HTTPServerResponse)
        case upgrading(accept: String)
        case responding
        /// The last answer is out; input is thrown away until the peer has seen it.
        case lingering
        case closed
    }

    let shared: ListenerShared
    let sweeper: DeadlineSweeper
    let peer: PeerAddress
    var deadline: NIODeadline?
    var context: ChannelHandlerContext?
    var state = State.idle
    var head: HTTPRequestHead?
    var request: HTTPServerRequest?
    var keepAlive = true
    private var headStarted = true
    var inputClosed = false
    /// What arrived behind the request that is being answered.
    var backlog: [HTTPServerRequestPart] = []
    private var backlogFailure: Int?
    private var drainingBacklog = false
    var readHeld = false
    var inReadBurst = false
    var unflushed = false
    var lingeredBytes = 0
    var stalledAt: Int?
    var stream: HTTPBodyWriter?
    var peerWatch: PeerWatch?

    var limits: ServerLimits { shared.limits }

    init(shared: ListenerShared, sweeper: DeadlineSweeper, peer: PeerAddress) {
        self.shared = shared
        self.sweeper = sweeper
        self.peer = peer
        deadline = .now() + TimeAmount(shared.limits.headerDeadline)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        sweeper.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        sweeper.remove(self)
        deadline = nil
        self.context = nil
    }

    /// Raw bytes reached the connection, before they are parsed.
    func bytesArrived(_ count: Int) {
        switch state {
        case .idle where !headStarted:
            headStarted = true
            deadline = .now() + TimeAmount(limits.headerDeadline)
        case .lingering:
            lingeredBytes += count
            if lingeredBytes > 256 << 10 { closeNow() }
        default: break
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        inReadBurst = true
        let part = unwrapInboundIn(data)
        if mayProcess, backlog.isEmpty { process(part) } else { backlog.append(part) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        inReadBurst = false
        // Later in this turn of the loop: a failing flush closes the channel, which NIO does not bear here when the same
        // burst brought the peer's end.
        if unflushed { context.eventLoop.assumeIsolated().execute { self.flush() } }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { readHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        stream?.writable()
        drainBacklog()
    }

    /// Whether the next part can be looked at: no request while another is being answered, none while the peer leaves
    /// its answers unread.
    private var mayProcess: Bool {
        switch state {
        case .responding: false
        case .idle: context?.channel.isWritable ?? false
        default: true
        }
    }

    private var mayRead: Bool {
        switch state {
        case .responding: backlog.isEmpty
        case .lingering, .closed: true
        default: backlog.isEmpty && mayProcess
        }
    }

    func releaseHeldRead() {
        guard readHeld, mayRead else { return }
        readHeld = false
        context?.read()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        endStream()
        sweeper.remove(self)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        inputClosed = true
        switch state {
        case .responding where stream == nil: peerWatch?.peerGone()
        case .idle: closeWhenSent()
        default: closeNow()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch state {
        case .lingering, .closed: return
        default: break
        }
        guard let error = error as? HTTPParserError, error != .invalidEOFState else {
            closeNow()
            return
        }
        let status = error == .headerOverflow ? 431 : error == .invalidVersion ? 505 : 400
        if case .responding = state {
            backlogFailure = status
        } else if !backlog.isEmpty {
            backlogFailure = status
        } else {
            refuseForGood(.text(HTTPReason.phrase(status) + "\n", status: status))
        }
    }

    func deadlineExpired() {
        switch state {
        case .idle where headStarted:
            refuseForGood(.text("the request took too long\n", status: 408))
        case .readingBody, .refused, .upgrading:
            refuseForGood(.text("the request took too long\n", status: 408))
        case .idle, .lingering:
            // An answer that is still being taken, however slowly, is neither idle nor done.
            let waiting = bufferedBytes
            if waiting > 0, stalledAt.map({ waiting < $0 }) ?? true {
                stalledAt = waiting
                deadline = .now() + TimeAmount(limits.keepAliveIdle)
            } else {
                closeNow()
            }
        case .responding, .closed: deadline = nil
        }
    }

    // MARK: One request

    private func process(_ part: HTTPServerRequestPart) {
        switch (state, part) {
        case (.idle, .head(let head)): begin(head)
        case (.readingBody(let limit), .body(let bytes)):
            if (request?.body.count ?? 0) + bytes.readableBytes > limit {
                refuseForGood(Self.tooLarge(limit))
            } else {
                request?.body.append(contentsOf: bytes.readableBytesView)
            }
        case (.readingBody, .end): respond()
        case (.refused(let response), .end): answer(response)
        case (.upgrading(let accept), .end): upgrade(accept: accept)
        default: break
        }
    }

    private func begin(_ head: HTTPRequestHead) {
        self.head = head
        headStarted = true
        stalledAt = nil
        keepAlive = head.isKeepAlive && !shared.isDraining && !head.headers.contains(name: "upgrade")
        deadline = .now() + TimeAmount(limits.bodyDeadline)
        let request: HTTPServerRequest
        do throws(HeadRefusal) {
            request = try HTTPServerRequest(head, peer: peer)
            if WebSocketHandshake.isUpgrade(head) {
                let accept = try WebSocketHandshake.accept(head)
                self.request = request
                state = .upgrading(accept: accept)
                return
            }
        } catch {
            var response = HTTPServerResponse.text(error.message + "\n", status: error.status)
            if error.status == 426 { response.headers.append(("Sec-WebSocket-Version", "13")) }
            refuseForGood(response)
            return
        }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        let hasBody = length > 0 || head.headers.contains(name: "transfer-encoding")
        switch shared.delegate.head(request) {
        case .refuse(let response):
            if hasBody { refuseForGood(response) } else { state = .refused(response) }
        case .accept(let limit):
            guard length <= limit else {
                refuseForGood(Self.tooLarge(limit))
                return
            }
            if let expectation = head.headers.first(name: "expect"), hasBody {
                guard expectation.lowercased() == "100-continue" else {
                    refuseForGood(.text("the expectation is not known\n", status: 417))
                    return
                }
                write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
            }
            self.request = request
            self.request?.body.reserveCapacity(min(length, 64 << 10))
            state = .readingBody(limit: limit)
        }
    }

    private func respond() {
        guard var request, let context else { return }
        self.request = nil
        state = .responding
        deadline = nil
        let watch = PeerWatch()
        peerWatch = watch
        request.peerWatch = watch
        // The callback runs at once when the delegate had the answer at hand.
        shared.delegate.respond(request, on: context.eventLoop).hop(to: context.eventLoop)
            .assumeIsolated().whenComplete { result in
                switch result {
                case .success(let response): self.answer(response)
                case .failure: self.answer(.text("internal error\n", status: 500))
                }
            }
    }

    private func answer(_ response: HTTPServerResponse) {
        guard let context, let head else { return }
        if case .closed = state { return }
        peerWatch?.answered()
        peerWatch = nil
        state = .responding
        deadline = nil
        if inputClosed || shared.isDraining { keepAlive = false }
        let chunked = head.version.minor >= 1 && response.streamLength == nil
        if response.stream != nil, !chunked, response.streamLength == nil { keepAlive = false }
        var response = response
        if response.stream != nil, !chunked { response.headers.removeAll { $0.0.lowercased() == "transfer-encoding" } }
        write(
            response.encoded(
                allocator: context.channel.allocator, isHead: head.method == .HEAD, keepAlive: keepAlive,
                chunked: chunked))
        guard let start = response.stream else {
            finish()
            return
        }
        let writer = HTTPBodyWriter(
            connection: self, eventLoop: context.eventLoop, chunked: chunked, discards: head.method == .HEAD,
            length: response.streamLength)
        stream = writer
        start(writer)
    }

    /// The body writer's bytes.
    func writePiece(_ bytes: ByteBuffer) { write(bytes) }

    /// The body writer is done.
    func streamEnded(isWhole: Bool) {
        stream = nil
        if !isWhole { keepAlive = false }
        finish()
    }

    private func finish() {
        head = nil
        guard keepAlive else {
            linger()
            return
        }
        state = .idle
        headStarted = false
        lingeredBytes = 0
        deadline = .now() + TimeAmount(limits.keepAliveIdle)
        drainBacklog()
    }

    private func drainBacklog() {
        guard !drainingBacklog else { return }
        drainingBacklog = true
        defer { drainingBacklog = false }
        var parts = backlog[...]
        backlog = []
        while mayProcess, let part = parts.popFirst() { process(part) }
        switch state {
        case .lingering, .closed: return
        default: backlog = Array(parts)
        }
        guard backlog.isEmpty else { return }
        if let status = backlogFailure {
            if case .responding = state { return }
            backlogFailure = nil
            refuseForGood(.text(HTTPReason.phrase(status) + "\n", status: status))
        } else {
            releaseHeldRead()
        }
    }

    private static func tooLarge(_ limit: Int) -> HTTPServerResponse {
        .text("the body has at most \(limit) bytes\n", status: 413)
    }
}
