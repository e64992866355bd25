import JarvisCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP proxy on 127.0.0.1 that forwards requests in absolute form and opens tunnels (`CONNECT`). Where a connection
/// goes is what its rules answer for the name, once for each connection: between the question and the connection no
/// name is looked up again.
package final class ForwardProxy: Sendable {
    /// The port it listens on.
    package let port: Int

    private let channel: any Channel
    private let shared: ForwardProxyShared

    private init(channel: any Channel, port: Int, shared: ForwardProxyShared) {
        self.channel = channel
        self.port = port
        self.shared = shared
    }

    /// Begins to listen on a free port.
    ///
    /// - Throws: `JarvisError` `net.bind.failed`.
    package static func start(
        group: any EventLoopGroup, rules: ForwardProxyRules, limits: ForwardProxyLimits = ForwardProxyLimits()
    ) async throws -> ForwardProxy {
        let shared = ForwardProxyShared(rules: rules, limits: limits)
        do {
            let channel = try await ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 256)
                .serverChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(AcceptPause())
                    }
                }
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        shared.opened(channel)
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(IdleStateHandler(allTimeout: TimeAmount(limits.idle)))
                        try pipeline.addHandler(ForwardProxyEntrance(shared: shared))
                    }
                }
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.allowRemoteHalfClosure, value: true)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .bind(to: SocketAddress(ipAddress: "127.0.0.1", port: 0)).get()
            return ForwardProxy(channel: channel, port: channel.localAddress?.port ?? 0, shared: shared)
        } catch {
            let reason = (error as? IOError).map { SystemCallError.text($0.errnoCode) } ?? "the address can't be used"
            throw JarvisError(
                "net.bind.failed", "can't listen on 127.0.0.1 for the browser's connections: \(reason)", cause: error)
        }
    }

    /// Drops every connection, because the rules have changed. New ones are judged by the new rules.
    package func dropConnections() { shared.dropAll() }

    /// Stops listening and drops every connection. Returns when they are gone.
    package func close() async {
        try? await channel.close().get()  // closing a closed listener is fine
        for channel in shared.openChannels() {
            try? await channel.close().get()  // it may have gone by itself
        }
    }
}

/// What the connections of one proxy share.
final class ForwardProxyShared: Sendable {
    let rules: ForwardProxyRules
    let limits: ForwardProxyLimits
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    init(rules: ForwardProxyRules, limits: ForwardProxyLimits) {
        self.rules = rules
        self.limits = limits
    }

    func opened(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        channels.withLock { $0[key] = channel }
        channel.closeFuture.whenComplete { _ in self.channels.withLock { $0[key] = nil } }
    }

    var isFull: Bool { channels.withLock { $0.count > limits.connections } }

    func openChannels() -> [any Channel] { channels.withLock { Array($0.values) } }

    func dropAll() {
        for channel in openChannels() { channel.close(promise: nil) }
    }

    /// Connects to the target on `loop`: the rules are asked on a thread that may block, then exactly their addresses
    /// are tried. The channel does not read by itself.
    func connect(
        to target: ForwardProxyTarget, on loop: any EventLoop,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) -> EventLoopFuture<any Channel> {
        let attempt = ConnectAttempt(loop: loop, relays: true)
        attempt.startTimer(limits.connectTimeout)
        LookupThreads.pool.runIfActive(eventLoop: loop) { try self.rules.route(target) }.whenComplete { result in
            switch result {
            case .success(let addresses) where addresses.isEmpty:
                attempt.settle(.failure(HTTPClientError(.connect, "\(target.host) has no address")))
            case .success(let addresses): attempt.run(addresses[...], configure: configure)
            case .failure(let error): attempt.settle(.failure(error))
            }
        }
        return attempt.promise.futureResult
    }
}
