import JarvisCore

/// What a model is told about a tool.
public struct ToolDefinition: Sendable, Hashable {
    /// The name that the model calls: lower-case letters, digits, `_`.
    public var name: String
    /// The name for people.
    public var label: String
    /// What it does, for the model.
    public var description: String
    /// The arguments as a JSON schema of type object.
    public var parameters: JSONValue
    /// The group of the tool policy, without `group:`: `sessions`, `fs` …
    public var group: String

    /// A definition.
    public init(name: String, label: String, description: String, parameters: JSONValue, group: String) {
        self.name = name
        self.label = label
        self.description = description
        self.parameters = parameters
        self.group = group
    }
}

/// Where a tool call comes from.
public struct ToolContext: Sendable {
    /// The run.
    public var runId: String
    /// The conversation.
    public var sessionKey: SessionKey
    /// The agent.
    public var agentId: String
    /// The agent's workspace, an absolute path.
    public var workspace: String

    /// A context.
    public init(runId: String, sessionKey: SessionKey, agentId: String, workspace: String) {
        self.runId = runId
        self.sessionKey = sessionKey
        self.agentId = agentId
        self.workspace = workspace
    }
}

/// What a tool gives back.
public struct ToolResult: Sendable, Hashable {
    /// What the model reads.
    public var content: [ContentBlock]
    /// Whether the call failed; the content then says why.
    public var isError: Bool

    /// A result.
    public init(content: [ContentBlock], isError: Bool = false) {
        self.content = content
        self.isError = isError
    }

    /// A text result.
    public static func text(_ text: String, isError: Bool = false) -> ToolResult {
        ToolResult(content: [.text(text)], isError: isError)
    }
}

/// Something an agent can do. An implementation passes the tool contract suite.
public protocol Tool: Sendable {
    /// What the model is told.
    var definition: ToolDefinition { get }

    /// Whether running the same call again after a crash is harmless (it only reads).
    var isReplaySafe: Bool { get }

    /// Runs one call. A failure that the model should read is a result with `isError`; a thrown error is turned into
    /// one. Cancelling the task stops the call.
    func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult
}
