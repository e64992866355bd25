import NIOCore

extension HTTPConnection {
    /// The bytes written that the operating system has not taken yet.
    var bufferedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0  // fails only on a closed channel
    }

    /// Whether the peer takes what is written to it.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ bytes: ByteBuffer) {
        guard let context else { return }
        context.write(NIOAny(bytes), promise: nil)
        unflushed = true
        if !inReadBurst { flush() }
    }

    func flush() {
        guard unflushed else { return }
        unflushed = false
        context?.flush()
    }

    /// Answers, and takes no further request from this connection.
    func refuseForGood(_ response: HTTPServerResponse) {
        guard let context else { return }
        keepAlive = false
        request = nil
        backlog = []
        write(
            response.encoded(
                allocator: context.channel.allocator, isHead: head?.method == .HEAD, keepAlive: false, chunked: true))
        linger()
    }

    /// Sends FIN behind the answer and reads on for a moment: closing with unread input would reset the connection and
    /// could take the answer with it.
    func linger() {
        guard let context else { return }
        state = .lingering
        lingeredBytes = 0
        stalledAt = nil
        backlog = []
        if inputClosed {
            closeWhenSent()
            return
        }
        unflushed = true
        flush()
        context.close(mode: .output, promise: nil)
        deadline = .now() + TimeAmount(limits.lingerDeadline)
        releaseHeldRead()
    }

    /// Ends the connection to a peer that has finished sending, once it took what was written.
    func closeWhenSent() {
        guard let context else { return }
        state = .lingering
        stalledAt = nil
        deadline = .now() + TimeAmount(limits.keepAliveIdle)
        unflushed = false
        context.writeAndFlush(NIOAny(ByteBuffer())).assumeIsolated().whenComplete { _ in self.closeNow() }
    }

    func closeNow() {
        state = .closed
        deadline = nil
        endStream()
        context?.close(promise: nil)
    }

    func endStream() {
        let stream = stream
        self.stream = nil
        stream?.peerGone()
        let watch = peerWatch
        peerWatch = nil
        watch?.peerGone()
    }
}
