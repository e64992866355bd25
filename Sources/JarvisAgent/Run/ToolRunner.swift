import JarvisCore
import JarvisKit

/// One tool call of a run: assessment, decision, record, call. What the call is judged by and what runs are the same
/// value.
struct ToolRunner: Sendable {
    let request: RunRequest
    let setup: RunSetup
    let stop: RunStop
    let listener: RunListener
    let journal: any RunJournal
    let monotonic: MonotonicClock
    let limits: RunLimits

    /// The result of `call`; a refusal is a result too.
    ///
    /// - Throws: When the call could not be recorded; then it did not begin.
    func run(_ call: ToolCall) async throws -> ToolResult {
        guard let tool = setup.tools.first(where: { $0.definition.name == call.name }) else {
            return .text("There is no tool \(call.name.prefix(80)).", isError: true)
        }
        guard call.arguments.objectValue != nil else {
            return .text(
                "The arguments of \(call.name) must be an object, found \(call.arguments.kindName).", isError: true)
        }
        let place = ToolContext(
            runId: request.runId, sessionKey: request.sessionKey, agentId: request.agentId,
            workspace: setup.workspace, callId: call.id, readsImages: setup.model.input.contains("image"))
        let assessment = tool.assess(call.arguments, context: place)
        let question = ApprovalRequest(call, assessment, context: place)
        let why: String
        switch await decide(assessment, question) {
        case .run(let reason): why = reason
        case .refuse(let text): return .text(text, isError: true)
        case .ask: return .text("Nobody decided about this call. It was not run.", isError: true)
        case nil: return .text("Stopped before it ran.", isError: true)
        }
        // A yes that comes with the stop is too late.
        if stop.cause != nil { return .text("Stopped before it ran.", isError: true) }
        if assessment.risk > .read {
            let record = ToolBeginning(
                callId: call.id, tool: call.name, risk: assessment.risk, why: why, fingerprint: question.fingerprint)
            try await journal.toolBegins(record, runId: request.runId, sessionKey: request.sessionKey)
        }
        return await perform(tool, call.arguments, place)
    }

    /// Nil when the run was stopped meanwhile.
    private func decide(_ assessment: ToolAssessment, _ question: ApprovalRequest) async -> ToolVerdict? {
        let gate = setup.gate
        let verdict = await stop.run(grace: limits.grace, clock: monotonic) {
            await gate.judge(assessment, of: question)
        }
        guard verdict == .ask else { return verdict }
        guard question.isShowable else {
            return .refuse(
                "This call needs an approval, and its \(question.size) characters are too many to be shown for one "
                    + "(at most \(ApprovalRequest.maximumText)). It was not run: do it in smaller steps.")
        }
        await listener(.notice("Waiting for approval: \(question.title)."))
        return await stop.run(grace: limits.grace, clock: monotonic) { await gate.ask(question) }
    }

    private func perform(_ tool: any Tool, _ arguments: JSONValue, _ place: ToolContext) async -> ToolResult {
        let limit = tool.timeLimit
        let result = await stop.run(grace: limits.grace, clock: monotonic, limit: limit) { () -> ToolResult in
            do {
                return try await tool.call(arguments, context: place)
            } catch is CancellationError {
                return .text("The call was stopped. It may have taken effect in part.", isError: true)
            } catch {
                let text = (error as? JarvisError)?.message ?? "The tool failed: \(error)"
                return .text(text, isError: true)
            }
        }
        if let result { return result }
        let tooLong = "The call took longer than \(limit.components.seconds) s and was stopped"
        let why = stop.cause == nil ? tooLong : "Stopped"
        return .text("\(why). It may have taken effect in part.", isError: true)
    }
}
