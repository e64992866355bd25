import JarvisCore
import JarvisNet
import JarvisSystem
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is needed to connect to a browser that runs already.
package struct AttachPlan: Sendable {
    /// Where.
    package var address: CDPAddress
    /// The user-data directory that the browser must run on, for a profile whose configuration names no address; nil:
    /// the configuration names this address, and any browser but another gateway's will do.
    package var userDataDir: String?
    /// The instance.
    package var instanceId: String
    /// For `/json/version`. Default 1500 ms.
    package var timeout = Duration.milliseconds(1500)
    /// For the WebSocket's handshake. Default 3 s.
    package var handshakeTimeout = Duration.milliseconds(3000)
    /// Where the question runs.
    package var group: any EventLoopGroup
    /// As in `BrowserHost`.
    package var instanceTitle: @Sendable (_ instanceId: String) async -> String? = { _ in nil }
    /// As in `BrowserHost`.
    package var directoryOwner: @Sendable (_ directory: String) async -> String? = { _ in nil }

    /// A plan.
    package init(address: CDPAddress, userDataDir: String? = nil, instanceId: String, group: any EventLoopGroup) {
        self.address = address
        self.userDataDir = userDataDir
        self.instanceId = instanceId
        self.group = group
    }

    /// A plan for a profile.
    package init(
        address: CDPAddress, profile: BrowserProfile, settings: BrowserSettings, host: BrowserHost
    ) {
        self.init(
            address: address, userDataDir: profile.cdpUrl == nil ? profile.userDataDir : nil,
            instanceId: host.tree.instanceId, group: host.group)
        timeout = settings.remoteTimeout
        handshakeTimeout = settings.remoteHandshakeTimeout
        instanceTitle = host.instanceTitle
        directoryOwner = host.directoryOwner
    }
}

/// A browser that we are connected to and did not start.
package final class AttachedBrowser: Sendable {
    /// The way to command it.
    package let connection: CDPConnection
    /// Its name and version.
    package let product: String
    /// What it tells servers that it is.
    package let userAgent: String
    /// Its first process, when it runs on this host and the kernel told.
    package let pid: Int32?
    private let pulse = Mutex<Task<Void, Never>?>(nil)

    /// How often it must answer.
    static let pulseInterval = Duration.seconds(20)

    init(connection: CDPConnection, product: String, userAgent: String, pid: Int32?) {
        self.connection = connection
        self.product = product
        self.userAgent = userAgent
        self.pid = pid
        // unstructured: lives as long as the connection, whose end cancels it
        let task = Task { [connection] in
            while connection.isOpen {
                do { try await Task.sleep(for: Self.pulseInterval) } catch { return }
                do throws(CDPFailure) {
                    _ = try await connection.send("Browser.getVersion", timeout: Self.pulseInterval)
                } catch {
                    if case .timeout = error { connection.close("it does not answer any more") }
                }
            }
        }
        pulse.withLock { $0 = task }
        connection.onClose { _ in task.cancel() }
    }

    /// Lets go of it; it goes on running.
    package func release() { connection.close() }
}

/// Connects to browsers that run already.
package enum BrowserAttacher {
    /// Connects. An endpoint on this host is judged by the kernel's tables before the first byte is sent, and each
    /// connection again once it is made; a remote one is trusted as configured. Credentials of the address go nowhere
    /// else.
    ///
    /// - Throws: `BrowserError` 408 `timeout`; 409 `foreign_browser` naming the owner; 500 `endpoint_failed`. No
    ///   message holds user, password or query.
    package static func attach(_ plan: AttachPlan) async throws -> AttachedBrowser {
        guard plan.address.isLoopback else {
            return try await connect(plan, check: { try refuseLoopback($1, plan.address) }, owners: [])
        }
        let (address, owners) = try await judge(plan)
        var plan = plan
        plan.address = address
        let check = LoopbackCheck(owners: owners)
        return try await connect(plan, check: { try check($0, $1) }, owners: owners)
    }

    /// A name that leads to this host would go around the judgement.
    private static func refuseLoopback(_ remote: SocketAddress, _ address: CDPAddress) throws {
        guard let text = remote.ipAddress, let parsed = IPAddress(text), parsed.unmapped.isLoopback else { return }
        throw BrowserError(
            409, "foreign_browser",
            "The name in \(address) leads to this host. Write http://127.0.0.1:\(address.port), so that it can be seen "
                + "whose the browser is.")
    }

    private static func connect(
        _ plan: AttachPlan, check: ConnectionCheck?, owners: [BrowserOwner]
    ) async throws -> AttachedBrowser {
        let discovery = EndpointDiscovery(
            address: plan.address, timeout: plan.timeout, group: plan.group, check: check)
        let door = try await discovery.door()
        let transport: WebSocketTransport
        do {
            transport = try await WebSocketTransport.connect(
                url: door.url, headers: door.headers, timeout: plan.handshakeTimeout, check: check)
        } catch let error as HTTPClientError {
            throw EndpointDiscovery.describe(error, plan.address, plan.handshakeTimeout)
        }
        let connection = CDPConnection(transport: transport)
        do {
            let version = try await connection.send("Browser.getVersion", timeout: .seconds(10))
            let pid = owners.first { $0.isBrowser }?.pid
            if let pid { try await checkProcess(connection, pid, plan) }
            return AttachedBrowser(
                connection: connection, product: version["product"]?.stringValue ?? "",
                userAgent: version["userAgent"]?.stringValue ?? "", pid: pid)
        } catch {
            connection.close()
            guard let failure = error as? CDPFailure else { throw error }
            if case .cancelled = failure { throw CancellationError() }
            throw BrowserError(500, "endpoint_failed", "The browser at \(plan.address) can't be used: \(failure).")
        }
    }

    /// The browser must be the very process that the kernel says listens.
    private static func checkProcess(_ connection: CDPConnection, _ pid: Int32, _ plan: AttachPlan) async throws {
        let info: JSONValue
        do throws(CDPFailure) {
            info = try await connection.send("SystemInfo.getProcessInfo", timeout: .seconds(10))
        } catch {
            // Older ones do not tell.
            if case .remote = error { return }
            throw error
        }
        let said = info["processInfo"]?.arrayValue?.first { $0["type"]?.stringValue == "browser" }?["id"]?.intValue
        guard let said, said != Int(pid) else { return }
        throw BrowserError(
            409, "foreign_browser",
            "The browser at \(plan.address) says that it is process \(said), but process \(pid) listens there.")
    }

    // MARK: Who listens

    /// The address that is used, `localhost` decided, and everybody who listens there, judged.
    private static func judge(_ plan: AttachPlan) async throws -> (CDPAddress, [BrowserOwner]) {
        let wanted = plan.address
        let (address, owners) = try await offPool { () -> (CDPAddress, [BrowserOwner]) in
            guard wanted.authority.address == nil else {
                return (
                    wanted, PortProof.owners(port: wanted.port, on: wanted.authority.address.map(LoopbackCheck.bytes))
                )
            }
            var address = wanted
            for text in ["127.0.0.1", "[::1]"] {
                guard let authority = HTTPAuthority("\(text):\(wanted.port)") else { continue }
                address.authority = authority
                let owners = PortProof.owners(port: wanted.port, on: authority.address.map(LoopbackCheck.bytes))
                if !owners.isEmpty { return (address, owners) }
            }
            return (wanted, [])
        }
        var judge = AttachJudge(
            place: "\(wanted)", instanceId: plan.instanceId, directory: plan.userDataDir,
            hasCredentials: wanted.userInfo != nil || wanted.target.contains("?"), userId: geteuid())
        for owner in owners {
            if let id = owner.instanceId { judge.instanceTitles[id] = await plan.instanceTitle(id) }
            if let used = owner.userDataDir { judge.directoryTitles[used] = await plan.directoryOwner(used) }
        }
        try judge.judge(owners)
        return (address, owners)
    }
}

/// Judges one connection to this host that is made: by then the port may be somebody else's.
struct LoopbackCheck: Sendable {
    /// Who may be at the other end.
    let owners: [BrowserOwner]

    /// - Throws: `BrowserError` 409 `foreign_browser` when the kernel says that somebody else is there.
    func callAsFunction(_ local: SocketAddress, _ remote: SocketAddress) throws {
        guard let mine = Self.bytes(local), let theirs = Self.bytes(remote), let port = remote.port else { return }
        let table = TCPTable.read()
        // Off Linux there is no table.
        guard !table.isEmpty else { return }
        let accepted = table.filter { socket in
            !socket.isListening && socket.localPort == port && socket.remotePort == local.port
                && TCPSocket.plain(socket.localAddress) == theirs && TCPSocket.plain(socket.remoteAddress) == mine
        }
        let listening = PortProof.listeners(on: port, address: theirs, in: table)
        let relevant = (accepted + listening).filter { $0.inode != 0 }
        let holders = TCPTable.holders(of: Set(relevant.map(\.inode)))
        guard !relevant.isEmpty, relevant.allSatisfy({ isKnown($0, holders[$0.inode] ?? []) }) else {
            throw BrowserError(
                409, "foreign_browser",
                "The debugging port \(port) changed hands while it was being connected to. Nothing was sent. Try again."
            )
        }
    }

    private func isKnown(_ socket: TCPSocket, _ pids: Set<Int32>) -> Bool {
        if pids.isEmpty { return owners.contains { $0.pid == nil && $0.userId == socket.userId } }
        return pids.allSatisfy { pid in
            owners.contains { $0.pid == pid && ProcessInfoReader().isAlive(pid: pid, startTime: $0.startTime) }
        }
    }

    private static func bytes(_ address: SocketAddress) -> [UInt8]? {
        address.ipAddress.flatMap { IPAddress($0) }.map(bytes)
    }

    /// 4 or 16 bytes in network order.
    static func bytes(_ parsed: IPAddress) -> [UInt8] {
        switch parsed.unmapped {
        case .v4(let value): return withUnsafeBytes(of: value.bigEndian, Array.init)
        case .v6(let high, let low):
            return withUnsafeBytes(of: high.bigEndian, Array.init) + withUnsafeBytes(of: low.bigEndian, Array.init)
        }
    }
}
