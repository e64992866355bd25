import JarvisCore

/// A question to the owner: may exactly this call run?
public struct ApprovalRequest: Sendable, Hashable {
    /// The longest text that is asked about, in characters. What is longer is refused: nobody can approve what nobody is
    /// shown.
    public static let maximumText = 8000

    /// The tool.
    public var tool: String
    /// What the call does, in the tool's own words.
    public var title: String
    /// Exactly what runs, as people may see it: the tool's name and its arguments as JSON, every character that could
    /// deceive the eye written as an escape.
    public var text: String
    /// What it risks.
    public var risk: ToolRisk
    /// What `allow-always` allows from then on; nil: it is not offered.
    public var allowPattern: String?
    /// Names tool, arguments, agent and workspace: an approval is for what has this fingerprint and for nothing else.
    public var fingerprint: String
    /// The agent that asks.
    public var agentId: String
    /// The conversation that asks; nil where none does.
    public var sessionKey: SessionKey?
    /// The run that asks; nil where none does.
    public var runId: String?
    /// The model's id of the call.
    public var callId: String?

    /// The question about one tool call.
    public init(_ call: ToolCall, _ assessment: ToolAssessment, context: ToolContext) {
        tool = call.name
        title = assessment.title
        text = VisibleText.escaped("\(call.name) \(JSONWriter.string(call.arguments))")
        risk = assessment.risk
        // A star of the model's would allow more than what is asked about.
        allowPattern = assessment.allowPattern.flatMap { $0.contains("*") ? nil : $0 }
        fingerprint = Self.fingerprint(call, agentId: context.agentId, workspace: context.workspace)
        agentId = context.agentId
        sessionKey = context.sessionKey
        runId = context.runId
        callId = call.id
    }

    /// A question that comes from elsewhere, such as a command on a node.
    public init(
        tool: String, title: String, text: String, risk: ToolRisk, allowPattern: String?, fingerprint: String,
        agentId: String, sessionKey: SessionKey?
    ) {
        self.tool = tool
        self.title = title
        self.text = text
        self.risk = risk
        self.allowPattern = allowPattern
        self.fingerprint = fingerprint
        self.agentId = agentId
        self.sessionKey = sessionKey
    }

    /// Whether the text can be shown whole.
    public var isShowable: Bool { size <= Self.maximumText }

    /// The length of the text in characters, each mark on a letter counted.
    public var size: Int { text.unicodeScalars.count }

    /// The fingerprint of a call. The order of members does not count, every value does.
    public static func fingerprint(_ call: ToolCall, agentId: String, workspace: String) -> String {
        let bound: JSONValue = [
            "tool": .string(call.name), "arguments": call.arguments.sorted, "agentId": .string(agentId),
            "workspace": .string(workspace),
        ]
        return Identifiers.sha256Hex(JSONWriter.encode(bound))
    }
}

/// The answer to a question.
public enum ApprovalDecision: String, Sendable, Hashable, CaseIterable {
    /// This one call may run.
    case allowOnce = "allow-once"
    /// It may run, and so may every later one of its pattern.
    case allowAlways = "allow-always"
    /// It may not.
    case deny
}

/// What may become of a call.
public enum ToolVerdict: Sendable, Hashable {
    /// It runs; `why` is for the record: `read`, `allowed by …`, `allow-once by …`.
    case run(why: String)
    /// It does not run; the model reads the text.
    case refuse(String)
    /// A person decides.
    case ask
}

/// Decides about tool calls: settings, allow-list, people.
public protocol ToolGate: Sendable {
    /// What the settings say about a call. Asks nobody.
    func judge(_ assessment: ToolAssessment, of request: ApprovalRequest) async -> ToolVerdict

    /// Asks the people who may answer and waits: for an answer, for the end of the time to answer, for the end of the
    /// gateway. Never answers `ask`. Cancelling the task withdraws the question.
    func ask(_ request: ApprovalRequest) async -> ToolVerdict
}

/// Lets everything run that no person must decide about, and refuses the rest: there is nobody to ask.
public struct UnattendedGate: ToolGate {
    /// Nobody there.
    public init() {}

    /// Asks where the tool says so.
    public func judge(_ assessment: ToolAssessment, of request: ApprovalRequest) async -> ToolVerdict {
        assessment.needsApproval ? .ask : .run(why: assessment.risk == .read ? "read" : "no approval needed")
    }

    /// Refuses.
    public func ask(_ request: ApprovalRequest) async -> ToolVerdict {
        .refuse("This call needs an approval and nobody can be asked here. It was not run.")
    }
}

extension JSONValue {
    /// The same value with the members of all objects in the order of their names.
    fileprivate var sorted: JSONValue {
        switch self {
        case .array(let elements): .array(elements.map(\.sorted))
        case .object(let members):
            .object(
                JSONObject(
                    members.sorted { $0.key < $1.key }.map { ($0.key, $0.value.sorted) },
                    uniquingKeysWith: { $1 }))
        default: self
        }
    }
}
