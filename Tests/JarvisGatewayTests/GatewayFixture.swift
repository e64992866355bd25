import Foundation
import JarvisClient
import JarvisConfig
import JarvisCore
import JarvisHost
import Logging
import NIOPosix

@testable import JarvisGateway

/// A whole gateway in this process, in a home of its own, on a free port.
final class GatewayFixture: Sendable {
    let home: String
    let running: RunningGateway
    let instance: Instance
    let redactor = Redactor()
    private let serving: Task<RunningGateway.End, Never>

    init(config: String = #"{ gateway: { mode: "local", auth: { token: "test-token-0123456789abcdef" } } }"#)
        async throws
    {
        home = NSTemporaryDirectory() + "jarvis-test-" + Identifiers.randomHex(bytes: 6)
        let environment = HostEnvironment(variables: ["HOME": home])
        try DurableFile.createDirectory(home + "/.jarvis")
        try DurableFile.write(Array(config.utf8), to: home + "/.jarvis/jarvis.json")
        instance = try InstanceResolver.resolve(environment: environment)
        var options = GatewayOptions()
        options.port = 0
        let launch = GatewayLaunch(
            instance: instance, environment: environment, options: options, version: "0.0.0-test", clock: .system,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, recentErrors: RecentLogs(),
            redactor: redactor)
        let running = try await launch.start()
        self.running = running
        serving = Task { await running.serveUntilStopped() }
    }

    func client() async throws -> RPCClient {
        try await RPCClient.connect(
            GatewayEndpoint(door: .unix(path: instance.paths.controlSocket)), version: "0.0.0-test",
            group: MultiThreadedEventLoopGroup.singleton)
    }

    func stranger(host: String = "127.0.0.1", token: String? = nil) async throws -> RPCClient {
        try await RPCClient.connect(
            GatewayEndpoint(door: .url("ws://\(host):\(running.port)"), token: token), version: "0.0.0-test",
            group: MultiThreadedEventLoopGroup.singleton)
    }

    func stop() async {
        running.stop()
        _ = await serving.value
        try? FileManager.default.removeItem(atPath: home)
    }
}
