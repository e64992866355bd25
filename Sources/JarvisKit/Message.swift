import JarvisCore

/// One piece of what was said.
public enum ContentBlock: Sendable, Hashable {
    /// Plain text or Markdown.
    case text(String)
    /// The model's reasoning, not shown as an answer.
    case thinking(String)
    /// The model asks for a tool.
    case toolCall(ToolCall)
    /// An image: base64 of its bytes and the media type.
    case image(data: String, mimeType: String)
}

/// The model's request to run one tool.
public struct ToolCall: Sendable, Hashable {
    /// The provider's id of this call; the result refers to it.
    public var id: String
    /// The tool's name.
    public var name: String
    /// The arguments, an object.
    public var arguments: JSONValue

    /// A call of `name`.
    public init(id: String, name: String, arguments: JSONValue) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// Tokens that one model turn used, and their cost in the currency of the price list (USD). Zero where the provider did
/// not say.
public struct Usage: Sendable, Hashable {
    /// Prompt tokens that were not read from a cache.
    public var input = 0
    /// Generated tokens.
    public var output = 0
    /// Prompt tokens read from the provider's cache.
    public var cacheRead = 0
    /// Prompt tokens written to the provider's cache.
    public var cacheWrite = 0

    /// No tokens.
    public init() {}

    /// The given counts.
    public init(input: Int, output: Int, cacheRead: Int = 0, cacheWrite: Int = 0) {
        self.input = input
        self.output = output
        self.cacheRead = cacheRead
        self.cacheWrite = cacheWrite
    }

    /// All of them together.
    public var totalTokens: Int { input + output + cacheRead + cacheWrite }

    /// Adds another turn's counts.
    public static func += (left: inout Usage, right: Usage) {
        left.input += right.input
        left.output += right.output
        left.cacheRead += right.cacheRead
        left.cacheWrite += right.cacheWrite
    }
}

/// Why a model turn ended, in the words of the transcript format.
public enum StopReason: String, Sendable, Hashable {
    /// The answer is complete.
    case stop
    /// The token limit cut it.
    case length
    /// The model asks for tools.
    case toolUse
    /// It failed; `errorMessage` says why.
    case error
    /// Someone stopped it; the text so far is kept.
    case aborted
}

/// One entry of a conversation, in the shape of the family's transcript (version 3).
public enum Message: Sendable, Hashable {
    /// What a person, or the system on their behalf, said.
    case user(content: [ContentBlock], timestamp: EpochMilliseconds)
    /// What a model, the operator or the gateway answered.
    case assistant(AssistantMessage)
    /// What a tool gave back.
    case toolResult(ToolResultMessage)
}

/// An answer with its origin and cost.
public struct AssistantMessage: Sendable, Hashable {
    /// Text, reasoning and tool calls, in order.
    public var content: [ContentBlock]
    /// The wire dialect: `openai-completions`, `operator` …
    public var api: String
    /// The provider's id; `jarvis` for what the gateway itself wrote.
    public var provider: String
    /// The model's id within the provider.
    public var model: String
    /// Tokens of this turn.
    public var usage: Usage
    /// Why it ended.
    public var stopReason: StopReason
    /// The failure, safe to show, when `stopReason` is `error`.
    public var errorMessage: String?
    /// When it ended.
    public var timestamp: EpochMilliseconds

    /// An answer.
    public init(
        content: [ContentBlock], api: String, provider: String, model: String, usage: Usage = Usage(),
        stopReason: StopReason = .stop, errorMessage: String? = nil, timestamp: EpochMilliseconds
    ) {
        self.content = content
        self.api = api
        self.provider = provider
        self.model = model
        self.usage = usage
        self.stopReason = stopReason
        self.errorMessage = errorMessage
        self.timestamp = timestamp
    }
}

/// The outcome of one tool call as the model will read it.
public struct ToolResultMessage: Sendable, Hashable {
    /// The id of the call that this answers.
    public var toolCallId: String
    /// The tool's name.
    public var toolName: String
    /// What the model reads.
    public var content: [ContentBlock]
    /// Whether the call failed.
    public var isError: Bool
    /// When it ended.
    public var timestamp: EpochMilliseconds

    /// A result.
    public init(
        toolCallId: String, toolName: String, content: [ContentBlock], isError: Bool, timestamp: EpochMilliseconds
    ) {
        self.toolCallId = toolCallId
        self.toolName = toolName
        self.content = content
        self.isError = isError
        self.timestamp = timestamp
    }
}

extension Message {
    /// The text blocks, joined.
    public var plainText: String { content.plainText }

    /// The blocks of whichever kind of message this is.
    public var content: [ContentBlock] {
        switch self {
        case .user(let content, _): content
        case .assistant(let message): message.content
        case .toolResult(let message): message.content
        }
    }
}

extension [ContentBlock] {
    /// The text blocks, joined.
    public var plainText: String {
        reduce(into: "") { text, block in
            if case .text(let part) = block { text += part }
        }
    }
}
