import JarvisCore
import JarvisKit

/// Decides the course of one run: asks the model, runs the tools it asks for, asks again, and ends. Pure: inputs go in,
/// actions come out, in the order in which they must be done.
package struct RunStateMachine: Sendable {
    /// What happened.
    package enum Input: Sendable {
        /// The run begins; `pending` are tool calls of an earlier attempt that have no result, `begun` the ids of those
        /// among them that began and are not harmless to repeat.
        case begin(pending: [ToolCall], begun: Set<String> = [])
        /// The turn in progress brought an event.
        case turn(TurnEvent)
        /// The turn returned.
        case turnEnded
        /// The turn failed.
        case turnFailed(ProviderError)
        /// A tool call ended.
        case toolFinished(ToolCall, ToolResult)
        /// The run could not be composed or recorded; the text is safe to show.
        case failed(String)
        /// Someone stopped it.
        case abort
        /// Its time is over.
        case deadline(Duration)
    }

    /// What must be done.
    package enum Action: Sendable {
        /// Tell the listeners.
        case emit(RunEvent)
        /// Make durable before anything that follows.
        case persist([Message])
        /// Ask the model with the conversation and `added`. Beyond 0 `shrinks` with half of what was sent last.
        case callModel(shrinks: Int, mayShrink: Bool)
        /// Run a tool.
        case runTool(ToolCall)
        /// Store the outcome with the entries, then tell. Always the last action of a run.
        case finish(RunOutcome, entries: [Message])
    }

    /// The answer that means "say nothing".
    package static let silentReply = "NO_REPLY"

    /// What the run added to the conversation so far, all of it persisted.
    package private(set) var added: [Message] = []
    /// Whether `finish` was asked for.
    package private(set) var isFinished = false

    private let tools: Set<String>
    private let limits: RunLimits
    private let clock: WallClock
    private let startedAt: EpochMilliseconds
    private var turn: TurnRecord
    private var waiting: [ToolCall] = []
    private var rounds = 0
    /// Calls of this turn that may still run.
    private var callsLeft: Int
    private var shrinks = 0
    private var usage = Usage()

    /// A run.
    ///
    /// - Parameters:
    ///   - model: Who is asked first.
    ///   - tools: The names of the tools on offer.
    package init(model: ModelDescriptor, tools: Set<String>, limits: RunLimits = RunLimits(), clock: WallClock) {
        self.tools = tools
        self.limits = limits
        self.clock = clock
        startedAt = clock.now()
        turn = TurnRecord(model: model)
        callsLeft = limits.toolCalls
    }

    /// Takes one input.
    package mutating func handle(_ input: Input) -> [Action] {
        if isFinished { return [] }
        switch input {
        case .begin(let pending, let begun): return begin(pending, begun)
        case .turn(let event): return turn.receive(event).map(Action.emit)
        case .turnEnded: return endTurn()
        case .turnFailed(let error): return failTurn(error)
        case .toolFinished(let call, let result): return finishTool(call, result)
        case .failed(let message): return stop(.error, reason: .error, message: message)
        case .abort: return stop(.aborted, reason: .aborted, message: nil)
        case .deadline(let limit):
            let seconds = limit.components.seconds
            return stop(.error, reason: .error, message: "The run took longer than \(seconds) s and was stopped.")
        }
    }

    private mutating func begin(_ pending: [ToolCall], _ begun: Set<String>) -> [Action] {
        let started = Action.emit(.started(at: startedAt))
        guard !pending.isEmpty else { return [started, callModel()] }
        rounds = 1
        waiting = pending
        var actions = [started]
        // Calls run one after the other, so only the first can have begun.
        if begun.contains(pending[0].id) {
            let call = waiting.removeFirst()
            let text =
                "The gateway restarted while this call was running. Whether it took effect is unknown; it was not "
                + "repeated."
            actions += record(call, .text(text, isError: true))
        }
        return actions + nextTool()
    }

    private mutating func callModel() -> Action {
        turn = TurnRecord(model: turn.model)
        return .callModel(shrinks: shrinks, mayShrink: shrinks < limits.shrinks)
    }

    private mutating func endTurn() -> [Action] {
        guard let stopReason = turn.stopReason else {
            return failTurn(ProviderError(.malformed, "The provider's answer ended without saying so."))
        }
        var actions = turn.release().map(Action.emit)
        let message = turn.message(stopReason, at: clock.now())
        usage += turn.usage
        let calls = turn.calls
        if calls.isEmpty {
            isFinished = true
            let isSilent = turn.text.trimmingSpace == Self.silentReply
            return actions + [.finish(outcome(.ok, message: isSilent ? nil : message), entries: [.assistant(message)])]
        }
        rounds += 1
        if rounds > limits.toolRounds {
            isFinished = true
            let text = "Stopped after \(limits.toolRounds) rounds of tool calls without an answer."
            var last = turn.message(.error, at: clock.now())
            last.content = []
            last.usage = Usage()
            last.errorMessage = text
            let entries =
                [.assistant(message)] + calls.map { result(of: $0, .text("Not run: \(text)", isError: true)) }
                + [.assistant(last)]
            return actions + [.finish(outcome(.error, message: nil, error: text), entries: entries)]
        }
        added.append(.assistant(message))
        actions.append(.persist([.assistant(message)]))
        turn = TurnRecord(model: turn.model)
        waiting = calls
        callsLeft = limits.toolCalls
        return actions + nextTool()
    }

    private mutating func nextTool() -> [Action] {
        var actions: [Action] = []
        while let call = waiting.first {
            actions.append(.emit(.toolStarted(call)))
            guard callsLeft > 0 else {
                waiting.removeFirst()
                let text = "Not run: at most \(limits.toolCalls) calls in one turn. Ask again for what is still needed."
                actions += record(call, .text(text, isError: true))
                continue
            }
            callsLeft -= 1
            if tools.contains(call.name) { return actions + [.runTool(call)] }
            waiting.removeFirst()
            let known = tools.sorted().joined(separator: ", ")
            let text = "There is no tool \(call.name.prefix(80)). Tools: \(known.isEmpty ? "none" : known)."
            actions += record(call, .text(text, isError: true))
        }
        return actions + [callModel()]
    }

    private mutating func finishTool(_ call: ToolCall, _ result: ToolResult) -> [Action] {
        guard waiting.first?.id == call.id else { return [] }
        waiting.removeFirst()
        return record(call, result.bounded(limits)) + nextTool()
    }

    private mutating func record(_ call: ToolCall, _ result: ToolResult) -> [Action] {
        let message = self.result(of: call, result)
        added.append(message)
        return [.persist([message]), .emit(.toolFinished(call, result))]
    }

    private mutating func failTurn(_ error: ProviderError) -> [Action] {
        if error.reason == .contextOverflow, shrinks < limits.shrinks, turn.text.isEmpty {
            shrinks += 1
            usage += turn.usage
            return [
                .emit(
                    .notice("The conversation is too long for \(turn.model.reference); asking again with less of it.")),
                callModel(),
            ]
        }
        return stop(.error, reason: .error, message: error.message)
    }

    /// Ends the run before its answer is complete; what was said stays.
    private mutating func stop(_ status: RunOutcome.Status, reason: StopReason, message: String?) -> [Action] {
        isFinished = true
        usage += turn.usage
        let actions = turn.release().map(Action.emit)
        let why = status == .aborted ? "Stopped before it was done." : "Not done: \(message ?? "")"
        var entries = waiting.map { result(of: $0, .text(why, isError: true)) }
        waiting = []
        var partial = turn.message(reason, at: clock.now())
        // A call that was never begun must not stay in the transcript without its result.
        partial.content.removeAll { if case .toolCall = $0 { true } else { false } }
        partial.errorMessage = message
        let hasText = !turn.text.isEmpty
        if hasText || message != nil { entries.append(.assistant(partial)) }
        return actions + [.finish(outcome(status, message: hasText ? partial : nil, error: message), entries: entries)]
    }

    private func result(of call: ToolCall, _ result: ToolResult) -> Message {
        .toolResult(
            ToolResultMessage(
                toolCallId: call.id, toolName: call.name, content: result.content, isError: result.isError,
                timestamp: clock.now()))
    }

    private func outcome(_ status: RunOutcome.Status, message: AssistantMessage?, error: String? = nil) -> RunOutcome {
        RunOutcome(
            status: status, message: message, errorMessage: error, usage: usage, startedAt: startedAt,
            endedAt: clock.now())
    }
}

extension String {
    /// Without white space at both ends.
    var trimmingSpace: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
