import CJarvisShims
import JarvisCore
import JarvisSystem
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the thread of a pipe looks after besides: the process at the other end.
protocol PipeCompanion: Sendable {
    /// Descriptors to wait for; a negative one is skipped. Nothing more is to be done when it is empty.
    func descriptors() -> [Int32]
    /// Something may be there to be read, or `interval` has gone by.
    func look()
    /// How often it must be asked, in milliseconds, when its descriptors do not tell everything; nil: never.
    var interval: Int32? { get }
    /// Adds to why the pipe ended what the process had to say.
    func explain(_ reason: String) -> String
}

/// The debugging protocol over the two pipes of a browser that this process started. One thread reads, delivers and
/// writes, and looks after the process: a caller never waits for the browser, and a browser that floods is slowed down
/// by its own pipe.
package final class PipeTransport: CDPTransport {
    /// The most bytes that may wait for a browser that does not read: 128 MiB. Beyond, the connection ends.
    static let writeLimit = 128 << 20

    private struct State {
        var queue: [[UInt8]] = []
        var queuedBytes = 0
        var closing: String?
        var isStarted = false
    }

    private let state = Mutex(State())
    private let reading: Int32
    private let writing: Int32
    private let bell: [Int32]
    private let frameLimit: Int
    private let companion: (any PipeCompanion)?

    /// How long an ended pipe waits for its process to end too, so that the reason can say how.
    private static let patience = Duration.milliseconds(300)

    /// Takes over both descriptors: what the browser writes to, and what it reads from.
    ///
    /// - Throws: `SystemCallError`; then both are closed.
    package convenience init(reading: Int32, writing: Int32) throws {
        try self.init(reading: reading, writing: writing, companion: nil)
    }

    init(
        reading: Int32, writing: Int32, frameLimit: Int = CDPFrames.defaultLimit,
        companion: (any PipeCompanion)? = nil
    ) throws {
        var ends: [Int32] = [-1, -1]
        guard jarvis_pipe_cloexec(&ends) == 0 else {
            let number = errno
            for descriptor in [reading, writing] { systemClose(descriptor) }
            throw SystemCallError(call: "pipe", errorNumber: number)
        }
        for descriptor in ends + [reading, writing] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        self.reading = reading
        self.writing = writing
        self.frameLimit = frameLimit
        self.companion = companion
        bell = ends
    }

    deinit {
        let ownsPipes = state.withLock { !$0.isStarted }
        for descriptor in bell + (ownsPipes ? [reading, writing] : []) { systemClose(descriptor) }
    }

    package func start(
        receive: @escaping @Sendable ([UInt8]) -> Void, closed: @escaping @Sendable (_ reason: String) -> Void
    ) {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        let began = DedicatedThread.start { [self] in
            let reason = run(receive)
            // A browser that still runs hears of the end.
            for descriptor in [reading, writing] { systemClose(descriptor) }
            attend(for: Self.patience)
            closed(companion?.explain(reason) ?? reason)
            // The process may outlive its pipe; somebody must still collect it.
            attend(for: nil)
        }
        guard !began else { return }
        for descriptor in [reading, writing] { systemClose(descriptor) }
        closed("no thread could be started for the browser")
    }

    /// Looks after the process alone until it has ended, or for `limit`.
    private func attend(for limit: Duration?) {
        guard let companion else { return }
        let deadline = limit.map { ContinuousClock.now + $0 }
        while true {
            let watched = companion.descriptors()
            if watched.isEmpty { return }
            var wait = companion.interval ?? -1
            if let deadline {
                let left = ContinuousClock.now.duration(to: deadline)
                guard left > .zero else { return }
                let milliseconds = Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
                wait = wait < 0 ? milliseconds : min(wait, milliseconds)
            }
            var entries = watched.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = poll(&entries, nfds_t(entries.count), wait)
            companion.look()
        }
    }

    package func send(_ message: [UInt8]) {
        let mustRing = state.withLock { state in
            guard state.closing == nil else { return false }
            state.queue.append(message)
            state.queuedBytes += message.count + 1
            if state.queuedBytes > Self.writeLimit {
                state.closing = "the browser takes no commands: \(state.queuedBytes >> 20) MiB wait for it"
            }
            return true
        }
        if mustRing { ring() }
    }

    package func close() { close("closed here") }

    /// Ends it for a reason.
    func close(_ reason: String) {
        state.withLock { if $0.closing == nil { $0.closing = reason } }
        ring()
    }

    private func ring() {
        var byte: UInt8 = 1
        _ = write(bell[1], &byte, 1)
    }

    // MARK: The thread

    /// Moves bytes until the end and returns why it ended.
    private func run(_ receive: ([UInt8]) -> Void) -> String {
        var frames = CDPFrames(limit: frameLimit)
        var output = Output()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let closing = state.withLock { state in
                output.add(&state.queue)
                return state.closing
            }
            if let closing { return closing }
            if let failure = output.write(to: writing, sent: { sent in state.withLock { $0.queuedBytes -= sent } }) {
                return failure
            }
            var entries = [
                pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
                pollfd(fd: bell[0], events: Int16(POLLIN), revents: 0),
                pollfd(fd: output.isEmpty ? -1 : writing, events: Int16(POLLOUT), revents: 0),
            ]
            let watched = companion?.descriptors() ?? []
            entries += watched.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            let ready = poll(&entries, nfds_t(entries.count), watched.isEmpty ? -1 : companion?.interval ?? -1)
            if ready < 0, errno != EINTR { return "poll failed: \(SystemCallError.text(errno))" }
            if ready == 0 || entries[3...].contains(where: { $0.revents != 0 }) {
                companion?.look()
                // Gone: what it wrote last is read below, and an end that somebody else holds open is not waited for.
                if companion?.descriptors().isEmpty ?? false, entries[0].revents == 0 { return "the browser ended" }
            }
            if entries[1].revents != 0 { while read(bell[0], buffer.baseAddress, buffer.count) > 0 {} }
            guard entries[0].revents != 0 else { continue }
            let count = read(reading, buffer.baseAddress, buffer.count)
            if count == 0 { return frames.isMidMessage ? "the browser ended mid-message" : "the browser ended" }
            if count < 0 {
                if errno == EAGAIN || errno == EINTR { continue }
                return "the browser can't be read: \(SystemCallError.text(errno))"
            }
            frames.push(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]), receive) { told in
                // A page can make its own answers and events as large as it likes; others do not suffer for it.
                if let answer = CDPMessage.answer(to: told) { receive(answer) }
            }
        }
    }

    /// What waits to be written, and how far the first message went.
    private struct Output {
        private var messages: [[UInt8]] = []
        private var next = 0
        private var offset = 0

        var isEmpty: Bool { next == messages.count }

        mutating func add(_ queue: inout [[UInt8]]) {
            guard !queue.isEmpty else { return }
            if isEmpty {
                messages = []
                next = 0
            }
            messages.append(contentsOf: queue)
            queue = []
        }

        /// Writes what the pipe takes now; returns why it can't.
        mutating func write(to descriptor: Int32, sent: (Int) -> Void) -> String? {
            while next < messages.count {
                let message = messages[next]
                // The zero byte that ends a message is written with its last piece.
                let count = message.withUnsafeBytes { bytes in
                    var zero: UInt8 = 0
                    return withUnsafeMutableBytes(of: &zero) { zero in
                        var parts = [
                            iovec(
                                iov_base: bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + offset) },
                                iov_len: bytes.count - offset),
                            iovec(iov_base: zero.baseAddress, iov_len: 1),
                        ]
                        if offset == bytes.count { parts.removeFirst() }
                        return writev(descriptor, parts, Int32(parts.count))
                    }
                }
                if count < 0 {
                    if errno == EINTR { continue }
                    if errno == EAGAIN { return nil }
                    return errno == EPIPE
                        ? "the browser ended" : "the browser can't be written to: \(SystemCallError.text(errno))"
                }
                offset += count
                if offset > message.count {
                    sent(offset)
                    messages[next] = []
                    next += 1
                    offset = 0
                }
            }
            return nil
        }
    }
}

/// `close` by a name that no method hides.
func systemClose(_ descriptor: Int32) {
    #if canImport(Darwin)
        _ = Darwin.close(descriptor)
    #elseif canImport(Musl)
        _ = Musl.close(descriptor)
    #else
        _ = Glibc.close(descriptor)
    #endif
}
