import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Who listens where on this host, TCP, IPv4 and IPv6: the tables of the kernel are read once and every process's
/// descriptors at most once, however many ports are asked about.
package struct PortListeners: Sendable {
    /// Somebody who listens.
    package struct Listener: Sendable, Hashable {
        /// The user id of the socket's owner.
        package var userId: UInt32
        /// The process, as far as the system tells this user.
        package var holder: PortHolder?
    }

    private let sockets: [Int: [Socket]]
    private let holders: [UInt64: PortHolder]

    private struct Socket {
        var inode: UInt64
        var userId: UInt32
    }

    /// Looks now. Off Linux nobody is seen. Blocks for some milliseconds.
    ///
    /// - Parameter ports: which ports' processes are wanted; nil: all.
    package init(ports: Set<Int>? = nil) {
        var sockets: [Int: [Socket]] = [:]
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for (port, socket) in Self.rows(table) where ports?.contains(port) ?? true {
                sockets[port, default: []].append(socket)
            }
        }
        self.sockets = sockets
        holders = Self.holders(of: Set(sockets.values.joined().map(\.inode)))
    }

    /// The ports on which somebody listens.
    package var ports: [Int] { sockets.keys.sorted() }

    /// The listener of a port; nil when nobody listens. Of several the first whose process is known.
    package subscript(port: Int) -> Listener? {
        guard let found = sockets[port], let first = found.first else { return nil }
        let known = found.first { holders[$0.inode] != nil } ?? first
        return Listener(userId: known.userId, holder: holders[known.inode])
    }

    private static func rows(_ table: String) -> [(Int, Socket)] {
        let bytes = try? DurableFile.read(table)  // absent off Linux and without IPv6
        return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":"),
                let port = Int(fields[1][fields[1].index(after: colon)...], radix: 16),
                let user = UInt32(fields[7]), let inode = UInt64(fields[9])
            else { return nil }
            return (port, Socket(inode: inode, userId: user))
        }
    }

    private static func holders(of inodes: Set<UInt64>) -> [UInt64: PortHolder] {
        var wanted = inodes
        var found: [UInt64: PortHolder] = [:]
        guard !wanted.isEmpty else { return found }
        for pid in names(in: "/proc").compactMap(Int32.init) {
            for descriptor in names(in: "/proc/\(pid)/fd") {
                guard let inode = socketInode("/proc/\(pid)/fd/\(descriptor)"), wanted.remove(inode) != nil else {
                    continue
                }
                found[inode] = PortHolder(
                    pid: pid, command: ProcessInfoReader().read(pid: pid)?.command ?? "a process")
            }
            if wanted.isEmpty { break }
        }
        return found
    }

    /// The inode of `socket:[1234]`, which a link in `/proc/<pid>/fd` says.
    private static func socketInode(_ path: String) -> UInt64? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(path, start, buffer.count)
            let prefix = Array("socket:[".utf8)
            guard count > prefix.count, buffer[..<prefix.count].elementsEqual(prefix) else { return nil }
            return UInt64(String(decoding: buffer[prefix.count..<(count - 1)], as: UTF8.self))
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }
}
