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
    /// The model's id of this call; empty where no model called.
    public var callId: String
    /// Whether the model that reads the result is given images; else a tool says where the image lies.
    public var readsImages: Bool

    /// A context.
    public init(
        runId: String, sessionKey: SessionKey, agentId: String, workspace: String, callId: String = "",
        readsImages: Bool = false
    ) {
        self.runId = runId
        self.sessionKey = sessionKey
        self.agentId = agentId
        self.workspace = workspace
        self.callId = callId
        self.readsImages = readsImages
    }
}

/// What a call may do besides answering, mildest first.
public enum ToolRisk: String, Sendable, Hashable, CaseIterable, Comparable {
    /// It looks and changes nothing: it may be repeated after a crash, and nobody is asked.
    case read
    /// It acts on the outside: pages, messages, other people's services.
    case outside
    /// It acts on this host: processes, files, settings.
    case host

    /// Milder than.
    public static func < (left: ToolRisk, right: ToolRisk) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .read: 0
        case .outside: 1
        case .host: 2
        }
    }
}

/// What is known of a call before it runs.
public struct ToolAssessment: Sendable, Hashable {
    /// What it risks.
    public var risk: ToolRisk
    /// What it does, for whoever is asked: one short sentence of the tool's own words, without anything of the model's.
    public var title: String
    /// Whether a person decides, unless the settings say otherwise.
    public var needsApproval: Bool
    /// What `allow-always` allows from then on, such as `browser:upload:/path`; nil: it is not offered.
    public var allowPattern: String?

    /// An assessment.
    public init(_ risk: ToolRisk, _ title: String, needsApproval: Bool = false, allowPattern: String? = nil) {
        self.risk = risk
        self.title = title
        self.needsApproval = needsApproval
        self.allowPattern = allowPattern
    }
}

/// What a tool gives back.
public struct ToolResult: Sendable, Hashable {
    /// What the model reads: text and images. The run bounds it and marks what was cut (`RunLimits`).
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
///
/// A call goes policy → assessment → approval → record → `call` → record. The tool only says what is true of a call; who
/// may use it, who is asked and how much of the answer is kept is decided elsewhere.
public protocol Tool: Sendable {
    /// What the model is told.
    var definition: ToolDefinition { get }

    /// How long one call may take before it is cancelled. Default 120 s.
    var timeLimit: Duration { get }

    /// What a call with these arguments risks. Pure: the same arguments and context give the same answer, and nothing
    /// happens. Arguments of a wrong shape, which `call` will refuse, count as what they come closest to.
    func assess(_ arguments: JSONValue, context: ToolContext) -> ToolAssessment

    /// Runs one call. A failure that the model should read is a result with `isError`; a thrown error is turned into
    /// one. Cancelling the task stops the call.
    func call(_ arguments: JSONValue, context: ToolContext) async throws -> ToolResult
}

extension Tool {
    /// 120 s.
    public var timeLimit: Duration { .seconds(120) }
}
