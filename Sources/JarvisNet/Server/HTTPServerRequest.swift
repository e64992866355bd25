import NIOHTTP1

/// One request as delegate and router see it. Its head has passed the checks that need no knowledge of routes: exactly
/// one well-formed `Host`, a well-formed target, no ambiguous framing.
package struct HTTPServerRequest: Sendable {
    /// The method in capitals: `GET`.
    package var method: String
    /// The target as it was sent.
    package var target: String
    /// The path, percent-decoded once and normalised; see `RequestTarget`. The only path to decide on.
    package var path: String
    /// The decoded query pairs in order.
    package var query: [(name: String, value: String)]
    /// The headers, looked up without regard to case.
    package var headers: HTTPHeaders
    /// The value of `Host`: well-formed, not yet judged.
    package var host: HTTPAuthority
    /// The whole body; empty in `head` and `upgrade`.
    package var body: [UInt8]
    /// Where the connection came from.
    package var peer: PeerAddress
    /// Whether the request comes straight from this host: a loopback or unix peer, a loopback `Host`, and no header
    /// that a forwarding proxy adds.
    package var isLocalDirect: Bool
    /// Tells when the peer stops waiting; set in `respond` alone.
    package var peerWatch: PeerWatch?

    /// The first value of header `name`.
    package func header(_ name: String) -> String? { headers.first(name: name) }

    /// Every value of header `name`, in order, as they were sent.
    package func headers(_ name: String) -> [String] { headers[name] }

    /// The first value of query parameter `name` (case matters).
    package func queryValue(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// Why a head was refused before any delegate saw it.
struct HeadRefusal: Error, Equatable {
    var status: Int
    var message: String
}

extension HTTPServerRequest {
    /// Checks and reads a parsed head.
    init(_ head: HTTPRequestHead, peer: PeerAddress) throws(HeadRefusal) {
        guard head.version.major == 1 else { throw HeadRefusal(status: 505, message: "HTTP/1.1 is spoken here") }
        let hosts = head.headers["host"]
        guard hosts.count == 1, let hostText = hosts.first else {
            throw HeadRefusal(status: 400, message: "exactly one Host header is required")
        }
        guard let host = HTTPAuthority(hostText) else {
            throw HeadRefusal(status: 400, message: "the Host header is malformed")
        }
        try Self.checkFraming(head.headers)
        var target = Substring(head.uri)
        if !target.hasPrefix("/") {
            // Absolute form: its authority must say what Host says.
            guard let scheme = ["http://", "https://"].first(where: { target.lowercased().hasPrefix($0) }) else {
                throw HeadRefusal(status: 400, message: "the request target is malformed")
            }
            let rest = target.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            guard let authority = HTTPAuthority(rest[..<end]), authority == host else {
                throw HeadRefusal(status: 400, message: "the request target and the Host header disagree")
            }
            target = rest[end...]
            if !target.hasPrefix("/") { target = "/" + target }
        }
        guard let parsed = RequestTarget(target) else {
            throw HeadRefusal(status: 400, message: "the request target is malformed")
        }
        method = head.method.rawValue
        self.target = head.uri
        path = parsed.path
        query = parsed.query
        headers = head.headers
        self.host = host
        body = []
        self.peer = peer
        isLocalDirect = peer.isLocal && host.isLoopback && !Self.isForwarded(head.headers)
    }

    /// A body has one length or one chunked coding, never both and nothing else.
    private static func checkFraming(_ headers: HTTPHeaders) throws(HeadRefusal) {
        let codings = headers["transfer-encoding"]
        let lengths = headers["content-length"]
        if !codings.isEmpty {
            guard lengths.isEmpty else {
                throw HeadRefusal(status: 400, message: "Transfer-Encoding and Content-Length exclude each other")
            }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                throw HeadRefusal(status: 501, message: "the only transfer coding is chunked")
            }
        }
        if let length = lengths.first {
            guard lengths.count == 1, (1...18).contains(length.utf8.count),
                length.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 })
            else { throw HeadRefusal(status: 400, message: "Content-Length must be one whole number") }
        }
    }

    private static let forwardingHeaders: Set<String> = [
        "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip",
        "fastly-client-ip", "x-original-host", "x-original-url", "x-rewrite-url",
    ]

    private static func isForwarded(_ headers: HTTPHeaders) -> Bool {
        headers.contains { name, _ in
            let name = name.lowercased()
            return name.hasPrefix("x-forwarded-") || name.hasPrefix("tailscale-") || forwardingHeaders.contains(name)
        }
    }
}
