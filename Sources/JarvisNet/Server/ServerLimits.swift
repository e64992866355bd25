/// What a listener grants to a peer that it does not know yet, and to a web socket.
package struct ServerLimits: Sendable {
    /// The most bytes of header names and values (request line included) of one request. 431 beyond. Default 16 KiB.
    package var headerBytes = 16 << 10
    /// The most header fields of one request. 431 beyond. Default 100.
    package var headerCount = 100
    /// The time from the first byte of a request, or from the accept, to the end of its headers. Default 10 s.
    package var headerDeadline = Duration.seconds(10)
    /// The time from the headers to the end of the body. 408 beyond. Default 30 s.
    package var bodyDeadline = Duration.seconds(30)
    /// How long a connection may rest between two requests. Default 60 s.
    package var keepAliveIdle = Duration.seconds(60)
    /// The most sockets, over all addresses, that have upgraded and not authenticated. 503 beyond. Default 64.
    package var preAuthSockets = 64
    /// The same for one address (an IPv6 /64 is one address). 429 beyond. Default 16. Unix peers count to the total
    /// only.
    package var preAuthSocketsPerAddress = 16
    /// The body limit a delegate gives where it has no reason for another. Default 1 MiB.
    package var defaultBodyLimit = 1 << 20
    /// The most bytes of a message before `markAuthenticated()`. Close code 1009 beyond. Default 64 KiB.
    package var wsPreAuthFrame = 64 << 10
    /// The most bytes of a message after `markAuthenticated()`. Default 25 MiB.
    package var wsMaxFrame = 26_214_400
    /// The most bytes that may wait for one slow socket; it is cut beyond. Default 50 MiB.
    package var wsMaxBuffered = 52_428_800
    /// The time from the upgrade to `markAuthenticated()`. Default 10 s.
    package var wsHandshakeDeadline = Duration.seconds(10)
    /// The time for the peer to answer a close frame. Default 5 s.
    package var wsCloseDeadline = Duration.seconds(5)
    /// How long a connection that was refused is still read (and thrown away) so that the peer sees the answer.
    /// Default 1 s.
    package var lingerDeadline = Duration.seconds(1)
    /// How often deadlines are looked at while a connection has one. Default 1 s; nothing ticks without one.
    package var sweepInterval = Duration.seconds(1)

    /// The defaults.
    package init() {}
}
