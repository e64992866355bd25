import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection of the load generator.
final class BenchConnection: WebSocketHandler, Sendable {
    private struct State {
        var socket: WebSocket?
        var ready: EventLoopPromise<Void>?
        var message: ByteBuffer?
        var onlyAnswers = false
        var isMeasuring = false
        var sentAt = NIODeadline.uptimeNanoseconds(0)
        var latencies: [UInt32] = []
        var mark: [UInt8] = []
        var arrival: EventLoopPromise<NIODeadline>?
        var isClosed = false
    }

    private let state = Mutex(State())
    private static let answerStart = Array(#"{"type":"res""#.utf8)

    /// Connects; with a token it also does the gateway's handshake.
    static func open(_ url: String, token: String?) async throws -> BenchConnection {
        let connection = BenchConnection()
        let socket = try await WebSocketClient.connect(
            url: url, group: MultiThreadedEventLoopGroup.singleton, connectTimeout: .seconds(30), handler: connection)
        guard let token else { return connection }
        let ready = socket.eventLoop.makePromise(of: Void.self)
        connection.state.withLock { $0.ready = ready }
        connection.send(
            RequestFrame(
                id: "c", method: "connect",
                params: [
                    "minProtocol": JSONValue(ProtocolVersion.minimum),
                    "maxProtocol": JSONValue(ProtocolVersion.maximum),
                    "client": ["id": "cli", "version": .string(Version.text), "platform": "linux", "mode": "cli"],
                    "role": "operator", "scopes": JSONValue(ScopeSet.all.names), "auth": ["token": .string(token)],
                ]
            ).bytes)
        try await ready.futureResult.get()
        return connection
    }

    func send(_ bytes: [UInt8]) {
        guard let socket = state.withLock({ $0.socket }) else { return }
        socket.eventLoop.execute { socket.send(text: bytes) }
    }

    func close() {
        guard let socket = state.withLock({ $0.socket }) else { return }
        socket.eventLoop.execute { socket.close(code: 1000, reason: "") }
    }

    // MARK: Round trips

    /// Sends `message`, and again whenever an answer (or with `onlyAnswers` false: anything) comes.
    func startRoundTrips(_ message: [UInt8], onlyAnswers: Bool) {
        state.withLock { state in
            state.message = ByteBuffer(bytes: message)
            state.onlyAnswers = onlyAnswers
            state.sentAt = .now()
        }
        send(message)
    }

    func beginMeasuring() { state.withLock { $0.isMeasuring = true } }

    /// The round trips since, in microseconds; no more are made.
    ///
    /// - Throws: `bench.closed` when the server closed this connection.
    func endMeasuring() throws -> [UInt32] {
        try state.withLock { state in
            state.message = nil
            if state.isClosed { throw JarvisError("bench.closed", "the server closed a connection") }
            return state.latencies
        }
    }

    // MARK: Broadcasts

    /// Waits for a message that holds `mark`.
    func expect(_ mark: String) {
        state.withLock { state in
            state.mark = Array(mark.utf8)
            state.arrival = state.socket?.eventLoop.makePromise(of: NIODeadline.self)
        }
    }

    /// When it came.
    func arrival() async throws -> NIODeadline {
        guard let future = state.withLock({ $0.arrival?.futureResult }) else { return .now() }
        return try await future.get()
    }

    // MARK: The socket

    func opened(_ socket: WebSocket) { state.withLock { $0.socket = socket } }

    func received(text: ByteBuffer) {
        let (socket, next) = state.withLock { state -> (WebSocket?, ByteBuffer?) in
            if !state.mark.isEmpty, Self.holds(text, state.mark) {
                state.mark = []
                state.arrival?.succeed(.now())
            }
            let isAnswer = text.readableBytesView.starts(with: Self.answerStart)
            if isAnswer, let ready = state.ready {
                state.ready = nil
                Self.settle(ready, text)
                return (nil, nil)
            }
            guard let message = state.message, isAnswer || !state.onlyAnswers else { return (nil, nil) }
            let now = NIODeadline.now()
            if state.isMeasuring { state.latencies.append(UInt32(clamping: (now - state.sentAt).nanoseconds / 1000)) }
            state.sentAt = now
            return (state.socket, message)
        }
        if let socket, let next { socket.send(text: next) }
    }

    func received(binary: ByteBuffer) {}

    func closed(code: UInt16?, reason: String) {
        state.withLock { state in
            state.isClosed = true
            state.socket = nil
            let error = JarvisError("bench.closed", "the server closed a connection: \(reason)")
            state.ready?.fail(error)
            state.arrival?.fail(error)
            state.ready = nil
        }
    }

    private static func holds(_ text: ByteBuffer, _ mark: [UInt8]) -> Bool {
        // The mark's first byte is looked for by the system, the rest compared: thousands of clients do this at once.
        text.withUnsafeReadableBytes { bytes in
            guard let first = mark.first, bytes.count >= mark.count else { return false }
            var from = 0
            while let base = bytes.baseAddress, from + mark.count <= bytes.count,
                let hit = memchr(base + from, Int32(first), bytes.count - mark.count - from + 1)
            {
                if memcmp(hit, mark, mark.count) == 0 { return true }
                from = UnsafeRawPointer(hit) - base + 1
            }
            return false
        }
    }

    private static func settle(_ ready: EventLoopPromise<Void>, _ text: ByteBuffer) {
        if case .response(_, .failure(let error))? = IncomingFrame(text.readableBytesView) {
            ready.fail(error)
        } else {
            ready.succeed()
        }
    }
}
