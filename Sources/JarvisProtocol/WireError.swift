import JarvisCore

/// The `error` member of a response.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The codes of the protocol. Clients switch on them; the text is for people.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// A messaging account is not linked.
        case notLinked = "NOT_LINKED"
        /// The device must be paired first.
        case notPaired = "NOT_PAIRED"
        /// The run did not end in time.
        case agentTimeout = "AGENT_TIMEOUT"
        /// The request is wrong: method, parameters, scope, state.
        case invalidRequest = "INVALID_REQUEST"
        /// The gateway can't do it now.
        case unavailable = "UNAVAILABLE"
    }

    /// The code.
    public var code: Code
    /// For people. Holds no secret.
    public var message: String
    /// For programs: an object with at least `code` where a finer word exists.
    public var details: JSONValue?
    /// Whether the same request may succeed later.
    public var retryable: Bool?
    /// How long to wait before that, in milliseconds.
    public var retryAfterMs: Int?

    /// An error.
    public init(
        _ code: Code, _ message: String, details: JSONValue? = nil, retryable: Bool? = nil, retryAfterMs: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.retryable = retryable
        self.retryAfterMs = retryAfterMs
    }

    /// `INVALID_REQUEST` with `message`.
    public static func invalidRequest(_ message: String, details: JSONValue? = nil) -> WireError {
        WireError(.invalidRequest, message, details: details)
    }

    /// `UNAVAILABLE` with `message`.
    public static func unavailable(_ message: String, retryAfterMs: Int? = nil) -> WireError {
        WireError(.unavailable, message, retryable: true, retryAfterMs: retryAfterMs)
    }

    /// The wire form.
    public var json: JSONValue {
        .members([
            "code": .string(code.rawValue), "message": .string(message), "details": details,
            "retryable": retryable.map(JSONValue.bool), "retryAfterMs": retryAfterMs.map(JSONValue.init(_:)),
        ])
    }

    /// Reads the wire form; an unknown code counts as `UNAVAILABLE`.
    public init(json: JSONValue) {
        self.init(
            json["code"]?.stringValue.flatMap(Code.init) ?? .unavailable,
            json["message"]?.stringValue ?? "the gateway gave no reason",
            details: json["details"], retryable: json["retryable"]?.boolValue,
            retryAfterMs: json["retryAfterMs"]?.intValue)
    }

    /// `INVALID_REQUEST: …`.
    public var description: String { "\(code.rawValue): \(message)" }

    /// The total mapping from errors of the house to the wire: input errors of other rooms are `INVALID_REQUEST`,
    /// everything else is `UNAVAILABLE`. The house code travels as `details.code`.
    public init(_ error: any Error) {
        switch error {
        case let error as WireError: self = error
        case let error as JarvisError:
            var details: JSONObject = ["code": .string(error.code.rawValue)]
            for (key, value) in error.metadata.sorted(by: { $0.key < $1.key }) { details[key] = .string(value) }
            let isInput = error.exitCode == 2 || error.code.rawValue.hasPrefix("config.")
            let hint = error.hint.map { " (\($0))" } ?? ""
            self.init(
                isInput ? .invalidRequest : .unavailable, error.message + hint, details: .object(details))
        case is CancellationError: self.init(.unavailable, "the request was cancelled", retryable: true)
        default: self.init(.unavailable, "internal error; the gateway's log has the details", retryable: true)
        }
    }
}
