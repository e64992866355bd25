import JarvisCore
import Synchronization

/// Something that a browser reported.
package struct CDPEvent: Sendable {
    /// `Domain.event`.
    package var method: String
    /// What it says.
    package var params: JSONValue
    /// The session it belongs to; nil for the browser itself.
    package var session: String?
}

/// Why a command brought no result.
package enum CDPFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The connection is gone; the reason is for people.
    case closed(String)
    /// No answer in time.
    case timeout(method: String)
    /// The task that asked was cancelled. The browser may still do it.
    case cancelled(method: String)
    /// The browser refused.
    case remote(method: String, code: Int, message: String)

    /// For people.
    package var description: String {
        switch self {
        case .closed(let reason): "the connection to the browser is gone: \(reason)"
        case .timeout(let method): "the browser did not answer \(method) in time"
        case .cancelled(let method): "\(method) was cancelled"
        case .remote(let method, _, let message): "the browser refused \(method): \(message)"
        }
    }
}

/// The bytes below a `CDPConnection`: a debugging pipe or a WebSocket.
package protocol CDPTransport: Sendable {
    /// Begins to receive. `receive` is called with one whole message at a time, in order, from one thread at a time;
    /// `closed` once, after the last message.
    func start(
        receive: @escaping @Sendable ([UInt8]) -> Void, closed: @escaping @Sendable (_ reason: String) -> Void)
    /// Sends one message. Dropped when it is closed.
    func send(_ message: [UInt8])
    /// Ends it. `closed` is still called, once.
    func close()
}

/// The debugging protocol spoken with one browser: commands with answers, and events in the order of arrival.
package final class CDPConnection: Sendable {
    private struct Waiter: Sendable {
        var method: String
        var continuation: CheckedContinuation<Result<JSONValue, CDPFailure>, Never>?
        var early: Result<JSONValue, CDPFailure>?
    }

    private struct State {
        var lastId = 0
        var waiting: [Int: Waiter] = [:]
        var observers: [@Sendable (CDPEvent) -> Void] = []
        var closers: [@Sendable (String) -> Void] = []
        var closed: String?
        /// Why this side ends it, when the transport has not said yet.
        var ending: String?
    }

    private let transport: any CDPTransport
    private let state = Mutex(State())

    /// Speaks through `transport`, which this connection owns from now on. It lives until it is closed.
    package init(transport: any CDPTransport) {
        self.transport = transport
        transport.start(receive: { [self] in receive($0) }, closed: { [self] in finish($0) })
    }

    // MARK: Commands

    /// Sends a command and waits for its answer.
    ///
    /// - Parameters:
    ///   - session: a session of `Target.attachToTarget` (flat); nil for the browser itself.
    ///   - timeout: how long the browser may take.
    package func send(
        _ method: String, _ params: JSONValue = [:], session: String? = nil, timeout: Duration = .seconds(30)
    ) async throws(CDPFailure) -> JSONValue {
        try await answer(to: try write(method, params, session: session), method, timeout)
    }

    /// Sends commands to the browser itself in one breath, so that a busy one is waited for once and not once for each,
    /// and returns their answers in the same order.
    ///
    /// - Throws: why the first of them failed that did; the others are not waited for.
    package func send(
        _ commands: [(method: String, params: JSONValue)], timeout: Duration = .seconds(30)
    ) async throws(CDPFailure) -> [JSONValue] {
        var open: [(id: Int, method: String)] = []
        var answers: [JSONValue] = []
        defer { state.withLock { state in for (id, _) in open[answers.count...] { state.waiting[id] = nil } } }
        for (method, params) in commands { open.append((try write(method, params), method)) }
        for (id, method) in open { answers.append(try await answer(to: id, method, timeout)) }
        return answers
    }

    /// Sends a command whose answer `answer` waits for, and returns its number.
    func write(
        _ method: String, _ params: JSONValue, session: String? = nil
    ) throws(CDPFailure) -> Int {
        let (id, closed) = state.withLock { state -> (Int, String?) in
            state.lastId += 1
            if state.closed == nil { state.waiting[state.lastId] = Waiter(method: method) }
            return (state.lastId, state.closed)
        }
        if let closed { throw .closed(closed) }
        transport.send(Self.message(id, method, params, session))
        return id
    }

    /// Waits for the answer to what `write` has sent, once.
    func answer(to id: Int, _ method: String, _ timeout: Duration) async throws(CDPFailure) -> JSONValue {
        // unstructured: a clock beside the answer; it is cancelled with it.
        let timer = Task { [self] in
            do { try await Task.sleep(for: timeout) } catch { return }
            settle(id, .failure(.timeout(method: method)))
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let early = state.withLock { state -> Result<JSONValue, CDPFailure>? in
                    guard var waiter = state.waiting[id] else { return .failure(.cancelled(method: method)) }
                    if let early = waiter.early {
                        state.waiting[id] = nil
                        return early
                    }
                    waiter.continuation = continuation
                    state.waiting[id] = waiter
                    return nil
                }
                if let early { continuation.resume(returning: early) }
            }
        } onCancel: {
            settle(id, .failure(.cancelled(method: method)))
        }
        timer.cancel()
        return try result.get()
    }

    /// Sends a command whose answer nobody needs.
    package func post(_ method: String, _ params: JSONValue = [:], session: String? = nil) {
        let id = state.withLock { state -> Int? in
            state.lastId += 1
            return state.closed == nil ? state.lastId : nil
        }
        if let id { transport.send(Self.message(id, method, params, session)) }
    }

    private static func message(_ id: Int, _ method: String, _ params: JSONValue, _ session: String?) -> [UInt8] {
        var writer = JSONWriter()
        writer.raw(#"{"id":"#)
        writer.write(Int64(id))
        writer.raw(#","method":"#)
        writer.write(method)
        if let session {
            writer.raw(#","sessionId":"#)
            writer.write(session)
        }
        writer.raw(#","params":"#)
        writer.write(params)
        writer.raw("}")
        return writer.bytes
    }

    // MARK: Events and the end

    /// Calls `handler` for every event, in order, on the thread that reads: it must be quick and never block. An event
    /// that arrived before an answer is handled before the answer's `send` returns.
    package func observe(_ handler: @escaping @Sendable (CDPEvent) -> Void) {
        state.withLock { $0.observers.append(handler) }
    }

    /// Calls `handler` once when the connection is gone; at once when it is already.
    package func onClose(_ handler: @escaping @Sendable (_ reason: String) -> Void) {
        let closed = state.withLock { state -> String? in
            if state.closed == nil { state.closers.append(handler) }
            return state.closed
        }
        if let closed { handler(closed) }
    }

    /// Whether commands can still be sent.
    package var isOpen: Bool { state.withLock { $0.closed == nil && $0.ending == nil } }

    /// Ends it; commands that wait fail with `closed`.
    package func close() { end("closed here") }

    /// Ends it for a reason that the waiting commands are told.
    func close(_ reason: String) { end(reason) }

    private func end(_ reason: String) {
        state.withLock { if $0.ending == nil { $0.ending = reason } }
        transport.close()
    }

    // MARK: What arrives

    private func receive(_ bytes: [UInt8]) {
        switch CDPMessage(bytes) {
        case .event(let event):
            for observer in state.withLock({ $0.observers }) { observer(event) }
        case .answer(let id, let result):
            settle(id, result)
        case .unusable: break
        case .unreadable(let reason):
            end("the browser sent what is no message of the debugging protocol: \(reason)")
        }
    }

    private func settle(_ id: Int, _ result: Result<JSONValue, CDPMessage.Refusal>) {
        guard let method = state.withLock({ $0.waiting[id]?.method }) else { return }
        settle(id, result.mapError { .remote(method: method, code: $0.code, message: $0.message) })
    }

    private func settle(_ id: Int, _ result: Result<JSONValue, CDPFailure>) {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.waiting[id] else { return nil }
            if waiter.continuation == nil {
                if waiter.early == nil { state.waiting[id]?.early = result }
                return nil
            }
            state.waiting[id] = nil
            return waiter
        }
        waiter?.continuation?.resume(returning: result)
    }

    private func finish(_ said: String) {
        let (reason, waiting, closers) = state.withLock { state -> (String, [Int], [@Sendable (String) -> Void]) in
            let reason = state.closed ?? state.ending ?? said
            state.closed = reason
            defer {
                state.closers = []
                state.observers = []
            }
            return (reason, state.waiting.keys.sorted(), state.closers)
        }
        for id in waiting { settle(id, .failure(.closed(reason))) }
        for closer in closers { closer(reason) }
    }
}

/// One message of a browser. Pure.
enum CDPMessage: Sendable {
    /// Why the browser refused a command.
    struct Refusal: Error, Sendable, Hashable {
        var code: Int
        var message: String
    }

    case event(CDPEvent)
    case answer(Int, Result<JSONValue, Refusal>)
    /// An event that can't be read, because of what the page put into it: nobody waits for it.
    case unusable
    case unreadable(String)

    /// Deep enough for every tree that the protocol sends; the parser recurses.
    private static let maximumDepth = 1024
    private static let eventHead = Array(#"{"method":""#.utf8)

    /// The answer that a command gets in place of one that is too large; nil: nobody waits for it.
    static func answer(to told: CDPFrames.Oversized) -> [UInt8]? {
        guard let id = leadingId(told.head) else { return nil }
        return Array(
            #"{"id":\#(id),"error":{"code":-32000,"message":"its answer has more than \#(told.limit) bytes"}}"#.utf8)
    }

    init(_ bytes: [UInt8]) {
        let value: JSONValue
        do throws(JSONParseError) {
            value = try JSONParser.parse(bytes, maximumDepth: Self.maximumDepth)
        } catch {
            // An object of the page's making, such as one with two keys that become one, must fail its own command
            // and not everybody's connection.
            if let id = Self.leadingId(bytes) {
                self = .answer(id, .failure(Refusal(code: -32700, message: "its answer can't be read: \(error)")))
            } else if bytes.starts(with: Self.eventHead), bytes.last == UInt8(ascii: "}") {
                self = .unusable
            } else {
                self = .unreadable("\(error)")
            }
            return
        }
        if let id = value["id"]?.intValue {
            if let error = value["error"] {
                var text = error["message"]?.stringValue ?? "no reason given"
                if let data = error["data"]?.stringValue, !data.isEmpty { text += " (\(data))" }
                // It stands in our own messages, which a terminal shows.
                let shown = VisibleText.escaped(text, limit: 2000)
                self = .answer(id, .failure(Refusal(code: error["code"]?.intValue ?? 0, message: shown)))
            } else {
                self = .answer(id, .success(value["result"] ?? [:]))
            }
        } else if let method = value["method"]?.stringValue {
            self = .event(
                CDPEvent(method: method, params: value["params"] ?? [:], session: value["sessionId"]?.stringValue))
        } else {
            self = .unreadable("neither an answer nor an event")
        }
    }

    /// The number of a message that begins with `{"id":12,"result":{`.
    private static func leadingId(_ bytes: [UInt8]) -> Int? {
        let head = Array(#"{"id":"#.utf8)
        guard bytes.starts(with: head) else { return nil }
        let rest = bytes[head.count...]
        let digits = rest.prefix { $0 >= 48 && $0 <= 57 }
        guard digits.count < 16, rest.dropFirst(digits.count).starts(with: Array(#","result":{"#.utf8)) else {
            return nil
        }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
