import JarvisCore
import JarvisNet
import NIOCore

/// Which addresses a browser may be sent to. Pure but for looking names up.
///
/// The same value judges the address that a caller asks for (`check`) and every connection that the browser makes
/// (`route`, through the egress proxy), so that what is judged is what is connected to.
package struct NavigationPolicy: Sendable {
    /// Private networks and this host may be opened.
    package var allowsPrivateNetwork = false
    /// Hosts that may be opened whatever their address (`*.example.com` matches below), IP literals without brackets.
    package var allowedHostnames: [String] = []
    /// When not empty, no other host may be opened (`*.example.com` matches below), but for `allowedHostnames`.
    package var hostnameAllowlist: [String] = []
    /// Ports of this host that are never opened: this gateway's and its siblings'. Asked at each use, on a thread that
    /// may block.
    package var deniedPorts: @Sendable () -> Set<Int> = { [] }
    /// How names become addresses.
    package var resolver = Resolver.system
    /// The addresses of this host's network interfaces, unmapped.
    package var hostAddresses: @Sendable () -> Set<IPAddress> = { HostAddresses.current() }

    /// The default policy: the public internet.
    package init() {}

    /// Judges an address that a caller wants to open.
    ///
    /// - Returns: the address in the spelling that browsers give it; open that one.
    /// - Throws: `BrowserError` 400 `blocked_url`, `invalid_url` or `unknown_host`, naming address and setting.
    @discardableResult
    package func check(_ url: String) async throws -> String {
        switch try NavigationAddress(url) {
        case .blank: return "about:blank"
        case .web(let address):
            // A copy without the sendability question of `self` in a closure of another thread.
            let policy = self
            _ = try await LookupThreads.run {
                try policy.route(host: address.host, port: address.port, shown: NavigationAddress.shown(address.text))
            }
            return address.text
        }
    }

    /// The addresses to connect to for `host` and `port`: every one of them judged, and one forbidden address among them
    /// forbids all. Blocks while a name is looked up.
    ///
    /// - Parameters:
    ///   - host: a name or an IP literal without brackets.
    ///   - shown: what messages call it.
    /// - Throws: `BrowserError` 400 `blocked_url`, `invalid_url`, `unknown_host`.
    package func route(host written: String, port: Int, shown: String) throws -> [SocketAddress] {
        // A name that ends with a dot is the same name; browsers keep the dot.
        let plain = written.hasSuffix(".") ? String(written.dropLast()) : written
        guard let authority = HTTPAuthority(plain.contains(":") ? "[\(plain)]" : plain) else {
            throw NavigationAddress.invalid("The address \(shown) is malformed: \"\(written.prefix(100))\" is no host.")
        }
        let host = authority.host
        let isNamed = HostPattern.any(allowedHostnames, matches: host)
        guard isNamed || hostnameAllowlist.isEmpty || HostPattern.any(hostnameAllowlist, matches: host) else {
            throw Self.blocked(
                shown, "\(host) is not in browser.ssrfPolicy.hostnameAllowlist; add it there to allow it")
        }
        let addresses = try resolve(authority, port: port, shown: shown)
        let own = hostAddresses()
        for address in addresses {
            try judge(address, host: host, port: port, isNamed: isNamed, own: own, shown: shown)
        }
        return addresses
    }

    private func resolve(_ authority: HTTPAuthority, port: Int, shown: String) throws -> [SocketAddress] {
        let host = authority.host
        if authority.address != nil { return [try SocketAddress(ipAddress: host, port: port)] }
        // RFC 6761: these names are this host, whatever a name server says.
        if host == "localhost" || host.hasSuffix(".localhost") {
            return [
                try SocketAddress(ipAddress: "127.0.0.1", port: port), try SocketAddress(ipAddress: "::1", port: port),
            ]
        }
        let found: [SocketAddress]
        do {
            found = try resolver.resolve(host, port)
        } catch {
            let reason = (error as? HTTPClientError)?.description ?? "the name can't be looked up"
            throw BrowserError(400, "unknown_host", "The address \(shown) can't be opened: \(reason).")
        }
        guard !found.isEmpty else {
            throw BrowserError(400, "unknown_host", "The address \(shown) can't be opened: \(host) has no address.")
        }
        return found
    }

    private func judge(
        _ address: SocketAddress, host: String, port: Int, isNamed: Bool, own: Set<IPAddress>, shown: String
    ) throws(BrowserError) {
        guard let text = address.ipAddress?.split(separator: "%").first, let parsed = IPAddress(text) else {
            throw Self.blocked(shown, "\(host) has no internet address")
        }
        let ip = parsed.unmapped
        let kind = ip.addressClass
        let isHere = kind == .loopback || own.contains(ip) || ip == .v4(0) || ip == .v6(high: 0, low: 0)
        let place = String(text) == host ? "it" : "\(host) is \(text), which"
        if isHere, deniedPorts().contains(port) {
            throw Self.blocked(
                shown, "\(place) is port \(port) of this host, where JARVIS itself listens; no setting opens that")
        }
        guard ip != .v4(0), ip != .v6(high: 0, low: 0), kind != .multicast else {
            throw Self.blocked(shown, "\(place) is no address of one host; write 127.0.0.1 for this host")
        }
        guard (kind != .global || isHere) && !allowsPrivateNetwork && !isNamed else { return }
        let what =
            switch kind {
            case .loopback: "this host (loopback)"
            case .privateNetwork: isHere ? "this host" : "in a private network"
            case .linkLocal: "link-local"
            case .reserved: "in a reserved range"
            case .global, .multicast: "this host"
            }
        throw Self.blocked(
            shown,
            "\(place) is \(what). To allow it, add \"\(host)\" to browser.ssrfPolicy.allowedHostnames, or set "
                + "browser.ssrfPolicy.dangerouslyAllowPrivateNetwork to true for all private addresses")
    }

    private static func blocked(_ shown: String, _ reason: String) -> BrowserError {
        BrowserError(400, "blocked_url", "The address \(shown) is blocked: \(reason).")
    }
}

/// The patterns of host lists.
enum HostPattern {
    /// Whether one of `patterns` (a name, an IP literal, or `*.` with a name: everything below it) matches `host`.
    static func any(_ patterns: [String], matches host: String) -> Bool {
        patterns.contains { one($0, matches: host) }
    }

    private static func one(_ written: String, matches host: String) -> Bool {
        var pattern = written.lowercased()
        if pattern.hasPrefix("["), pattern.hasSuffix("]") { pattern = String(pattern.dropFirst().dropLast()) }
        if pattern.hasSuffix(".") { pattern.removeLast() }
        if let address = IPAddress(pattern) { return IPAddress(host)?.unmapped == address.unmapped }
        // IDN patterns are compared in ASCII, as hosts are. A pattern that has no such form matches nothing.
        let name = pattern.drop { $0 == "*" || $0 == "." }
        if let ascii = try? DomainName.ascii(name, shown: "") {  // see above
            if pattern.hasPrefix("*.") { return host.hasSuffix("." + ascii) && IPAddress(host) == nil }
            return pattern == "*" || host == ascii
        }
        return false
    }
}

/// The addresses of this host.
enum HostAddresses {
    /// Those of its network interfaces. Blocks for a moment.
    static func current() -> Set<IPAddress> {
        // Without the list, loopback is still known by its numbers.
        guard let devices = try? System.enumerateDevices() else { return [] }  // see above
        return Set(
            devices.compactMap { device in
                device.address?.ipAddress?.split(separator: "%").first.flatMap { IPAddress($0)?.unmapped }
            })
    }
}
