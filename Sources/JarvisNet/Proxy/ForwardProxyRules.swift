import NIOCore

/// What a forward proxy asks its owner. Both are called on a thread that may block.
package struct ForwardProxyRules: Sendable {
    /// Whether a peer may use the proxy at all, by the two ends of its connection.
    package var admits: @Sendable (_ peer: SocketAddress, _ local: SocketAddress) -> Bool
    /// The addresses to connect to, in the order to try them; nothing else is connected to.
    ///
    /// Throws `ForwardProxyRefusal`, or any other error for a name that can't be looked up.
    package var route: @Sendable (ForwardProxyTarget) throws -> [SocketAddress]

    /// The rules of a proxy.
    package init(
        admits: @escaping @Sendable (_ peer: SocketAddress, _ local: SocketAddress) -> Bool,
        route: @escaping @Sendable (ForwardProxyTarget) throws -> [SocketAddress]
    ) {
        self.admits = admits
        self.route = route
    }
}

/// Where a client of a forward proxy wants to go.
package struct ForwardProxyTarget: Sendable, Hashable {
    /// The host in lower case, without brackets and without a final dot.
    package var host: String
    /// The port.
    package var port: Int
    /// The whole address of a request that is forwarded; nil for a tunnel, whose content the proxy does not see.
    package var url: String?

    /// A target.
    package init(host: String, port: Int, url: String?) {
        self.host = host
        self.port = port
        self.url = url
    }

    /// The host with the port, as in a URL.
    package var place: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// The target of a `CONNECT`: `host:port`; nil when it is malformed.
    init?(authority text: some StringProtocol) {
        guard let authority = Self.authority(text), let port = authority.port else { return nil }
        self.init(host: authority.host, port: port, url: nil)
    }

    /// The target of a request in absolute form, and what the server is asked for; nil when it is malformed.
    static func absolute(_ uri: String) -> (target: ForwardProxyTarget, path: String, host: String)? {
        guard uri.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), uri.prefix(7).lowercased() == "http://" else {
            return nil
        }
        let rest = uri.dropFirst(7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        guard let authority = authority(rest[..<end]) else { return nil }
        var path = rest[end...].prefix { $0 != "#" }
        if !path.hasPrefix("/") { path = "/" + path }
        let target = ForwardProxyTarget(host: authority.host, port: authority.port ?? 80, url: uri)
        return (target, String(path), String(rest[..<end]))
    }

    private static func authority(_ text: some StringProtocol) -> HTTPAuthority? {
        if let authority = HTTPAuthority(text) { return authority }
        // The same name with the root's dot: browsers keep it.
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, name.hasSuffix(".") else { return nil }
        return HTTPAuthority(name.dropLast() + (parts.count == 2 ? ":" + parts[1] : ""))
    }
}

/// Why a proxy does not do what it was asked; the client reads it as a plain text page.
package struct ForwardProxyRefusal: Error, Sendable, Hashable {
    /// The header, in lower case, by which the client tells a refusal from what a server says. It is taken out of what
    /// servers say in clear text; inside a tunnel it means nothing.
    package static let mark = "x-jarvis-refusal"

    /// The HTTP status: 400, 403, 502, 503, 504.
    package var status: Int
    /// For people.
    package var message: String

    /// A refusal.
    package init(status: Int, message: String) {
        self.status = status
        self.message = message
    }

    /// What a failed lookup or connection is to the client.
    init(_ error: any Error) {
        switch error {
        case let refusal as ForwardProxyRefusal: self = refusal
        case let error as HTTPClientError:
            if case .timeout = error.kind {
                self.init(status: 504, message: error.message)
            } else {
                self.init(status: 502, message: error.message)
            }
        default: self.init(status: 502, message: "the server can't be reached")
        }
    }
}

/// What a forward proxy grants.
package struct ForwardProxyLimits: Sendable {
    /// The most connections of clients at a time; more are answered 503. Default 512.
    package var connections = 512
    /// The most bytes of the headers of one request. Default 128 KiB.
    package var requestHeaderBytes = 128 << 10
    /// The most bytes of the headers of one answer. Default 256 KiB.
    package var responseHeaderBytes = 256 << 10
    /// How long a connection may take. Default 30 s.
    package var connectTimeout = Duration.seconds(30)
    /// How long nothing may happen on a connection, tunnel or not. Default 15 min.
    package var idle = Duration.seconds(900)

    /// The defaults.
    package init() {}
}
