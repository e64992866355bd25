/// One model as the configuration describes it.
public struct ModelDescriptor: Sendable, Hashable {
    /// The provider's id in the configuration (`models.providers.<id>`).
    public var provider: String
    /// The model's id at the provider.
    public var id: String
    /// The name for people.
    public var name: String
    /// The wire dialect, such as `openai-completions`.
    public var api: String
    /// How many tokens prompt and answer may hold together. Default 200000.
    public var contextWindow: Int
    /// How many tokens one answer may hold. Default 8192.
    public var maxTokens: Int
    /// Whether the model reasons before it answers. Default false.
    public var reasoning: Bool
    /// What it reads: `text`, `image`. Default text.
    public var input: [String]

    /// A model.
    public init(
        provider: String, id: String, name: String? = nil, api: String, contextWindow: Int = 200_000,
        maxTokens: Int = 8192, reasoning: Bool = false, input: [String] = ["text"]
    ) {
        self.provider = provider
        self.id = id
        self.name = name ?? id
        self.api = api
        self.contextWindow = contextWindow
        self.maxTokens = maxTokens
        self.reasoning = reasoning
        self.input = input
    }

    /// `provider/model`, as configuration and clients spell it.
    public var reference: String { "\(provider)/\(id)" }
}

/// One turn asked of a model.
public struct ModelRequest: Sendable {
    /// The model.
    public var model: ModelDescriptor
    /// The system prompt.
    public var system: String
    /// The conversation, oldest first; the last entry is a user's or a tool's.
    public var messages: [Message]
    /// The tools on offer.
    public var tools: [ToolDefinition]
    /// The run that asks; for logs and for providers that act on the gateway (the operator).
    public var runId: String
    /// The conversation that asks.
    public var sessionKey: SessionKey

    /// A request.
    public init(
        model: ModelDescriptor, system: String, messages: [Message], tools: [ToolDefinition], runId: String,
        sessionKey: SessionKey
    ) {
        self.model = model
        self.system = system
        self.messages = messages
        self.tools = tools
        self.runId = runId
        self.sessionKey = sessionKey
    }
}

/// What a model turn brings, in order.
public enum ProviderEvent: Sendable, Hashable {
    /// More of the answer.
    case textDelta(String)
    /// More of the reasoning.
    case thinkingDelta(String)
    /// A complete tool call.
    case toolCall(ToolCall)
    /// Token counts so far; the last one counts.
    case usage(Usage)
    /// The turn ended. Always the last event of a successful turn.
    case finished(StopReason)
}

/// Why a model turn failed.
public struct ProviderError: Error, Sendable, CustomStringConvertible {
    /// The families of failure that decide between retry, next credential, next model and giving up.
    public enum Reason: String, Sendable, Hashable {
        /// The credential was refused; another may work.
        case auth
        /// The request can't be read by the provider: retrying won't help.
        case format
        /// Too many requests; see `retryAfter`.
        case rateLimit = "rate_limit"
        /// No money.
        case billing
        /// No byte in time, or silence in the middle.
        case timeout
        /// The provider does not know the model.
        case modelNotFound = "model_not_found"
        /// The provider is overloaded or failing (5xx).
        case overloaded
        /// No connection, or it broke.
        case network
        /// The stream could not be understood or ended early.
        case malformed
        /// The prompt is larger than the model's context.
        case contextOverflow = "context_overflow"
        /// We stopped it.
        case cancelled
        /// Anything else.
        case unknown
    }

    /// The family of failure.
    public var reason: Reason
    /// For people; holds no credential.
    public var message: String
    /// The HTTP status, when there was one.
    public var status: Int?
    /// How long the provider asked us to wait.
    public var retryAfter: Duration?

    /// A failure.
    public init(_ reason: Reason, _ message: String, status: Int? = nil, retryAfter: Duration? = nil) {
        self.reason = reason
        self.message = message
        self.status = status
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed a little later.
    public var isRetryable: Bool {
        switch reason {
        case .rateLimit, .timeout, .overloaded, .network, .malformed: true
        default: false
        }
    }

    /// `rate_limit (429): …`.
    public var description: String { "\(reason.rawValue)\(status.map { " (\($0))" } ?? ""): \(message)" }
}

/// A model API behind one adapter. An implementation passes the provider contract suite.
public protocol Provider: Sendable {
    /// The id in the configuration.
    var id: String { get }

    /// Runs one turn: calls `emit` for every event in order and returns after `finished`.
    ///
    /// The next event is read only after `emit` returned, so a slow consumer slows the socket. Cancelling the task
    /// closes the connection at once.
    ///
    /// - Throws: `ProviderError`; events emitted before stay valid (a partial answer).
    func respond(
        to request: ModelRequest, emit: @Sendable (ProviderEvent) async -> Void
    ) async throws(ProviderError)
}
