import JarvisCore

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
package enum CDPFailure: Error, Sendable, Hashable {
    /// The connection is gone; the reason is for people.
    case closed(String)
    /// No answer in time.
    case timeout(method: String)
    /// The browser refused.
    case remote(method: String, code: Int, message: String)
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
    /// Speaks through `transport`, which this connection owns from now on.
    package init(transport: any CDPTransport) {}

    /// Sends a command and waits for its answer.
    ///
    /// - Parameters:
    ///   - session: a session of `Target.attachToTarget` (flat); nil for the browser itself.
    ///   - timeout: how long the browser may take.
    package func send(
        _ method: String, _ params: JSONValue = [:], session: String? = nil, timeout: Duration = .seconds(30)
    ) async throws(CDPFailure) -> JSONValue {
        throw .closed("not connected")
    }

    /// Sends a command whose answer nobody needs.
    package func post(_ method: String, _ params: JSONValue = [:], session: String? = nil) {}

    /// Calls `handler` for every event, in order, on the thread that reads: it must be quick and never block. An event
    /// that arrived before an answer is handled before the answer's `send` returns.
    package func observe(_ handler: @escaping @Sendable (CDPEvent) -> Void) {}

    /// Calls `handler` once when the connection is gone; at once when it is already.
    package func onClose(_ handler: @escaping @Sendable (_ reason: String) -> Void) {}

    /// Whether commands can still be sent.
    package var isOpen: Bool { false }

    /// Ends it; commands that wait fail with `closed`.
    package func close() {}
}
