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

    private let sockets: [Int: [TCPSocket]]
    private let holders: [UInt64: PortHolder]

    /// Looks now. Off Linux nobody is seen. Blocks for some milliseconds.
    ///
    /// - Parameter ports: which ports' processes are wanted; nil: all.
    package init(ports: Set<Int>? = nil) {
        var sockets: [Int: [TCPSocket]] = [:]
        for socket in TCPTable.read() where socket.isListening && ports?.contains(socket.localPort) ?? true {
            sockets[socket.localPort, default: []].append(socket)
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

    /// Every listener of a port, one for each address.
    package func all(on port: Int) -> [Listener] {
        (sockets[port] ?? []).map { Listener(userId: $0.userId, holder: holders[$0.inode]) }
    }

    private static func holders(of inodes: Set<UInt64>) -> [UInt64: PortHolder] {
        TCPTable.holders(of: inodes).compactMapValues { pids in
            pids.min().map { PortHolder(pid: $0, command: ProcessInfoReader().read(pid: $0)?.command ?? "a process") }
        }
    }
}
