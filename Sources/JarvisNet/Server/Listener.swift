import JarvisCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the connections of one listener share.
final class ListenerShared: Sendable {
    let delegate: any ServerDelegate
    let limits: ServerLimits
    let budget: PreAuthBudget
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let sweepers = Mutex<[ObjectIdentifier: DeadlineSweeper]>([:])
    private let draining = Atomic(false)

    init(delegate: any ServerDelegate, limits: ServerLimits, budget: PreAuthBudget?) {
        self.delegate = delegate
        self.limits = limits
        self.budget =
            budget ?? PreAuthBudget(total: limits.preAuthSockets, perAddress: limits.preAuthSocketsPerAddress)
    }

    /// Whether answers end their connection.
    var isDraining: Bool { draining.load(ordering: .relaxed) }

    func drain() { draining.store(true, ordering: .relaxed) }

    func sweeper(for eventLoop: any EventLoop) -> DeadlineSweeper {
        sweepers.withLock { sweepers in
            if let known = sweepers[ObjectIdentifier(eventLoop)] { return known }
            let sweeper = DeadlineSweeper(eventLoop: eventLoop, interval: limits.sweepInterval)
            sweepers[ObjectIdentifier(eventLoop)] = sweeper
            return sweeper
        }
    }

    /// Sets up an accepted connection on its loop.
    func accept(_ channel: any Channel) throws {
        let key = ObjectIdentifier(channel)
        channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { _ in self.channels.withLock { $0[key] = nil } }
        let connection = HTTPConnection(
            shared: self, sweeper: sweeper(for: channel.eventLoop), peer: PeerAddress(of: channel))
        var decoderLimits = NIOHTTPDecoderLimitConfiguration()
        decoderLimits.maxHeaderFieldSize = limits.headerBytes
        decoderLimits.maxHeaderListSize = limits.headerBytes
        decoderLimits.maxHeaderFieldCount = limits.headerCount
        let decoder = HTTPRequestDecoder(
            leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop,
            limitConfiguration: decoderLimits)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTPByteWatch(connection: connection))
        try pipeline.addHandler(ByteToMessageHandler(decoder))
        try pipeline.addHandler(connection)
    }

    func openChannels() -> [any Channel] { channels.withLock { Array($0.values) } }
}

/// A bound TCP port or unix socket that serves HTTP/1.1 and WebSocket to one delegate.
package final class Listener: Sendable {
    /// The bound TCP port; nil for a unix socket.
    package let port: Int?
    /// The bound address for messages: `127.0.0.1:18789`, `[::1]:18789` or the socket's path.
    package let address: String

    private let channel: any Channel
    private let shared: ListenerShared
    private let socketPath: String?

    private init(channel: any Channel, shared: ListenerShared, address: String, socketPath: String?) {
        self.channel = channel
        self.shared = shared
        self.address = address
        self.socketPath = socketPath
        port = socketPath == nil ? channel.localAddress?.port : nil
    }

    /// Binds `host` (an IP literal, or `localhost` for 127.0.0.1) and `port` (0 picks a free one). An IPv6 address
    /// takes IPv6 connections only.
    ///
    /// - Throws: `JarvisError` with `net.bind.in_use` (exit 2), `net.bind.address` (exit 2) or `net.bind.failed`.
    package static func tcp(
        host: String, port: Int, group: any EventLoopGroup, delegate: any ServerDelegate,
        limits: ServerLimits = ServerLimits(), budget: PreAuthBudget? = nil
    ) async throws -> Listener {
        guard let literal = IPAddress(host == "localhost" ? "127.0.0.1" : host), (0...65535).contains(port) else {
            throw JarvisError(
                "net.bind.address", "can't listen on '\(host)' port \(port): an IP address and a port are needed",
                exitCode: 2)
        }
        let isV6 = if case .v6 = literal { true } else { false }
        let shown = isV6 ? "[\(host)]" : host
        let shared = ListenerShared(delegate: delegate, limits: limits, budget: budget)
        do {
            let address = try SocketAddress(ipAddress: host == "localhost" ? "127.0.0.1" : host, port: port)
            var bootstrap = bootstrap(group: group, shared: shared)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
            if isV6 {
                bootstrap = bootstrap.serverChannelOption(
                    ChannelOptions.socket(SocketOptionLevel(IPPROTO_IPV6), SocketOptionName(IPV6_V6ONLY)), value: 1)
            }
            let channel = try await bootstrap.bind(to: address).get()
            let bound = channel.localAddress?.port ?? port
            return Listener(channel: channel, shared: shared, address: "\(shown):\(bound)", socketPath: nil)
        } catch {
            throw bindError(error, address: "\(shown):\(port)", hint: "choose another port or stop what holds this one")
        }
    }

    /// Binds the unix socket `path` (mode 0600). A socket file that nobody answers on is replaced; anything else at
    /// `path` is left alone.
    ///
    /// - Throws: `JarvisError` with `net.bind.in_use` (exit 2), `net.bind.address` (exit 2) or `net.bind.failed`.
    package static func unix(
        path: String, group: any EventLoopGroup, delegate: any ServerDelegate, limits: ServerLimits = ServerLimits(),
        budget: PreAuthBudget? = nil
    ) async throws -> Listener {
        let shared = ListenerShared(delegate: delegate, limits: limits, budget: budget)
        do {
            try removeStaleSocket(path)
            let address = try SocketAddress(unixDomainSocketPath: path)
            let channel = try await bootstrap(group: group, shared: shared).bind(to: address).get()
            if chmod(path, 0o600) != 0 {
                let number = errno
                try? await channel.close().get()  // the chmod failure is the error to tell
                throw SystemCallError(call: "chmod", errorNumber: number, subject: path)
            }
            return Listener(channel: channel, shared: shared, address: path, socketPath: path)
        } catch {
            throw bindError(error, address: path, hint: nil)
        }
    }

    /// Takes no new connections. Open ones go on; each HTTP answer now ends its connection.
    package func stopAccepting() async {
        shared.drain()
        try? await channel.close().get()  // closing a closed listener is fine
        if let socketPath { unlink(socketPath) }
    }

    /// `stopAccepting`, then drops every connection at once. Returns when they are gone.
    package func close() async {
        await stopAccepting()
        for channel in shared.openChannels() {
            try? await channel.close().get()  // it may have gone by itself
        }
    }

    private static func bootstrap(group: any EventLoopGroup, shared: ListenerShared) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptPause())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try shared.accept(channel) }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
    }

    private static func bindError(_ error: any Error, address: String, hint: String?) -> JarvisError {
        if let known = error as? JarvisError { return known }
        let number = (error as? IOError)?.errnoCode ?? (error as? SystemCallError)?.errorNumber
        if number == EADDRINUSE {
            return JarvisError(
                "net.bind.in_use", "can't listen on \(address): another program does", hint: hint, exitCode: 2,
                cause: error)
        }
        let reason = number.map { SystemCallError.text($0) } ?? "the address can't be used"
        return JarvisError("net.bind.failed", "can't listen on \(address): \(reason)", hint: hint, cause: error)
    }

    private static func removeStaleSocket(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw JarvisError("net.bind.address", "can't listen on \(path): it is no socket", exitCode: 2)
        }
        #if canImport(Glibc)
            let kind = Int32(SOCK_STREAM.rawValue)
        #else
            let kind = SOCK_STREAM
        #endif
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw SystemCallError(call: "socket", errorNumber: errno, subject: path) }
        defer { _ = systemClose(descriptor) }
        // A full backlog must not block here.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let answer = try SocketAddress(unixDomainSocketPath: path).withSockAddr { address, size in
            connect(descriptor, address, socklen_t(size)) == 0 ? 0 : errno
        }
        guard answer == ECONNREFUSED else {
            throw SystemCallError(call: "bind", errorNumber: EADDRINUSE, subject: path)
        }
        unlink(path)
    }
}

/// `close` under a name that no method hides.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
