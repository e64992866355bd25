import CJarvisShims
import NIOCore

/// Where a connection came from.
package enum PeerAddress: Sendable, Hashable {
    /// A TCP peer. `ip` is canonical text without brackets; an IPv4-mapped IPv6 address is shown as IPv4.
    case tcp(ip: String, port: Int, isLoopback: Bool)
    /// A process on this host, as the kernel knows it. `pid` is 0 where the system does not tell.
    case unix(uid: UInt32, pid: Int32)

    /// Whether the peer is on this host.
    package var isLocal: Bool {
        switch self {
        case .tcp(_, _, let isLoopback): isLoopback
        case .unix: true
        }
    }

    /// The bucket for rate limits: an IPv4 address, the /64 of an IPv6 address, `unix:<uid>`.
    package var limiterKey: String {
        switch self {
        case .unix(let uid, _): return "unix:\(uid)"
        case .tcp(let ip, _, _):
            guard case .v6(let high, _)? = IPAddress(ip)?.unmapped else { return ip }
            return String(high, radix: 16) + "::/64"
        }
    }

    /// The peer of a connected channel. Called on the channel's event loop.
    init(of channel: any Channel) {
        guard let address = channel.remoteAddress else {
            self = Self.unixPeer(of: channel)
            return
        }
        switch address {
        case .unixDomainSocket: self = Self.unixPeer(of: channel)
        case .v4, .v6: self = Self(address)
        }
    }

    /// The peer with a TCP `address`.
    init(_ address: SocketAddress) {
        let text = address.ipAddress ?? ""
        let parsed = IPAddress(text.split(separator: "%", maxSplits: 1).first ?? "")
        var shown = text
        if case .v6? = parsed, case .v4(let value)? = parsed?.unmapped {
            shown = (0..<4).map { String(value >> (24 - 8 * UInt32($0)) & 0xFF) }.joined(separator: ".")
        }
        self = .tcp(ip: shown, port: address.port ?? 0, isLoopback: parsed?.isLoopback ?? false)
    }

    private static func unixPeer(of channel: any Channel) -> PeerAddress {
        var uid = UInt32.max
        var gid = UInt32.max
        var pid: Int32 = 0
        // When the credentials can't be read the uid stays at a value that no user has.
        let pipeline = channel.pipeline.syncOperations
        let read = { (handle: NIOBSDSocket.Handle) in jarvis_peer_credentials(handle, &uid, &gid, &pid) }
        _ = try? pipeline.withUnsafeTransportIfAvailable(read)  // throws only on a closed channel
        return .unix(uid: uid, pid: pid)
    }
}
