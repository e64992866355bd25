import JarvisCore
import JarvisHost
import JarvisNet
import JarvisSystem
import NIOCore

/// Finds out who has our port, for the message: of a process of this user the system knows the name, and another gateway
/// says so itself.
enum PortConflict {
    /// The error of a port that is taken; exit 78, so that a service manager does not try again and again.
    static func explain(port: Int, host: String, instance: Instance, group: any EventLoopGroup) async -> JarvisError {
        let shown = host.contains(":") ? "[\(host)]" : host
        let hint =
            "\(instance.command) gateway --port <another>, or \(instance.command) config set gateway.port <another>"
        let metadata = ["port": String(port)]
        let found = try? await Blocking.run { PortHolder.find(port: port) }  // without it the message is still true
        let holder = found ?? nil
        // A stranger is not even connected to: one that takes a single connection would end with it.
        let mayBeGateway = holder?.command.hasPrefix("jarvis") ?? true
        if mayBeGateway, let other = await gatewayId(port: port, host: shown, group: group) {
            return JarvisError(
                "gateway.port_in_use",
                "another gateway instance is already listening on ws://\(shown):\(port) (instance \(other))",
                hint: hint,
                metadata: metadata.merging(["instanceId": other]) { first, _ in first }, exitCode: 78)
        }
        let who = holder.map { " by \($0)" } ?? ""
        return JarvisError(
            "gateway.port_in_use", "failed to bind gateway socket on ws://\(shown):\(port): the port is in use\(who)",
            hint: hint, metadata: metadata, exitCode: 78)
    }

    private static func gatewayId(port: Int, host: String, group: any EventLoopGroup) async -> String? {
        let target = host == "0.0.0.0" ? "127.0.0.1" : host
        var request = HTTPClientRequest(url: "http://\(target):\(port)/healthz")
        request.connectTimeout = .seconds(1)
        request.firstByteTimeout = .seconds(1)
        request.idleTimeout = .seconds(1)
        // No answer, or none in HTTP: it is no gateway.
        return try? await HTTPClient(group: group, policy: .any).withResponse(request) { response in  // see above
            response.header("x-jarvis-instance-id")
        }
    }
}
