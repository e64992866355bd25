import JarvisCore
import JarvisNet
import JarvisProtocol
import NIOCore
import Synchronization

/// Who waits for which answer.
final class ClientState: Sendable {
    private typealias Waiter = CheckedContinuation<JSONValue, any Error>

    private struct Table {
        var waiters: [String: Waiter] = [:]
        /// Answers to requests that get more than one, which nobody has asked for yet.
        var kept: [String: [Result<JSONValue, WireError>]] = [:]
        var closed: JarvisError?
    }

    private let table = Mutex(Table())
    private let events: AsyncStream<GatewayEvent>.Continuation

    init(events: AsyncStream<GatewayEvent>.Continuation) { self.events = events }

    func request(
        _ method: String, _ params: JSONValue, id: String = Identifiers.uuid(), over socket: WebSocket,
        timeout: Duration, keep: Bool = false
    ) async throws -> JSONValue {
        if keep { table.withLock { $0.kept[id] = [] } }
        let bytes = RequestFrame(id: id, method: method, params: params).bytes
        return try await wait(id, over: socket, timeout: timeout, method: method) {
            socket.eventLoop.execute { socket.send(text: bytes) }
        }
    }

    func awaitAnswer(_ id: String, over socket: WebSocket, timeout: Duration) async throws -> JSONValue {
        defer { table.withLock { $0.kept[id] = nil } }
        return try await wait(id, over: socket, timeout: timeout, method: "the run") {}
    }

    private func wait(
        _ id: String, over socket: WebSocket, timeout: Duration, method: String, start: @Sendable () -> Void
    ) async throws -> JSONValue {
        let amount = TimeAmount.nanoseconds(Int64(timeout / .nanoseconds(1)))
        let timer = socket.eventLoop.scheduleTask(in: amount) { [self] in
            fail(id, JarvisError("client.timeout", "\(method) was not answered within \(timeout)"))
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                let early: Result<JSONValue, any Error>? = table.withLock { table in
                    if let kept = table.kept[id], !kept.isEmpty {
                        table.kept[id]?.removeFirst()
                        return kept[0].mapError { $0 }
                    }
                    if let closed = table.closed { return .failure(closed) }
                    table.waiters[id] = waiter
                    return nil
                }
                if let early {
                    waiter.resume(with: early)
                } else {
                    start()
                }
            }
        } onCancel: {
            fail(id, CancellationError())
        }
    }

    private func fail(_ id: String, _ error: any Error) {
        table.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: error)
    }

    func received(_ bytes: some Collection<UInt8>) {
        guard let frame = IncomingFrame(bytes) else { return }
        switch frame {
        case .event(let name, let payload, let seq):
            events.yield(GatewayEvent(name: name, payload: payload, seq: seq))
        case .response(let id, let result):
            let waiter = table.withLock { table -> Waiter? in
                if let waiter = table.waiters.removeValue(forKey: id) { return waiter }
                table.kept[id]?.append(result)
                return nil
            }
            waiter?.resume(with: result.mapError { $0 as any Error })
        }
    }

    func closed(code: UInt16?, reason: String) {
        let text = reason.isEmpty ? "code \(code.map(String.init) ?? "none")" : reason
        let error = JarvisError("client.closed", "the gateway closed the connection: \(text)")
        let waiters = table.withLock { table in
            table.closed = error
            defer { table.waiters = [:] }
            return Array(table.waiters.values)
        }
        for waiter in waiters { waiter.resume(throwing: error) }
        events.finish()
    }
}

/// Hands the socket's callbacks to the client.
final class ClientHandler: WebSocketHandler, Sendable {
    private let state: ClientState

    init(state: ClientState) { self.state = state }

    func opened(_ socket: WebSocket) {}
    func received(text: ByteBuffer) { state.received(text.readableBytesView) }
    func received(binary: ByteBuffer) {}
    func closed(code: UInt16?, reason: String) { state.closed(code: code, reason: reason) }
}
