import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisNet
import NIOCore

/// The sockets on which the gateway serves.
final class Listeners: Sendable {
    /// The port that clients use.
    let port: Int
    /// The address for people and the runtime file.
    let host: String
    /// Addresses besides loopback, as clients spell them.
    let addresses: [String]
    /// Every address it listens on, `host` first.
    let hosts: [String]
    /// Whether other hosts may reach the port.
    let isExposed: Bool
    /// The bind mode: `loopback`, `lan`, `tailnet`, `custom`.
    let mode: String
    private let listeners: [Listener]

    private init(port: Int, hosts: [String], mode: String, listeners: [Listener]) {
        self.port = port
        self.mode = mode == "auto" ? "loopback" : mode
        self.hosts = hosts
        host = hosts[0]
        addresses = (hosts.contains("0.0.0.0") ? LocalAddresses.ipv4() : hosts).filter { !Self.loopback.contains($0) }
        isExposed = Self.isExposed(hosts)
        self.listeners = listeners
    }

    private static let loopback = ["127.0.0.1", "::1"]

    private static func isExposed(_ hosts: [String]) -> Bool { !hosts.allSatisfy(loopback.contains) }

    /// Binds the port and the control socket.
    ///
    /// - Throws: `gateway.port_in_use`, exit 78, naming the holder; `gateway.bind`, exit 1.
    static func open(
        gateway: Gateway, group: any EventLoopGroup, port: Int, bind: String?, snapshot: ConfigSnapshot,
        auth: SharedSecretAuthFacts
    ) async throws -> Listeners {
        let mode = bind ?? snapshot.config.gateway.bind.rawValue
        let hosts = try addresses(mode, config: snapshot.config, auth: auth.resolve(snapshot.config))
        let delegate = GatewayHTTP(gateway: gateway)
        let budget = PreAuthBudget()
        var open: [Listener] = []
        do {
            let first = try await Listener.tcp(
                host: hosts[0], port: port, group: group, delegate: delegate, budget: budget)
            open.append(first)
            let bound = first.port ?? port
            var served = [hosts[0]]
            for host in hosts.dropFirst() {
                do {
                    open.append(
                        try await Listener.tcp(
                            host: host, port: bound, group: group, delegate: delegate, budget: budget))
                    served.append(host)
                } catch let error as JarvisError where error.code == "net.bind.failed" {
                    // A host without IPv6 is served on IPv4 alone.
                    gateway.logger.info("address not available", metadata: ["address": "\(host)"])
                }
            }
            let socket = gateway.instance.paths.controlSocket
            try await Blocking.run { try StateDirectory.preparePrivate(DurableFile.parent(of: socket)) }
            open.append(
                try await Listener.unix(path: socket, group: group, delegate: delegate, budget: PreAuthBudget()))
            return Listeners(port: bound, hosts: served, mode: mode, listeners: open)
        } catch let error as JarvisError where error.code == "net.bind.in_use" {
            for listener in open { await listener.close() }
            throw await PortConflict.explain(port: port, host: hosts[0], instance: gateway.instance, group: group)
        } catch {
            for listener in open { await listener.close() }
            throw error
        }
    }

    /// The addresses of a bind mode.
    ///
    /// - Throws: `gateway.bind`, exit 1.
    static func addresses(_ mode: String, config: Config, auth: SharedSecretAuth) throws -> [String] {
        let hosts: [String]
        switch mode {
        case "loopback", "auto": return ["127.0.0.1", "::1"]
        case "tailnet": hosts = LocalAddresses.tailnet().map { [$0, "127.0.0.1"] } ?? ["127.0.0.1", "::1"]
        case "lan": hosts = ["0.0.0.0"]
        case "custom":
            guard let host = config.gateway.customBindHost, !host.isEmpty else {
                throw JarvisError(
                    "gateway.bind", "bind mode \"custom\" needs gateway.customBindHost, and it is not set.",
                    hint: "jarvis config set gateway.customBindHost 192.0.2.1", exitCode: 1)
            }
            hosts = [host]
        default:
            throw JarvisError(
                "gateway.bind", "unknown bind mode \"\(mode)\": expected loopback, lan, tailnet, auto or custom.",
                exitCode: 1)
        }
        if isExposed(hosts), !auth.isStrong {
            throw JarvisError(
                "gateway.bind",
                "Refusing to listen on \(hosts[0]) (bind \"\(mode)\"): other hosts could reach the gateway, and its"
                    + " credential is missing or weak (a token needs 24 characters, a password 12).",
                hint: "jarvis config set gateway.auth.token \"$(openssl rand -hex 24)\"", exitCode: 1)
        }
        return hosts
    }

    /// Stops taking connections; those that are open go on.
    func stopAccepting() async {
        for listener in listeners { await listener.stopAccepting() }
    }

    /// Closes everything.
    func close() async {
        for listener in listeners { await listener.close() }
    }
}
