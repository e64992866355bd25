import JarvisCore
import JarvisKit

/// The facts about one session.
package struct SessionStatus: Sendable {
    /// The conversation.
    package var key: SessionKey
    /// Its id in the store.
    package var sessionId: String
    /// The agent.
    package var agentId: String
    /// The model that answers, as `provider/model`; nil when the operator does.
    package var model: String?
    /// The model's window in tokens.
    package var contextWindow: Int?
    /// Tokens that the conversation filled at its last turn.
    package var contextTokens: Int
    /// Prompt tokens of all turns.
    package var inputTokens: Int
    /// Generated tokens of all turns.
    package var outputTokens: Int
    /// When something last happened.
    package var updatedAt: EpochMilliseconds
    /// Now, by the gateway's clock.
    package var now: EpochMilliseconds
    /// More lines for people, such as the thinking level.
    package var facts: [(name: String, value: String)]

    /// The facts.
    package init(
        key: SessionKey, sessionId: String, agentId: String, model: String?, contextWindow: Int? = nil,
        contextTokens: Int = 0, inputTokens: Int = 0, outputTokens: Int = 0, updatedAt: EpochMilliseconds,
        now: EpochMilliseconds, facts: [(name: String, value: String)] = []
    ) {
        self.key = key
        self.sessionId = sessionId
        self.agentId = agentId
        self.model = model
        self.contextWindow = contextWindow
        self.contextTokens = contextTokens
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.updatedAt = updatedAt
        self.now = now
        self.facts = facts
    }

    /// The facts, one a line.
    package var text: String {
        var lines = [
            "Session: \(key)", "Session id: \(sessionId)", "Agent: \(agentId)",
            "Model: \(model ?? "none (the built-in operator answers)")",
            "Time: \(WallClock.iso8601(now))", "Last activity: \(WallClock.iso8601(updatedAt))",
            "Tokens so far: \(inputTokens) in, \(outputTokens) out",
        ]
        if let contextWindow, contextWindow > 0 {
            lines.append(
                "Context: \(contextTokens) of \(contextWindow) tokens (\(contextTokens * 100 / contextWindow) %)")
        }
        return (lines + facts.map { "\($0.name): \($0.value)" }).joined(separator: "\n")
    }
}

/// `session_status`: what the model may know about the conversation it is in, and the time.
struct SessionStatusTool: Tool {
    private let read: @Sendable (SessionKey) async throws -> SessionStatus?

    init(environment: ToolEnvironment) { read = environment.sessionStatus }

    let definition = ToolDefinition(
        name: "session_status", label: "Session status",
        description: "Tells the facts about this conversation: model, tokens used, context left, current date and "
            + "time. Use it when asked about any of these.",
        parameters: [
            "type": "object",
            "properties": [
                "sessionKey": [
                    "type": "string",
                    "description": "Another session of the same agent; left out, it is this one.",
                ]
            ],
            "additionalProperties": false,
        ],
        group: "sessions")

    func assess(_ arguments: JSONValue, context: ToolContext) -> ToolAssessment {
        ToolAssessment(.read, "Look up the facts of a conversation")
    }

    func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult {
        var key = context.sessionKey
        if let spelling = arguments["sessionKey"]?.stringValue, !spelling.isEmpty, spelling != "current" {
            guard let other = SessionKey(spelling, defaultAgent: context.agentId) else {
                return .text(
                    "\"\(spelling.prefix(80))\" is no session key; expected agent:<agent>:<name>.", isError: true)
            }
            // An agent sees its own conversations only; what others were told is not its business.
            guard other == key || other.agentId == context.agentId else {
                return .text("\(other) belongs to another agent.", isError: true)
            }
            key = other
        }
        guard let status = try await read(key) else { return .text("There is no session \(key).", isError: true) }
        return .text(status.text)
    }
}
