import JarvisClient
import JarvisCore
import JarvisHost
import JarvisNet
import JarvisProtocol
import JarvisSystem

/// Who really answers at a URL on this host, when the answer was not what was hoped for.
///
/// “Token mismatch” is the truth and no help when the port belongs to another gateway of the same user. So a refusal
/// from a loopback URL is looked up among the instances that prove themselves, and told by name.
enum AnsweringInstance {
    /// The port of a URL that leads to this host; nil for every other one.
    static func localPort(_ url: String) -> Int? {
        let parsed = try? ClientURL(url, schemes: ["ws", "wss"])  // refused with a better message by the client
        guard let parsed, ["127.0.0.1", "::1", "localhost"].contains(parsed.authority.host.lowercased()) else {
            return nil
        }
        return parsed.port
    }

    /// A better error than `error` for what happened at `url`; nil when there is none.
    static func explain(_ error: any Error, url: String, context: CLIContext) async -> JarvisError? {
        guard let port = localPort(url), isAboutTheOther(error) else { return nil }
        let environment = context.environment
        let look: @Sendable () throws -> [InstanceReport] = {
            try InstanceCatalog.gather(environment: environment, timeout: .milliseconds(700), deadline: .seconds(1))
        }
        let reports = try? await OffThePool.run(look)  // only to explain: without it the plain error stands
        guard let found = reports?.first(where: { $0.attested?.base == port }), let gateway = found.attested else {
            return await stranger(error, port: port, url: url)
        }
        let meant = try? context.instance()  // an environment that contradicts itself means nobody
        let name = found.sibling.displayName
        let isMeant = meant?.canonicalStateDirectory == found.canonicalStateDirectory
        let what =
            isMeant
            ? "unauthorized: this is the gateway “\(name)” (instance \(gateway.proof.instanceId)), and it does not take this credential"
            : "that is profile \(name) (instance \(gateway.proof.instanceId)), not \(meant?.displayName ?? "yours")"
        return JarvisError(
            isMeant ? "client.unauthorized" : "client.wrong_instance", "\(url): \(what)",
            hint: "On this host no token is needed: \(found.command) status",
            metadata: ["instanceId": gateway.proof.instanceId, "profile": name], exitCode: isMeant ? 1 : 2, cause: error
        )
    }

    /// Whether knowing who answered would help: a refused credential, no WebSocket, another protocol.
    private static func isAboutTheOther(_ error: any Error) -> Bool {
        switch error {
        case let error as WireError: error.details?["code"]?.stringValue?.hasPrefix("AUTH_") == true
        case let error as JarvisError:
            ["client.unreachable", "client.timeout", "client.closed", "client.wrong_instance"].contains(
                error.code.rawValue)
        default: false
        }
    }

    /// The port is held by a program that is no gateway of this user.
    private static func stranger(_ error: any Error, port: Int, url: String) async -> JarvisError? {
        guard error is JarvisError else { return nil }
        let holder = try? await OffThePool.run { PortHolder.find(port: port) }  // only to explain
        guard let holder = holder ?? nil else { return nil }
        return JarvisError(
            "client.unreachable",
            "no gateway of yours answers at \(url): port \(port) is held by \(holder)",
            hint: "See what runs where: jarvis instances", cause: error)
    }
}
