import ArgumentParser
import JarvisCore
import JarvisNet
import NIOCore
import NIOPosix

/// `jarvis debug ws-echo`: the production listener with a WebSocket that echoes.
struct DebugEchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ws-echo",
        abstract: "Echo WebSocket messages on 127.0.0.1 until a signal.",
        discussion: """
            Example:
              jarvis debug ws-echo --port 9001
            """)

    @Option(help: "The port; 0 lets the system choose.")
    var port: Int

    func run() async throws {
        let listener = try await Listener.tcp(
            host: "127.0.0.1", port: port, group: MultiThreadedEventLoopGroup.singleton, delegate: EchoDelegate())
        Terminal.error("echo on ws://\(listener.address)")
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let watch = InterruptWatch { signal.yield() }
        for await _ in signals { break }
        watch.cancel()
        await listener.close()
    }
}

private struct EchoDelegate: ServerDelegate {
    func head(_ request: HTTPServerRequest) -> HeadDecision { .accept(bodyLimit: 1 << 20) }

    func respond(_ request: HTTPServerRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPServerResponse> {
        loop.makeSucceededFuture(.text("a WebSocket echo\n"))
    }

    func upgrade(_ request: HTTPServerRequest) -> UpgradeDecision { .accept(EchoHandler()) }
}
