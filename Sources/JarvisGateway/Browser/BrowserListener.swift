import JarvisCore
import JarvisHost
import JarvisNet
import JarvisSystem
import NIOCore

/// The sockets of the control service: loopback alone, whatever the gateway itself is bound to.
final class BrowserListener: Sendable {
    /// The port, on 127.0.0.1 and, where there is one, on ::1.
    let port: Int
    private let listeners: [Listener]

    private init(port: Int, listeners: [Listener]) {
        self.port = port
        self.listeners = listeners
    }

    /// Opens the service on `port` of both loopback addresses. A port that is taken on one of them is refused: whoever
    /// says `localhost` must reach us or nobody.
    ///
    /// - Returns: nil when the port can't be had; the log names its holder, and the gateway serves without.
    static func open(gateway: Gateway, group: any EventLoopGroup, port: Int) async -> BrowserListener? {
        let delegate = BrowserHTTP(gateway: gateway, port: port)
        var open: [Listener] = []
        for host in ["127.0.0.1", "::1"] {
            do {
                open.append(try await Listener.tcp(host: host, port: port, group: group, delegate: delegate))
            } catch let error as JarvisError where error.code == "net.bind.failed" && !open.isEmpty {
                // A host without IPv6 is served on IPv4 alone.
                gateway.logger.info("address not available", metadata: ["address": "\(host)"])
            } catch {
                for listener in open { await listener.close() }
                let holder = await Self.holder(of: port)
                let who = holder.map { "in use by \($0)" } ?? "not to be had (\(error))"
                await gateway.noteBrowserControl(problem: "port \(port) is \(who)")
                gateway.logger.error(
                    "browser control over HTTP is off: its port can't be had",
                    metadata: [
                        "port": "\(port)", "problem": "\(error)", "holder": "\(holder ?? "unknown")",
                        "next": "end the other program, then \(gateway.instance.command) gateway restart",
                    ])
                return nil
            }
        }
        return BrowserListener(port: port, listeners: open)
    }

    /// Stops taking connections; requests that are under way go on.
    func stopAccepting() async {
        for listener in listeners { await listener.stopAccepting() }
    }

    /// Closes everything.
    func close() async {
        for listener in listeners { await listener.close() }
    }

    private static func holder(of port: Int) async -> String? {
        do {
            return try await Blocking.run { PortHolder.find(port: port).map { "\($0)" } }
        } catch {
            return nil
        }
    }
}
