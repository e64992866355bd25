import JarvisNet
import JarvisSystem
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Who is at the other end of a loopback connection, as the kernel says.
enum LocalPeer {
    /// The user that owns the socket `peer` of a connection to `local`; nil when the kernel does not know it. Blocks.
    ///
    /// Where there is no table of sockets, the user of this process: there loopback is all that can be asked for.
    static func user(of peer: SocketAddress, to local: SocketAddress) -> uid_t? {
        #if os(Linux)
            guard let theirs = bytes(peer), let ours = bytes(local), let from = peer.port, let to = local.port else {
                return nil
            }
            return user(
                of: peer, to: local, in: TCPTable.connections(from: (theirs, from), to: (ours, to)))
        #else
            geteuid()
        #endif
    }

    static func user(of peer: SocketAddress, to local: SocketAddress, in table: [TCPSocket]) -> uid_t? {
        guard let theirs = bytes(peer), let ours = bytes(local) else { return nil }
        return table.first { socket in
            socket.localPort == peer.port && socket.remotePort == local.port && socket.localAddress == theirs
                && socket.remoteAddress == ours
        }?.userId
    }

    private static func bytes(_ address: SocketAddress) -> [UInt8]? {
        guard let text = address.ipAddress, case .v4(let value)? = IPAddress(text) else { return nil }
        return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
    }
}
