import JarvisCore
import NIOCore
import NIOHTTP1

/// One request to another server.
package struct HTTPClientRequest: Sendable {
    /// In capitals. Default `GET`.
    package var method: String
    /// `http://` or `https://`.
    package var url: String
    /// Added as they are. `Host`, `Content-Length` and `Connection` are the client's own.
    package var headers: [(String, String)]
    /// The whole body.
    package var body: [UInt8]
    /// Connect here instead of to the URL's host; the URL then only gives `Host` and path.
    package var unixSocketPath: String?
    /// For name lookup, connection and TLS handshake. Default 10 s.
    package var connectTimeout: Duration
    /// From the sent head to the head of the answer. Default 60 s.
    package var firstByteTimeout: Duration
    /// Between two pieces of the body, counted while the body is being pulled. Default 60 s.
    package var idleTimeout: Duration

    /// A request.
    package init(
        method: String = "GET", url: String, headers: [(String, String)] = [], body: [UInt8] = [],
        unixSocketPath: String? = nil, connectTimeout: Duration = .seconds(10),
        firstByteTimeout: Duration = .seconds(60), idleTimeout: Duration = .seconds(60)
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.unixSocketPath = unixSocketPath
        self.connectTimeout = connectTimeout
        self.firstByteTimeout = firstByteTimeout
        self.idleTimeout = idleTimeout
    }
}

/// The head of an answer, and its body to pull.
package struct HTTPClientResponse: Sendable {
    /// 200 to 599.
    package let status: Int
    /// The fields, looked up without regard to case.
    package let headers: HTTPHeaders
    /// The body, once.
    package let body: HTTPBody

    /// The first value of header `name`.
    package func header(_ name: String) -> String? { headers.first(name: name) }

    /// The whole body.
    ///
    /// - Throws: `HTTPClientError` of kind `tooLarge` beyond `limit` bytes, and what the body throws.
    package func collect(limit: Int, isolation: isolated (any Actor)? = #isolation) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var iterator = body.makeAsyncIterator()
        while let piece = try await iterator.next(isolation: isolation) {
            guard bytes.count + piece.readableBytes <= limit else {
                throw HTTPClientError(.tooLarge, "the answer has more than \(limit) bytes", status: status)
            }
            bytes.append(contentsOf: piece.readableBytesView)
        }
        return bytes
    }
}

/// The body of an answer. Pulling reads from the socket: what is not pulled stays with the server.
package struct HTTPBody: AsyncSequence, Sendable {
    let exchange: HTTPExchange

    /// Pulls the pieces.
    package struct AsyncIterator: AsyncIteratorProtocol {
        let exchange: HTTPExchange

        /// The next piece, nil at the end. Cancelling the task closes the socket.
        package mutating func next() async throws -> ByteBuffer? { try await next(isolation: nil) }

        /// The next piece, nil at the end. Cancelling the task closes the socket.
        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> ByteBuffer? {
            try await exchange.nextPiece(isolation: actor)
        }
    }

    /// An iterator; all iterators of one body share its pieces.
    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }
}

/// An HTTP/1.1 client: one connection a request, no redirects, no cookies, no cache.
package final class HTTPClient: Sendable {
    private let connector: Connector

    /// A client on `group` that connects where `policy` allows and uses connections that `check` lets pass.
    package init(
        group: any EventLoopGroup, policy: EgressPolicy = .any, resolver: Resolver = .system,
        tls: TLSContexts = .system, check: ConnectionCheck? = nil
    ) { connector = Connector(group: group, policy: policy, resolver: resolver, tls: tls, check: check) }

    /// Sends `request` and hands the answer to `body` once its head is here. The socket is closed when `body` returns
    /// or throws, and at once when the task is cancelled.
    ///
    /// - Throws: `HTTPClientError`, `CancellationError`, and what `body` throws.
    package func withResponse<T: Sendable>(
        _ request: HTTPClientRequest, isolation: isolated (any Actor)? = #isolation,
        _ body: (HTTPClientResponse) async throws -> T
    ) async throws -> T {
        let url = try ClientURL(request.url)
        let loop = connector.group.next()
        let exchange = try HTTPExchange(request, url: url, loop: loop)
        let endpoint = request.unixSocketPath.map { Endpoint.unix(path: $0) } ?? .url(url)
        let started = ContinuousClock.now
        try Task.checkCancellation()
        _ = try await connector.connect(to: endpoint, on: loop, timeout: request.connectTimeout) { channel in
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(HTTPRequestEncoder())
            try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder()))
            try pipeline.addHandler(exchange)
        }
        return try await withTaskCancellationHandler {
            defer { exchange.close() }
            let head = try await exchange.start(connectTimeLeft: request.connectTimeout - (.now - started))
            return try await body(
                HTTPClientResponse(
                    status: Int(head.status.code), headers: head.headers, body: HTTPBody(exchange: exchange)))
        } onCancel: {
            exchange.cancel()
        }
    }
}
