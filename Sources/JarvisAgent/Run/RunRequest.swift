import JarvisCore
import JarvisKit

/// One run as the lanes and the driver know it. The message itself is in the journal already.
package struct RunRequest: Sendable {
    /// The run.
    package var runId: String
    /// The conversation.
    package var sessionKey: SessionKey
    /// The agent.
    package var agentId: String
    /// How long it may take from its start; at its end the run fails and the lane is free. Default 600 s.
    package var timeout: Duration
    /// Added to the system prompt for this run only.
    package var extraSystemPrompt: String?
    /// The thinking level asked for; nil is the session's.
    package var thinking: String?

    /// A run.
    package init(
        runId: String, sessionKey: SessionKey, agentId: String, timeout: Duration = .seconds(600),
        extraSystemPrompt: String? = nil, thinking: String? = nil
    ) {
        self.runId = runId
        self.sessionKey = sessionKey
        self.agentId = agentId
        self.timeout = timeout
        self.extraSystemPrompt = extraSystemPrompt
        self.thinking = thinking
    }
}

/// What the gateway composes for one run from the configuration of that moment.
package struct RunSetup: Sendable {
    /// The model that is asked first; its window bounds the conversation.
    package var model: ModelDescriptor
    /// Who answers a turn.
    package var turns: any TurnRunner
    /// The system prompt.
    package var system: String
    /// The tools on offer.
    package var tools: [any Tool]
    /// The agent's workspace, an absolute path.
    package var workspace: String
    /// Who decides about calls. Default: nobody can be asked.
    package var gate: any ToolGate

    /// A composition.
    package init(
        model: ModelDescriptor, turns: any TurnRunner, system: String, tools: [any Tool], workspace: String,
        gate: any ToolGate = UnattendedGate()
    ) {
        self.gate = gate
        self.model = model
        self.turns = turns
        self.system = system
        self.tools = tools
        self.workspace = workspace
    }
}

/// Hears a run's events in order, one call at a time; `ended` is the last and comes after the outcome is durable.
package typealias RunListener = @Sendable (RunEvent) async -> Void

/// How a call of the driver ended.
package enum RunEnd: Sendable {
    /// The run ended and its outcome is durable.
    case ended(RunOutcome)
    /// The run is still open in the journal: the process is stopping, or the outcome could not be stored. It is
    /// repeated at the next start.
    case unfinished
}

/// Bounds of a run.
package struct RunLimits: Sendable {
    /// Rounds of tool calls. Default 32.
    package var toolRounds = 32
    /// Calls of one turn that are run; the model is told that the others were not. Default 32.
    package var toolCalls = 32
    /// Bytes of text that a tool result may give to the model. Default 64 KiB.
    package var toolResultBytes = 64 << 10
    /// Images that a tool result may give to the model. Default 4.
    package var toolResultImages = 4
    /// Bytes of base64 of one such image. Default 6 MiB.
    package var toolImageBytes = 6 << 20
    /// How often an overflowing conversation is halved and asked again. Default 3.
    package var shrinks = 3
    /// How long a stopped call may take to come back before it is left behind. Default 1 s.
    package var grace: Duration = .seconds(1)
    /// Tries to store an outcome. Default 3.
    package var storeTries = 3

    /// The defaults.
    package init() {}
}

/// What happens to a message that comes while its session is busy.
package enum QueueMode: String, Sendable, CaseIterable {
    /// Each message is a run of its own, in order. The one mode that works so far, and what the others fall back to.
    case followup
    /// Messages that wait are put together into one run.
    case collect
    /// The message joins the run in progress.
    case steer
    /// The message joins the run in progress and is answered again afterwards.
    case steerBacklog = "steer-backlog"
    /// The run in progress is stopped.
    case interrupt
    /// An older name of `steer`.
    case queue
}
