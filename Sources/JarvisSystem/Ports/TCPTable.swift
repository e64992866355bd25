import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One TCP socket of this host, as the kernel's tables show it.
package struct TCPSocket: Sendable, Hashable {
    /// The address on this side: 4 or 16 bytes in network order.
    package var localAddress: [UInt8]
    /// The port on this side.
    package var localPort: Int
    /// The address of the other side; zeros while it listens.
    package var remoteAddress: [UInt8]
    /// The port of the other side; 0 while it listens.
    package var remotePort: Int
    /// Whether it waits for connections.
    package var isListening: Bool
    /// The user id of its owner.
    package var userId: UInt32
    /// What names it in the descriptors of processes; 0 while a connection waits to be accepted.
    package var inode: UInt64

    /// One line of `/proc/net/tcp` or `tcp6`; nil when it has another shape.
    package init?(row: some StringProtocol) {
        let fields = row.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count > 9, let local = Self.endpoint(fields[1]), let remote = Self.endpoint(fields[2]),
            let user = UInt32(fields[7]), let inode = UInt64(fields[9])
        else { return nil }
        localAddress = local.address
        localPort = local.port
        remoteAddress = remote.address
        remotePort = remote.port
        isListening = fields[3] == "0A"
        userId = user
        self.inode = inode
    }

    /// Whether a connection to 127.0.0.1 may end up here, as far as the address decides.
    package var takesLoopbackV4: Bool {
        let address = Self.plain(localAddress)
        return address == [127, 0, 0, 1] || address.allSatisfy { $0 == 0 }
    }

    /// Whether a connection to ::1 may end up here, as far as the address decides.
    package var takesLoopbackV6: Bool {
        localAddress.count == 16 && (localAddress.dropLast().allSatisfy { $0 == 0 } && (localAddress.last ?? 2) < 2)
    }

    /// The 4 bytes of an IPv4 address that is written as IPv6; any other as it is.
    package static func plain(_ address: [UInt8]) -> [UInt8] {
        guard address.count == 16, address[..<10].allSatisfy({ $0 == 0 }), address[10] == 0xFF, address[11] == 0xFF
        else { return address }
        return Array(address[12...])
    }

    /// `0100007F:1F90`: words of four bytes, each printed as a number of this machine.
    private static func endpoint(_ text: some StringProtocol) -> (address: [UInt8], port: Int)? {
        let parts = text.split(separator: ":")
        guard parts.count == 2, parts[0].utf8.count == 8 || parts[0].utf8.count == 32,
            let port = Int(parts[1], radix: 16)
        else { return nil }
        var address: [UInt8] = []
        var rest = parts[0][...]
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            withUnsafeBytes(of: word) { address.append(contentsOf: $0) }
            rest = rest.dropFirst(8)
        }
        return (address, port)
    }
}

/// The kernel's tables of TCP sockets. Empty off Linux.
package enum TCPTable {
    /// Every socket of both families now. Blocks for about a millisecond.
    package static func read() -> [TCPSocket] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { table -> [TCPSocket] in
            let bytes = try? DurableFile.read(table)  // absent off Linux and without IPv6
            return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").dropFirst()
                .compactMap { TCPSocket(row: $0) }
        }
    }

    /// The IPv4 sockets of the connection from `source` to `target` (4 bytes and a port each): the one of `source`. Looks
    /// for one row instead of reading all, so that many connections at a time cost little. Blocks for a moment.
    package static func connections(
        from source: (address: [UInt8], port: Int), to target: (address: [UInt8], port: Int)
    ) -> [TCPSocket] {
        guard let bytes = try? DurableFile.read("/proc/net/tcp") else { return [] }  // absent off Linux
        let table = (bytes + [10, 0]).map { CChar(bitPattern: $0) }
        return table.withUnsafeBufferPointer { table -> [TCPSocket] in
            guard let start = table.baseAddress, let hit = strstr(start, " \(written(source)) \(written(target)) ")
            else { return [] }
            let row = UnsafeRawBufferPointer(start: hit, count: strcspn(hit, "\n"))
            // The number in front of a row is not looked at.
            return TCPSocket(row: "0:" + String(decoding: row, as: UTF8.self)).map { [$0] } ?? []
        }
    }

    /// As the kernel writes an end of a connection: `0100007F:1F90`.
    private static func written(_ end: (address: [UInt8], port: Int)) -> String {
        let word = end.address.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value, radix: 16, uppercase: true)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return "\(digits(word, 8)):\(digits(end.port, 4))"
    }

    /// Which processes hold these sockets, as far as the system tells this user. Blocks for some milliseconds.
    package static func holders(of inodes: Set<UInt64>) -> [UInt64: Set<Int32>] {
        var found: [UInt64: Set<Int32>] = [:]
        guard !inodes.isEmpty else { return found }
        for pid in DirectoryNames.list("/proc").compactMap(Int32.init) {
            for descriptor in DirectoryNames.list("/proc/\(pid)/fd") {
                guard let inode = socketInode("/proc/\(pid)/fd/\(descriptor)"), inodes.contains(inode) else { continue }
                found[inode, default: []].insert(pid)
            }
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
}
