import NIOCore

/// Keeps a listener alive and quiet while the process is out of descriptors or memory: accepting pauses for a moment.
/// (Holding back the `read` event alone would not do: after a failed accept the socket stays registered, and the
/// loop would wake for it without end.)
final class AcceptPause: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let pause: TimeAmount
    private var paused = false

    init(pause: TimeAmount = .milliseconds(200)) { self.pause = pause }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError else {
            context.fireErrorCaught(error)
            return
        }
        guard !paused else { return }
        paused = true
        let channel = context.channel
        try? channel.syncOptions?.setOption(.autoRead, value: false)  // fails only on a closed listener
        context.eventLoop.assumeIsolated().scheduleTask(in: pause) {
            self.paused = false
            try? channel.syncOptions?.setOption(.autoRead, value: true)  // fails only on a closed listener
        }
    }
}
