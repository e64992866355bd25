import JarvisCore
import JarvisSystem

/// Whose a listening port of this host is, by the kernel's tables: socket, process, start time. Nothing is sent to it.
package enum PortProof {
    /// What was found.
    package enum Verdict: Sendable, Hashable {
        /// Every listener there is the process asked about, and one is on 127.0.0.1.
        case own
        /// Nobody listens on 127.0.0.1 or for all addresses.
        case nobody
        /// Somebody else does, on one of the families.
        case foreign(BrowserOwner)
    }

    /// Whether a debugging port is that of the browser with this first process and launch. A browser that finds
    /// 127.0.0.1 taken goes to ::1 in silence; that is foreign, and so is a stranger on ::1 beside it. Blocks.
    static func verdict(port: Int, pid: Int32, startTime: Int64, nonce: String) -> Verdict {
        judge(TCPTable.read(), port: port, holders: { TCPTable.holders(of: $0) }) { holder in
            guard let owner = BrowserOwner(pid: holder) else { return BrowserOwner() }
            let reader = ProcessInfoReader()
            // A child of the browser shares its sockets until the program it is to run begins.
            let isPlaced =
                holder == pid ? owner.startTime == startTime : reader.read(pid: holder)?.parent == pid
            return isPlaced && reader.environment(holder, BrowserLauncher.nonceName) == nonce ? nil : owner
        }
    }

    /// The owners of everything that listens on `port` where a connection to `address` may end up (4 or 16 bytes; nil:
    /// any of this host's); empty when nobody does. Blocks.
    package static func owners(port: Int, on address: [UInt8]? = nil) -> [BrowserOwner] {
        let table = TCPTable.read()
        let sockets = address.map { listeners(on: port, address: $0, in: table) } ?? listeners(on: port, in: table)
        let holders = TCPTable.holders(of: Set(sockets.map(\.inode)))
        var owners: [BrowserOwner] = []
        for socket in sockets {
            let found = (holders[socket.inode] ?? []).sorted().compactMap { BrowserOwner(pid: $0) }
            var unknown = BrowserOwner()
            unknown.userId = socket.userId
            for owner in found.isEmpty ? [unknown] : found where !owners.contains(owner) { owners.append(owner) }
        }
        return owners
    }

    /// Who may get a connection to one address.
    static func listeners(on port: Int, address: [UInt8], in table: [TCPSocket]) -> [TCPSocket] {
        table.filter { socket in
            guard socket.isListening, socket.localPort == port else { return false }
            let local = TCPSocket.plain(socket.localAddress)
            // `[::]` takes IPv4 as well unless told otherwise, which the table does not show.
            return local == address
                || local.allSatisfy { $0 == 0 } && (local.count == address.count || local.count == 16)
        }
    }

    /// Pure: `stranger` says who a process is, or nil for the one that may be there.
    static func judge(
        _ table: [TCPSocket], port: Int, holders: (Set<UInt64>) -> [UInt64: Set<Int32>],
        stranger: (Int32) -> BrowserOwner?
    ) -> Verdict {
        let sockets = listeners(on: port, in: table)
        let known = holders(Set(sockets.map(\.inode)))
        for socket in sockets {
            let pids = known[socket.inode] ?? []
            if pids.isEmpty {
                var owner = BrowserOwner()
                owner.userId = socket.userId
                return .foreign(owner)
            }
            for pid in pids.sorted() {
                if let owner = stranger(pid) { return .foreign(owner) }
            }
        }
        return sockets.contains(where: \.takesLoopbackV4) ? .own : .nobody
    }

    private static func listeners(on port: Int, in table: [TCPSocket]) -> [TCPSocket] {
        table.filter { $0.isListening && $0.localPort == port && ($0.takesLoopbackV4 || $0.takesLoopbackV6) }
    }
}
