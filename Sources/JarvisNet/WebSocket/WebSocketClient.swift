import NIOCore
import NIOHTTP1

/// Opens WebSocket connections.
package enum WebSocketClient {
    /// Connects, shakes hands and calls `handler.opened` on the loop before it returns.
    ///
    /// The socket counts as authenticated. Cancelling the task closes the connection while it is being made.
    ///
    /// - Parameters:
    ///   - url: `ws://` or `wss://`, without user and password.
    ///   - headers: added as they are; the handshake's own can't be replaced.
    ///   - unixSocketPath: connect here instead of to the URL's host.
    ///   - check: throws for a connection that may not be used, before anything is sent; then so does this.
    ///   - maximumMessageBytes: the limit of one incoming message. Default 25 MiB.
    ///   - handler: not used elsewhere once it is handed over, except on the socket's loop.
    /// - Throws: `HTTPClientError` (kind `refused` with the status when the server says no), `CancellationError`.
    package static func connect(
        url text: String, headers: [(String, String)] = [], unixSocketPath: String? = nil, group: any EventLoopGroup,
        policy: EgressPolicy = .any, resolver: Resolver = .system, tls: TLSContexts = .system,
        check: ConnectionCheck? = nil, connectTimeout: Duration = .seconds(10), maximumMessageBytes: Int = 26_214_400,
        isolation: isolated (any Actor)? = #isolation, handler: sending any WebSocketHandler
    ) async throws -> WebSocket {
        let url = try ClientURL(text, schemes: ["ws", "wss"])
        let loop = group.next()
        let handshake = try WebSocketClientHandshake(
            url: url, headers: headers, loop: loop, maximumMessageBytes: maximumMessageBytes, handler: handler)
        let connector = Connector(group: group, policy: policy, resolver: resolver, tls: tls, check: check)
        let started = ContinuousClock.now
        do {
            try Task.checkCancellation()
            _ = try await connector.connect(
                to: unixSocketPath.map { .unix(path: $0) } ?? .url(url), on: loop, timeout: connectTimeout
            ) { channel in
                try channel.pipeline.syncOperations.addHandler(handshake)
            }
        } catch {
            handshake.cancel()
            throw error
        }
        return try await withTaskCancellationHandler {
            handshake.startTimer(connectTimeout - (.now - started))
            return try await handshake.promise.futureResult.get()
        } onCancel: {
            handshake.cancel()
        }
    }
}

/// The client's half of the opening handshake; turns the channel into a `WebSocket` when the server agrees.
///
/// Unchecked: the variables are touched on `loop` only; other threads hop there first.
final class WebSocketClientHandshake: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let promise: EventLoopPromise<WebSocket>
    private let loop: any EventLoop
    private let request: ByteBuffer
    private let accept: String
    private let maximumMessageBytes: Int
    private var handler: (any WebSocketHandler)?
    private var context: ChannelHandlerContext?
    private var received = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var settled = false
    private var sent = false

    init(
        url: ClientURL, headers: [(String, String)], loop: any EventLoop, maximumMessageBytes: Int,
        handler: any WebSocketHandler
    ) throws(HTTPClientError) {
        let key = WebSocketHandshake.makeKey()
        accept = WebSocketHandshake.acceptValue(for: key)
        self.loop = loop
        self.maximumMessageBytes = maximumMessageBytes
        self.handler = handler
        promise = loop.makePromise()
        var text = "GET \(url.target) HTTP/1.1\r\nHost: \(url.hostHeader)\r\nUpgrade: websocket\r\n"
        text += "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: \(key)\r\n"
        for (name, value) in headers {
            switch name.lowercased() {
            case "host", "upgrade", "connection", "sec-websocket-version", "sec-websocket-key",
                "sec-websocket-extensions":
                continue
            default:
                guard HTTPFieldSyntax.isSafe(name: name, value: value) else {
                    promise.fail(CancellationError())
                    throw HTTPClientError(
                        .malformed, "the header \(name.prefix(64)) holds a character that can't be sent")
                }
                text += "\(name): \(value)\r\n"
            }
        }
        request = ByteBuffer(string: text + "\r\n")
    }

    func startTimer(_ timeout: Duration) {
        onLoop {
            guard !self.settled else { return }
            self.timer = self.loop.scheduleTask(in: TimeAmount(max(timeout, .milliseconds(1)))) {
                self.fail(HTTPClientError(.timeout(.connect), "no WebSocket handshake in time"))
            }
        }
    }

    func cancel() { onLoop { self.fail(CancellationError()) } }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { work() } else { loop.execute(work) }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { send(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(HTTPClientError(.closedEarly, "the connection closed during the handshake"))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        guard !sent else { return }
        sent = true
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        guard !settled else { return }
        do throws(HTTPClientError) {
            guard let head = try WebSocketHandshake.readResponse(&received) else { return }
            try WebSocketHandshake.check(head, accept: accept)
            become(context)
        } catch {
            fail(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(HTTPClientError(.closedEarly, "the connection closed during the handshake"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(HTTPClientError(ofConnection: error, answered: false))
    }

    private func become(_ context: ChannelHandlerContext) {
        guard let handler else { return }
        self.handler = nil
        settled = true
        timer?.cancel()
        let socket = WebSocket(
            channel: context.channel, peer: PeerAddress(of: context.channel), role: .client, handler: handler,
            maximumMessageBytes: maximumMessageBytes,
            grants: WebSocket.Grants(authenticatedMessageBytes: maximumMessageBytes),
            sweeper: DeadlineSweeper(eventLoop: loop, interval: .milliseconds(250)))
        do {
            try context.pipeline.syncOperations.addHandler(WebSocketChannelHandler(socket: socket))
        } catch {
            promise.fail(HTTPClientError(.closedEarly, "the connection closed during the handshake"))
            context.close(promise: nil)
            return
        }
        socket.open()
        promise.succeed(socket)
        let rest = received
        received = ByteBuffer()
        if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
        // The read burst that brought the handshake goes on to its end and flushes for the socket.
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func fail(_ error: any Error) {
        guard !settled else { return }
        settled = true
        timer?.cancel()
        handler = nil
        promise.fail(error)
        context?.close(promise: nil)
    }
}

extension WebSocketHandshake {
    /// Sixteen random bytes in base64.
    static func makeKey() -> String {
        var generator = SystemRandomNumberGenerator()
        return base64((0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// Reads the head of the server's answer; nil while it is not complete.
    static func readResponse(_ bytes: inout ByteBuffer) throws(HTTPClientError) -> HTTPResponseHead? {
        let view = bytes.readableBytesView
        let limit = 16 << 10
        guard let end = endOfHead(view) else {
            guard view.count < limit else { throw HTTPClientError(.tooLarge, "the answer's headers are too large") }
            return nil
        }
        guard end - view.startIndex <= limit,
            let text = String(validating: view[..<end], as: UTF8.self)
        else { throw HTTPClientError(.malformed, "the answer is no HTTP/1.1") }
        bytes.moveReaderIndex(to: end + 4)
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)[...]
        let statusLine = lines.removeFirst().split(separator: " ", maxSplits: 2)
        guard statusLine.count >= 2, statusLine[0] == "HTTP/1.1", statusLine[1].utf8.count == 3,
            let status = Int(statusLine[1]), (100...599).contains(status)
        else { throw HTTPClientError(.malformed, "the answer is no HTTP/1.1") }
        var headers = HTTPHeaders()
        for line in lines {
            guard let colon = line.firstIndex(of: ":") else {
                throw HTTPClientError(.malformed, "the answer's headers are malformed")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let name = String(line[..<colon])
            guard HTTPFieldSyntax.isSafe(name: name, value: String(value)) else {
                throw HTTPClientError(.malformed, "the answer's headers are malformed")
            }
            headers.add(name: name, value: String(value))
        }
        return HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
    }

    private static func endOfHead(_ view: ByteBufferView) -> Int? {
        var index = view.startIndex
        while index + 3 < view.endIndex {
            if view[index] == 13, view[index + 1] == 10, view[index + 2] == 13, view[index + 3] == 10 { return index }
            index += 1
        }
        return nil
    }

    /// Whether the server agreed to exactly what was asked.
    static func check(_ head: HTTPResponseHead, accept: String) throws(HTTPClientError) {
        let status = Int(head.status.code)
        guard status == 101 else {
            throw HTTPClientError(.refused, "the server refused the WebSocket with status \(status)", status: status)
        }
        guard tokens(head.headers, "upgrade") == ["websocket"], tokens(head.headers, "connection").contains("upgrade"),
            head.headers["sec-websocket-accept"] == [accept], !head.headers.contains(name: "sec-websocket-extensions"),
            !head.headers.contains(name: "sec-websocket-protocol")
        else { throw HTTPClientError(.malformed, "the server's WebSocket handshake is malformed") }
    }
}
