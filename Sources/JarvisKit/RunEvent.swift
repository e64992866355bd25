import JarvisCore

/// What a run tells its listeners, in order. `assistant` and `thinking` carry the whole text so far beside the
/// increment, so that a listener may drop events and stay right.
public enum RunEvent: Sendable {
    /// Work has begun.
    case started(at: EpochMilliseconds)
    /// More of the answer.
    case assistant(text: String, delta: String)
    /// More of the reasoning.
    case thinking(text: String, delta: String)
    /// A tool call begins.
    case toolStarted(ToolCall)
    /// A tool call ended.
    case toolFinished(ToolCall, ToolResult)
    /// The model failed and another attempt or model follows; for people.
    case notice(String)
    /// The run ended; always the last event.
    case ended(RunOutcome)
}

/// How a run ended. It is stored before anyone is told.
public struct RunOutcome: Sendable {
    /// The three ends of a run.
    public enum Status: String, Sendable {
        /// Answered.
        case ok
        /// Failed; `errorMessage` says why and the user was told.
        case error
        /// Stopped on request; the partial answer is kept.
        case aborted
    }

    /// Which end.
    public var status: Status
    /// The final answer; nil when there was none to keep.
    public var message: AssistantMessage?
    /// The failure, safe to show.
    public var errorMessage: String?
    /// Tokens of all turns of the run.
    public var usage: Usage
    /// When it began and ended.
    public var startedAt: EpochMilliseconds
    /// When it ended.
    public var endedAt: EpochMilliseconds

    /// An outcome.
    public init(
        status: Status, message: AssistantMessage?, errorMessage: String? = nil, usage: Usage,
        startedAt: EpochMilliseconds, endedAt: EpochMilliseconds
    ) {
        self.status = status
        self.message = message
        self.errorMessage = errorMessage
        self.usage = usage
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}
