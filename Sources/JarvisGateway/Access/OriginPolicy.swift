import JarvisCore

/// Which Host and Origin headers this gateway answers to. Pure: the listener's facts go in, a decision comes out.
///
/// A page of any site can reach a loopback port, so binding to loopback protects nothing: the Host header stops DNS
/// rebinding and the Origin header stops foreign pages.
struct OriginPolicy: Sendable, Hashable {
    /// The port that clients see.
    var port: Int
    /// Addresses besides loopback on which the gateway listens (lan, custom), as clients spell them, in lower case.
    var addresses: [String]
    /// `gateway.controlUi.allowedOrigins`: exact `scheme://host[:port]`; their hosts are allowed Hosts too.
    var allowedOrigins: [String]

    /// What is wrong with a request; nil when nothing is.
    enum Refusal: Hashable, Sendable {
        /// The Host is not ours: 421.
        case foreignHost
        /// The Origin is not ours: 403.
        case foreignOrigin
    }

    /// Whether a request with this Host may be answered. A unix-socket request may carry any Host.
    func allowsHost(_ host: String) -> Bool {
        guard let authority = Authority(host) else { return false }
        if authority.isLoopback || addresses.contains(authority.host) {
            return (authority.port ?? 80) == port
        }
        return allowedOrigins.contains { origin in
            origin.split(separator: "/").last.map { $0 == Substring(host.lowercased()) } ?? false
        }
    }

    /// Whether a page of this Origin may talk to the gateway: the gateway's own page, or a listed one (also the page
    /// behind a TLS proxy has to be listed).
    func allowsOrigin(_ origin: String, host: String) -> Bool {
        if allowedOrigins.contains(origin) { return true }
        guard allowsHost(host) else { return false }
        return origin == "http://\(host)"
    }
}

/// The `host[:port]` of a Host header.
struct Authority: Hashable, Sendable {
    /// The host in lower case; an IPv6 address without brackets.
    var host: String
    /// The port, when given.
    var port: Int?

    /// Reads a Host header; nil when it is malformed.
    init?(_ text: String) {
        let lower = text.lowercased()
        guard !lower.isEmpty, lower.utf8.count <= 255, lower.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return nil
        }
        if lower.hasPrefix("[") {
            guard let end = lower.firstIndex(of: "]") else { return nil }
            host = String(lower[lower.index(after: lower.startIndex)..<end])
            let rest = lower[lower.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            port = rest.isEmpty ? nil : Int(rest.dropFirst())
            if !rest.isEmpty, port == nil { return nil }
            return
        }
        let parts = lower.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts[0].isEmpty else { return nil }
        host = String(parts[0])
        port = parts.count == 2 ? Int(parts[1]) : nil
        if parts.count == 2, port == nil { return nil }
    }

    /// Whether the host is exactly `localhost`, an address of 127.0.0.0/8 in four decimal parts, or `::1`. A name that
    /// merely starts so (`127.evil.example`, `localhost.`) is not.
    var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "127" else { return false }
        return parts.allSatisfy { part in
            part.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } && (part == "0" || !part.hasPrefix("0"))
                && UInt8(part) != nil
        }
    }
}
