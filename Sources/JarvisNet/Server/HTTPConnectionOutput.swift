import NIOCore

extension HTTPConnection {
    /// The bytes written that the operating system has not taken yet.
    var bufferedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0  // fails only on a closed channel
    }

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
        backlog = []
        unflushed = true
        flush()
        if inputClosed {
            closeNow()
            return
        }
        context.close(mode: .output, promise: nil)
        deadline = .now() + TimeAmount(limits.lingerDeadline)
        releaseHeldRead()
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
    }
}
