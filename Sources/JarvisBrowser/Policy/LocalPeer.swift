import JarvisCore
import JarvisNet
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
    /// Where the system has no `/proc/net/tcp`, the user of this process: there loopback is all that can be asked for.
    static func user(of peer: SocketAddress, to local: SocketAddress, table: String = "/proc/net/tcp") -> uid_t? {
        #if os(Linux)
            guard let mine = entry(peer), let theirs = entry(local) else { return nil }
            guard let bytes = try? DurableFile.read(table) else { return nil }  // then nobody is admitted
            return user(from: mine, to: theirs, in: bytes)
        #else
            return geteuid()
        #endif
    }

    /// Looks in the text of `/proc/net/tcp` for the connection between two of its addresses (`0100007F:1F90`).
    static func user(from peer: String, to local: String, in table: [UInt8]) -> uid_t? {
        for line in table.split(separator: 10).dropFirst() {
            let fields = line.split(separator: 32, omittingEmptySubsequences: true)
            guard fields.count > 7, fields[1].elementsEqual(peer.utf8), fields[2].elementsEqual(local.utf8) else {
                continue
            }
            return uid_t(String(decoding: fields[7], as: UTF8.self))
        }
        return nil
    }

    /// An IPv4 address and port as the table spells them: the address in the host's byte order.
    static func entry(_ address: SocketAddress) -> String? {
        guard let text = address.ipAddress, case .v4(let value)? = IPAddress(text), let port = address.port else {
            return nil
        }
        let raw = UInt32(bigEndian: value)
        return hex(Int(raw), digits: 8) + ":" + hex(port, digits: 4)
    }

    private static func hex(_ value: Int, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
