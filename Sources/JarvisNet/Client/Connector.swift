import JarvisCore
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Where a client connects to.
enum Endpoint: Sendable {
    case url(ClientURL)
    /// A socket path; the URL still gives `Host` and target.
    case unix(path: String)
}

/// Judges a connection that is made before a byte is sent over it: throws when it may not be used. Runs where it may
/// block. Gets the addresses of this end and of the other.
package typealias ConnectionCheck = @Sendable (_ local: SocketAddress, _ remote: SocketAddress) throws -> Void

/// The trust that outgoing TLS uses, loaded on the first TLS connection (it costs 11 ms and 1 MB) and then kept.
package final class TLSContexts: Sendable {
    /// The process-wide one: the authorities of `trust`, else the system's.
    package static let system = TLSContexts { configuration(authorities.withLock { $0 }) }
    private static let authorities = Mutex<[String]>([])

    /// Says once, before the first connection, whom `system` trusts instead of the system's authorities: PEM files and
    /// directories as OpenSSL knows them. Empty: the system's.
    package static func trust(_ paths: [String]) { authorities.withLock { $0 = paths } }

    static func configuration(_ authorities: [String]) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        guard let first = authorities.first else { return configuration }
        configuration.trustRoots = .file(first)
        configuration.additionalTrustRoots = authorities.dropFirst().map { .file($0) }
        return configuration
    }

    private let make: @Sendable () -> TLSConfiguration
    private let context = Mutex<NIOSSLContext?>(nil)

    /// A context made from `make` when first needed.
    package init(_ make: @escaping @Sendable () -> TLSConfiguration) { self.make = make }

    /// Blocks while the certificates are read the first time.
    func load() throws -> NIOSSLContext {
        try context.withLock { context in
            if let context { return context }
            let made = try NIOSSLContext(configuration: make())
            context = made
            return made
        }
    }
}

/// Opens client connections: name lookup off the loop, policy on the resolved addresses, one address after the other.
struct Connector: Sendable {
    let group: any EventLoopGroup
    let policy: EgressPolicy
    let resolver: Resolver
    let tls: TLSContexts
    var check: ConnectionCheck?

    /// What the blocking thread finds out before a socket is made.
    private struct Plan: Sendable {
        var addresses: [SocketAddress]
        var tls: NIOSSLContext?
    }

    /// A connected channel on `loop` whose pipeline `configure` has filled (behind the TLS handler, if any). The TLS
    /// handshake may still be under way. Cancelling the task closes the socket.
    ///
    /// - Throws: `HTTPClientError`, `CancellationError`.
    func connect(
        to endpoint: Endpoint, on loop: any EventLoop, timeout: Duration,
        isolation: isolated (any Actor)? = #isolation, configure: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> any Channel {
        let name = if case .url(let url) = endpoint { url.authority } else { HTTPAuthority?.none }
        let attempt = ConnectAttempt(loop: loop)
        return try await withTaskCancellationHandler {
            attempt.startTimer(timeout)
            plan(endpoint, on: loop).whenComplete { result in
                switch result {
                case .success(let plan):
                    attempt.run(plan.addresses[...], check: check) { channel in
                        if let tls = plan.tls {
                            // A certificate for an address is checked against the address itself.
                            let hostname = name?.address == nil ? name?.host : nil
                            try channel.pipeline.syncOperations.addHandler(
                                NIOSSLClientHandler(context: tls, serverHostname: hostname))
                        }
                        try configure(channel)
                    }
                case .failure(let error): attempt.settle(.failure(error))
                }
            }
            return try await attempt.promise.futureResult.get()
        } onCancel: {
            attempt.settle(.failure(CancellationError()))
        }
    }

    private func plan(_ endpoint: Endpoint, on loop: any EventLoop) -> EventLoopFuture<Plan> {
        switch endpoint {
        case .unix(let path):
            guard policy.allowsUnixSockets else {
                return loop.makeFailedFuture(HTTPClientError(.blocked, "unix sockets may not be connected to here"))
            }
            do {
                return loop.makeSucceededFuture(Plan(addresses: [try SocketAddress(unixDomainSocketPath: path)]))
            } catch {
                return loop.makeFailedFuture(HTTPClientError(.badURL, "the socket path \(path) can't be used"))
            }
        case .url(let url):
            if url.authority.address != nil, !url.isTLS {
                return loop.makeCompletedFuture { Plan(addresses: try allowed(url)) }
            }
            return NIOSingletons.posixBlockingThreadPool.runIfActive(eventLoop: loop) {
                let addresses = try allowed(url)
                guard url.isTLS else { return Plan(addresses: addresses) }
                do {
                    return Plan(addresses: addresses, tls: try tls.load())
                } catch {
                    throw HTTPClientError(
                        .tls, "the certificate authorities of this system (or of SSL_CERT_FILE) can't be loaded")
                }
            }
        }
    }

    /// The addresses of the URL's host; one forbidden address among them forbids all.
    private func allowed(_ url: ClientURL) throws -> [SocketAddress] {
        let host = url.authority.host
        let addresses =
            url.authority.address == nil
            ? try resolver.resolve(host, url.port) : [try SocketAddress(ipAddress: host, port: url.port)]
        guard !addresses.isEmpty else { throw HTTPClientError(.connect, "\(host) has no address") }
        for address in addresses {
            guard let text = address.ipAddress?.split(separator: "%").first, let parsed = IPAddress(text),
                policy.allows(parsed)
            else { throw HTTPClientError(.blocked, "\(host) leads to an address that may not be connected to") }
        }
        return addresses
    }
}

/// One try to connect, settled exactly once: connected, failed, timed out or cancelled.
///
/// Unchecked: the variables are touched on `loop` only.
final class ConnectAttempt: @unchecked Sendable {
    let loop: any EventLoop
    let promise: EventLoopPromise<any Channel>
    private let relays: Bool
    private var settled = false
    private var channel: (any Channel)?
    private var timer: Scheduled<Void>?

    /// - Parameter relays: the channel reads when told only, and one of its directions may end before the other.
    init(loop: any EventLoop, relays: Bool = false) {
        self.loop = loop
        self.relays = relays
        promise = loop.makePromise()
    }

    func startTimer(_ timeout: Duration) {
        onLoop {
            guard !self.settled else { return }
            self.timer = self.loop.scheduleTask(in: TimeAmount(timeout)) {
                self.settle(.failure(HTTPClientError(.timeout(.connect), "no connection within \(timeout)")))
            }
        }
    }

    /// The socket being connected, so that settling otherwise can close it.
    private func current(_ channel: any Channel) {
        self.channel = channel
        if settled { channel.close(promise: nil) }
    }

    /// Tries `addresses` one after the other. Handlers are added to the one that connects, before it can have read.
    func run(
        _ addresses: ArraySlice<SocketAddress>, check: ConnectionCheck? = nil,
        configure: @escaping @Sendable (any Channel) throws -> Void
    ) {
        guard !settled, let address = addresses.first else { return }
        ClientBootstrap(group: loop)
            // The attempt's own timer decides; this only bounds a socket that nobody waits for.
            .connectTimeout(.seconds(120))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.autoRead, value: !relays)
            .channelOption(.allowRemoteHalfClosure, value: relays)
            .channelInitializer { channel in
                self.current(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .connect(to: address)
            .flatMap { channel in Self.judge(channel, check) }
            .flatMapThrowing { channel in
                do {
                    try configure(channel)
                    return channel
                } catch {
                    channel.close(promise: nil)
                    throw error
                }
            }
            .whenComplete { result in
                switch result {
                case .success(let channel): self.settle(.success(channel))
                case .failure(let error):
                    if addresses.count > 1, !self.settled, !(error is CheckFailure) {
                        self.run(addresses.dropFirst(), check: check, configure: configure)
                    } else {
                        self.settle(.failure(Self.describe(error, address)))
                    }
                }
            }
    }

    private static func judge(_ channel: any Channel, _ check: ConnectionCheck?) -> EventLoopFuture<any Channel> {
        guard let check else { return channel.eventLoop.makeSucceededFuture(channel) }
        return NIOSingletons.posixBlockingThreadPool.runIfActive(eventLoop: channel.eventLoop) {
            guard let local = channel.localAddress, let remote = channel.remoteAddress else {
                throw HTTPClientError(.closedEarly, "the connection ended at once")
            }
            try check(local, remote)
        }.map { channel }.flatMapErrorThrowing { error in
            channel.close(promise: nil)
            throw CheckFailure(reason: error)
        }
    }

    private struct CheckFailure: Error { var reason: any Error }

    func settle(_ result: Result<any Channel, any Error>) {
        onLoop {
            if self.settled {
                if case .success(let channel) = result { channel.close(promise: nil) }
                return
            }
            self.settled = true
            self.timer?.cancel()
            if case .failure = result { self.channel?.close(promise: nil) }
            self.channel = nil
            self.promise.completeWith(result)
        }
    }

    private func onLoop(_ work: @escaping @Sendable () -> Void) {
        if loop.inEventLoop { work() } else { loop.execute(work) }
    }

    private static func describe(_ error: any Error, _ address: SocketAddress) -> any Error {
        if let failure = error as? CheckFailure { return failure.reason }
        if error is HTTPClientError || error is CancellationError { return error }
        let place = address.ipAddress.map { "\($0):\(address.port ?? 0)" } ?? address.pathname ?? "the server"
        let reason = (error as? IOError).map { SystemCallError.text($0.errnoCode) } ?? "no connection"
        return HTTPClientError(.connect, "can't connect to \(place): \(reason)")
    }
}
