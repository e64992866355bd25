/// Why a request to another server failed. Cancellation is not among these: it throws `CancellationError`.
package struct HTTPClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Which wait ran out.
    package enum Wait: String, Sendable {
        /// Name lookup, connection, TLS handshake.
        case connect
        /// From the sent request to the head of the answer.
        case firstByte
        /// Between two pieces of the body.
        case idle
    }

    /// What kind of failure.
    package enum Kind: Equatable, Sendable {
        /// No connection: the name is not known, nobody listens, no route.
        case connect
        /// The TLS handshake or a certificate.
        case tls
        /// Too slow.
        case timeout(Wait)
        /// The connection ended before the answer was complete.
        case closedEarly
        /// The peer does not speak the protocol, or the request holds a header that can't be sent.
        case malformed
        /// More than the limit.
        case tooLarge
        /// The URL is not one that is accepted.
        case badURL
        /// The egress policy forbids the address.
        case blocked
        /// The server answered a WebSocket handshake with something else than 101; see `status`.
        case refused
    }

    /// The kind of failure.
    package var kind: Kind
    /// Words for a person; holds no header, no query and no body.
    package var message: String
    /// The HTTP status when there was one.
    package var status: Int?

    /// A failure of `kind`.
    package init(_ kind: Kind, _ message: String, status: Int? = nil) {
        self.kind = kind
        self.message = message
        self.status = status
    }

    /// The message.
    package var description: String { message }
}
