import NIOCore
import NIOHTTP1

/// One request and its answer on one client connection.
///
/// Unchecked: the variables are touched on `loop` only; other threads hop there first.
final class HTTPExchange: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = Never
    typealias OutboundOut = HTTPClientRequestPart

    private let loop: any EventLoop
    private let request: HTTPClientRequest
    private let requestHead: HTTPRequestHead
    private var context: ChannelHandlerContext?
    private var head: HTTPResponseHead?
    private var pieces: [ByteBuffer] = []
    private var takenPieces = 0
    private var complete = false
    private var failure: (any Error)?
    private var headWaiter: CheckedContinuation<HTTPResponseHead, any Error>?
    private var pieceWaiter: CheckedContinuation<ByteBuffer?, any Error>?
    private var deadline: (time: NIODeadline, wait: HTTPClientError.Wait)?
    private var timer: Scheduled<Void>?

    init(_ request: HTTPClientRequest, url: ClientURL, loop: any EventLoop) throws(HTTPClientError) {
        self.request = request
        self.loop = loop
        var headers = HTTPHeaders([("Host", url.hostHeader)])
        for (name, value) in request.headers {
            guard HTTPFieldSyntax.isSafe(name: name, value: value) else {
                throw HTTPClientError(.malformed, "the header \(name.prefix(64)) holds a character that can't be sent")
            }
            switch name.lowercased() {
            case "host", "content-length", "transfer-encoding", "connection": continue
            default: headers.add(name: name, value: value)
            }
        }
        if !headers.contains(name: "user-agent") { headers.add(name: "User-Agent", value: "jarvis") }
        headers.add(name: "Connection", value: "close")
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            headers.add(name: "Content-Length", value: String(request.body.count))
        }
        guard HTTPFieldSyntax.isToken(request.method) else {
            throw HTTPClientError(.malformed, "the method is malformed")
        }
        requestHead = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: url.target, headers: headers)
    }

    // MARK: The caller's side

    /// Sends the request; returns when the head of the answer is here.
    func start(connectTimeLeft: Duration, isolation: isolated (any Actor)? = #isolation) async throws
        -> HTTPResponseHead
    {
        try await withCheckedThrowingContinuation { waiter in
            onLoop { self.send(connectTimeLeft: connectTimeLeft, waiter: waiter) }
        }
    }

    /// The next piece of the body, nil at its end.
    func nextPiece(isolation: isolated (any Actor)? = #isolation) async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                onLoop { self.pull(waiter) }
            }
        } onCancel: {
            cancel()
        }
    }

    /// Closes the socket; whoever waits gets `CancellationError`.
    func cancel() { onLoop { self.fail(CancellationError()) } }

    /// Closes the socket; the body ends here.
    func close() {
        onLoop {
            self.fail(HTTPClientError(.closedEarly, "the answer's body was used after its connection was closed"))
        }
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { work() } else { loop.execute(work) }
    }

    // MARK: On the loop

    private func send(connectTimeLeft: Duration, waiter: CheckedContinuation<HTTPResponseHead, any Error>) {
        guard failure == nil, let context else {
            waiter.resume(throwing: failure ?? HTTPClientError(.closedEarly, "the connection closed at once"))
            return
        }
        headWaiter = waiter
        wait(connectTimeLeft, .connect)
        // The head is on the wire when the TLS handshake is over: then the server's own time begins.
        let sent = loop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenSuccess {
            if self.head == nil, self.failure == nil { self.wait(self.request.firstByteTimeout, .firstByte) }
        }
        context.writeAndFlush(wrapOutboundOut(.head(requestHead)), promise: sent)
        if !request.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func pull(_ waiter: CheckedContinuation<ByteBuffer?, any Error>) {
        if takenPieces < pieces.count {
            let piece = pieces[takenPieces]
            takenPieces += 1
            if takenPieces == pieces.count {
                pieces.removeAll(keepingCapacity: true)
                takenPieces = 0
            }
            waiter.resume(returning: piece)
        } else if complete {
            waiter.resume(returning: nil)
        } else if let failure {
            waiter.resume(throwing: failure)
        } else if pieceWaiter != nil {
            waiter.resume(throwing: HTTPClientError(.malformed, "the body is pulled from two places at once"))
        } else {
            pieceWaiter = waiter
            wait(request.idleTimeout, .idle)
            context?.read()
        }
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(HTTPClientError(.closedEarly, "the connection closed before the answer was complete"))
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard failure == nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            deadline = nil
            // From here on the socket is read when the body is pulled.
            try? context.channel.syncOptions?.setOption(.autoRead, value: false)  // fails only on a closed channel
            headWaiter?.resume(returning: head)
            headWaiter = nil
        case .body(let piece):
            if let waiter = pieceWaiter {
                pieceWaiter = nil
                deadline = nil
                waiter.resume(returning: piece)
            } else {
                pieces.append(piece)
            }
        case .end:
            complete = true
            deadline = nil
            pieceWaiter?.resume(returning: nil)
            pieceWaiter = nil
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if pieceWaiter != nil { context.read() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(HTTPClientError(.closedEarly, "the connection closed before the answer was complete"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(HTTPClientError(ofConnection: error, answered: head != nil))
    }

    /// Ends the exchange for whoever waits, and closes the socket. What was read and not pulled is still there when
    /// the peer broke off; a body that was complete stays complete.
    private func fail(_ error: any Error) {
        guard failure == nil else { return }
        failure = error
        deadline = nil
        timer?.cancel()
        timer = nil
        if error is CancellationError { pieces = [] }
        headWaiter?.resume(throwing: error)
        headWaiter = nil
        pieceWaiter?.resume(throwing: error)
        pieceWaiter = nil
        context?.close(promise: nil)
    }

    // MARK: Time

    /// One timer follows the deadline around: a new deadline is a store, not a new timer.
    private func wait(_ duration: Duration, _ wait: HTTPClientError.Wait) {
        let time = NIODeadline.now() + TimeAmount(duration)
        let earlier = deadline.map { time < $0.time } ?? true
        deadline = (time, wait)
        // A timer that is set for later than this must not be relied on.
        if timer == nil || (earlier && timerTime > time) {
            timer?.cancel()
            schedule(time)
        }
    }

    private var timerTime = NIODeadline.distantFuture

    private func schedule(_ time: NIODeadline) {
        timerTime = time
        timer = loop.assumeIsolated().scheduleTask(deadline: time) { self.timerFired() }
    }

    private func timerFired() {
        timer = nil
        guard let deadline else { return }
        guard deadline.time <= .now() else {
            schedule(deadline.time)
            return
        }
        let text =
            switch deadline.wait {
            case .connect: "no connection within \(request.connectTimeout)"
            case .firstByte: "no answer within \(request.firstByteTimeout)"
            case .idle: "the answer stopped for \(request.idleTimeout)"
            }
        fail(HTTPClientError(.timeout(deadline.wait), text))
    }
}
