import ArgumentParser
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Synchronization

/// `jarvis debug bench-peer`: the floor that the gateway is measured against, nothing but NIO on one loop.
struct BenchPeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-peer",
        abstract: "Serve 200 over HTTP and a WebSocket echo with bare NIO on 127.0.0.1 until a signal.",
        discussion: """
            Example:
              jarvis debug bench-peer --port 9002
            """)

    @Option(help: "The port; 0 lets the system choose.")
    var port: Int

    func run() async throws {
        let room = BenchPeerRoom()
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 512)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try Self.configure(channel, room) }
            }
            .bind(host: "127.0.0.1", port: port).get()
        Terminal.error("peer on http://127.0.0.1:\(server.localAddress?.port ?? port)/")
        let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        let watch = InterruptWatch { signal.yield() }
        for await _ in signals { break }
        watch.cancel()
        try await server.close()
    }

    private static func configure(_ channel: any Channel, _ room: BenchPeerRoom) throws {
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(BenchPeerSocket(room))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (
                upgraders: [upgrader], completionHandler: { $0.pipeline.removeHandler(name: "answer", promise: nil) }
            ))
        try channel.pipeline.syncOperations.addHandler(BenchPeerAnswer(), name: "answer")
    }
}

/// The open sockets.
private final class BenchPeerRoom: Sendable {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])

    func enter(_ channel: any Channel) { channels.withLock { $0[ObjectIdentifier(channel)] = channel } }
    func leave(_ channel: any Channel) { channels.withLock { $0[ObjectIdentifier(channel)] = nil } }

    func broadcast(_ data: ByteBuffer) {
        for channel in channels.withLock({ Array($0.values) }) {
            channel.writeAndFlush(WebSocketFrame(fin: true, opcode: .text, data: data), promise: nil)
        }
    }
}

private final class BenchPeerAnswer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .end = unwrapInboundIn(data) else { return }
        let body = ByteBuffer(string: #"{"ok":true}"#)
        let headers: HTTPHeaders = ["content-type": "application/json", "content-length": "\(body.readableBytes)"]
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

private final class BenchPeerSocket: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let room: BenchPeerRoom

    init(_ room: BenchPeerRoom) { self.room = room }

    func handlerAdded(context: ChannelHandlerContext) { room.enter(context.channel) }
    func channelInactive(context: ChannelHandlerContext) { room.leave(context.channel) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            let text = frame.unmaskedData
            if text.readableBytes == 9, String(buffer: text) == "broadcast" {
                room.broadcast(text)
            } else {
                context.writeAndFlush(
                    wrapOutboundOut(WebSocketFrame(fin: true, opcode: .text, data: text)), promise: nil)
            }
        case .connectionClose: context.close(promise: nil)
        default: break
        }
    }
}
