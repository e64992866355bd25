import CJarvisShims
import JarvisCore
import JarvisNet
import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The way to the network of one browser that we start: a proxy on 127.0.0.1 that judges every connection by the
/// navigation policy, on the resolved address, and connects to that very address. Redirects, frames, sub-resources,
/// service workers, WebSockets and prefetches all come this way.
package final class EgressProxy: Sendable {
    /// The port it listens on.
    package let port: Int
    /// What was refused of late.
    package let denials: EgressDenials

    private let proxy: ForwardProxy
    private let rules: EgressRules

    private init(proxy: ForwardProxy, rules: EgressRules) {
        port = proxy.port
        denials = rules.denials
        self.proxy = proxy
        self.rules = rules
    }

    /// Starts the proxy of one browser.
    ///
    /// - Throws: `JarvisError` `net.bind.failed`.
    package static func start(
        policy: NavigationPolicy, group: any EventLoopGroup, denials: EgressDenials = EgressDenials()
    ) async throws -> EgressProxy {
        let rules = EgressRules(policy: policy, denials: denials)
        let proxy = try await ForwardProxy.start(
            group: group,
            rules: ForwardProxyRules(
                admits: { peer, local in LocalPeer.user(of: peer, to: local) == geteuid() },
                route: { try rules.route($0) }))
        OpenProxies.ports.withLock { _ = $0.insert(proxy.port) }
        return EgressProxy(proxy: proxy, rules: rules)
    }

    /// The refusals that are kept, the oldest first.
    package var recentDenials: [EgressDenial] { denials.all }

    /// Puts another policy in force. When it refuses what the old one allowed, or the other way, open connections are
    /// dropped, so that none outlives the policy that judged it.
    package func update(_ policy: NavigationPolicy) {
        if rules.replace(policy) { proxy.dropConnections() }
    }

    /// Ends it and all its connections.
    package func close() async {
        OpenProxies.ports.withLock { _ = $0.remove(port) }
        await proxy.close()
    }

    /// The arguments that make a browser send everything to the proxy on `port` of 127.0.0.1, and nothing beside it: no exception
    /// for loopback, no name lookup of its own, no UDP (QUIC, WebRTC).
    package static func flags(port: Int) -> [String] {
        [
            "--proxy-server=http://127.0.0.1:\(port)",
            "--proxy-bypass-list=<-loopback>",
            "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
            "--disable-quic",
            "--dns-prefetch-disable",
            "--webrtc-ip-handling-policy=disable_non_proxied_udp",
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
        ]
    }
}

/// The ports of all proxies of this process: no browser may talk to one of them as to a server.
enum OpenProxies {
    static let ports = Mutex<Set<Int>>([])
}

/// The policy in force, and what it refused.
final class EgressRules: Sendable {
    let denials: EgressDenials
    private let policy: Mutex<NavigationPolicy>

    init(policy: NavigationPolicy, denials: EgressDenials) {
        self.policy = Mutex(policy)
        self.denials = denials
    }

    /// Returns whether the two differ in what they open.
    func replace(_ policy: NavigationPolicy) -> Bool {
        self.policy.withLock { old in
            defer { old = policy }
            return old.allowsPrivateNetwork != policy.allowsPrivateNetwork
                || old.allowedHostnames != policy.allowedHostnames
                || old.hostnameAllowlist != policy.hostnameAllowlist
        }
    }

    func route(_ target: ForwardProxyTarget) throws -> [SocketAddress] {
        var policy = policy.withLock { $0 }
        let denied = policy.deniedPorts
        policy.deniedPorts = { denied().union(OpenProxies.ports.withLock { $0 }) }
        do {
            return try policy.route(
                host: target.host, port: target.port, shown: NavigationAddress.shown(target.url ?? target.place))
        } catch let error as BrowserError {
            let isRefusal = error.code != "unknown_host"
            if isRefusal {
                denials.add(target: target.url ?? target.place, host: target.host, port: target.port, error: error)
            }
            throw ForwardProxyRefusal(status: isRefusal ? 403 : 502, message: error.message)
        }
    }
}
