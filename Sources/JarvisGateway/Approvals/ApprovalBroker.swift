import JarvisCore
import JarvisKit
import JarvisProtocol
import JarvisTools
import NIOCore

/// The questions of this process and who waits for their answers.
struct ApprovalBoard {
    var desk = ApprovalDesk()
    var waiters: [String: [Waiter]] = [:]
    var timers: [String: Scheduled<Void>] = [:]
    private var lastWaiter = 0

    /// Somebody who waits for an answer.
    struct Waiter {
        let number: Int
        let continuation: CheckedContinuation<ApprovalDesk.Settled?, Never>
    }

    mutating func nextWaiter() -> Int {
        lastWaiter += 1
        return lastWaiter
    }
}

/// Asks people, hears their answers, and tells everyone who may know.
extension Gateway {
    /// How long a question waits. Default 120 s.
    static var approvalTimeoutMs: Int64 { 120_000 }

    /// Puts a question before everybody who may answer.
    func openApproval(
        id: String, _ request: ApprovalRequest, shown: JSONObject, timeoutMs: Int64 = Gateway.approvalTimeoutMs
    ) throws(ApprovalDesk.Refusal) -> ApprovalDesk.Pending {
        let (pending, isNew) = try approvals.desk.ask(
            id: id, request, shown: shown, now: clock.now(), timeoutMs: timeoutMs)
        guard isNew else { return pending }
        approvals.timers[id] = loop.scheduleTask(in: .milliseconds(timeoutMs)) { [self] in
            assumeIsolated { $0.lapseApproval(id) }
        }
        broadcast("exec.approval.requested", pending.json)
        logger.notice(
            "approval requested",
            metadata: ["id": "\(id)", "tool": "\(request.tool)", "agent": "\(request.agentId)"])
        return pending
    }

    /// Waits until the question is over; nil when it is unknown.
    func approvalOutcome(_ id: String) async -> ApprovalDesk.Settled? {
        if let over = approvals.desk.outcome(id) { return over }
        guard approvals.timers[id] != nil else { return nil }
        return await withCheckedContinuation { continuation in
            let waiter = ApprovalBoard.Waiter(number: approvals.nextWaiter(), continuation: continuation)
            approvals.waiters[id, default: []].append(waiter)
        }
    }

    /// Answers a question.
    ///
    /// - Parameter by: Who, for people.
    func resolveApproval(
        _ id: String, _ decision: ApprovalDecision, by: String
    ) async throws -> ApprovalDesk.Settled {
        var over: ApprovalDesk.Settled
        do {
            over = try approvals.desk.resolve(id, decision, by: by, now: clock.now())
        } catch {
            if case .expired(let id) = error { lapseApproval(id) }
            throw WireError(error)
        }
        // First the file, so that a second call finds what the first one's answer promised.
        var problem: (any Error)?
        if decision == .allowAlways, let pattern = over.pending.request.allowPattern {
            do { try await remember(pattern, over) } catch {
                // Nobody is told of an "always" that the next call would not find.
                problem = error
                over.decision = .allowOnce
                approvals.desk.amend(over)
            }
        }
        announceApproval(over)
        if let problem {
            logger.error("approval not kept", metadata: ["id": "\(over.pending.id)", "error": "\(problem)"])
            throw WireError.unavailable("allowed this once; allow-always could not be written: \(problem)")
        }
        return over
    }

    private func remember(_ pattern: String, _ over: ApprovalDesk.Settled) async throws {
        let file = approvalsFile
        let request = over.pending.request
        let now = clock.now()
        _ = try await Blocking.run {
            try file.edit {
                $0.adding(
                    pattern: pattern, agent: request.agentId, id: Identifiers.uuid(), usedBy: request.text, now: now)
            }
        }
    }

    /// Time is up, or the asker went away.
    func lapseApproval(_ id: String) {
        if let over = approvals.desk.lapse(id, now: clock.now()) { announceApproval(over) }
    }

    /// The end of this process is no yes.
    func denyPendingApprovals() {
        for over in approvals.desk.denyAll(by: "the gateway stops", now: clock.now()) { announceApproval(over) }
    }

    private func announceApproval(_ over: ApprovalDesk.Settled) {
        let id = over.pending.id
        approvals.timers.removeValue(forKey: id)?.cancel()
        broadcast("exec.approval.resolved", over.json)
        logger.notice(
            "approval resolved",
            metadata: [
                "id": "\(id)", "tool": "\(over.pending.request.tool)",
                "decision": "\(over.decision?.rawValue ?? "none")", "by": "\(over.by ?? "nobody")",
            ])
        for waiter in approvals.waiters.removeValue(forKey: id) ?? [] { waiter.continuation.resume(returning: over) }
    }

    /// The owner's file.
    nonisolated var approvalsFile: ApprovalsFile { ApprovalsFile(path: instance.paths.execApprovals) }

    /// What the file says now.
    func approvalsDocument() async -> Result<ApprovalsDocument, JarvisError> {
        let file = approvalsFile
        let read = { () async throws -> Result<ApprovalsDocument, JarvisError> in
            try await Blocking.run { file.load().document }
        }
        do {
            return try await read()
        } catch {
            return .failure(JarvisError("approvals.invalid", "\(file.path) can't be read: \(error)"))
        }
    }

    /// The people behind a connection, for the record.
    func approverName(_ connection: Int) -> String {
        let client = connections[connection]?.session?.client
        return VisibleText.escaped(client?.displayName ?? client?.id ?? "a client", limit: 60)
    }
}

/// Decides about the tool calls of runs.
struct GatewayToolGate: ToolGate {
    let gateway: Gateway
    /// The configuration's mode by tool, as it was when the run began.
    let setting: @Sendable (_ tool: String) -> AskMode

    func judge(_ assessment: ToolAssessment, of request: ApprovalRequest) async -> ToolVerdict {
        let mode = setting(request.tool)
        // Most calls read, and nothing in the file can forbid that.
        if assessment.risk == .read { return .run(why: "it only reads") }
        let document = await gateway.approvalsDocument()
        return ApprovalPolicy.judge(assessment, of: request, setting: mode, document: document)
    }

    func ask(_ request: ApprovalRequest) async -> ToolVerdict {
        let id = Identifiers.uuid()
        return await withTaskCancellationHandler {
            await gateway.askForRun(id, request)
        } onCancel: {
            // unstructured: cancellation has no time to wait; the question is withdrawn on the gateway's loop
            Task { await gateway.lapseApproval(id) }
        }
    }
}

extension Gateway {
    /// Asks for a call of a run and says what the answer means.
    fileprivate func askForRun(_ id: String, _ request: ApprovalRequest) async -> ToolVerdict {
        guard phase != .draining else { return .refuse("Not run: the gateway is stopping and nobody can be asked.") }
        do {
            _ = try openApproval(id: id, request, shown: request.shown)
        } catch {
            return .refuse("Not run: \(error.message).")
        }
        if Task.isCancelled { lapseApproval(id) }
        let over = await approvalOutcome(id)
        switch over?.decision {
        case .allowOnce, .allowAlways:
            let decision = over?.decision?.rawValue ?? ""
            return .run(why: "\(decision) by \(over?.by ?? "someone")")
        case .deny: return .refuse("Not run: denied by \(over?.by ?? "someone"). Don't try it in another way.")
        case nil: return ApprovalPolicy.unanswered(request, document: await approvalsDocument())
        }
    }
}

extension ApprovalRequest {
    /// The question as clients see it.
    var shown: JSONObject {
        JSONValue.members([
            "command": .string(text), "tool": .string(tool), "title": .string(title), "risk": .string(risk.rawValue),
            "host": "gateway", "agentId": .string(agentId), "sessionKey": sessionKey.map { .string($0.text) },
            "runId": runId.map(JSONValue.string), "toolCallId": callId.map(JSONValue.string),
            "allowAlways": .bool(allowPattern != nil),
            "allowPattern": allowPattern.map { .string(VisibleText.escaped($0)) },
            "fingerprint": .string(fingerprint),
        ]).objectValue ?? [:]
    }
}

extension ApprovalDesk.Pending {
    /// The payload of `exec.approval.requested`.
    var json: JSONValue {
        [
            "id": .string(id), "request": .object(shown), "createdAtMs": .int(createdAt),
            "expiresAtMs": .int(expiresAt),
        ]
    }
}

extension ApprovalDesk.Settled {
    /// The payload of `exec.approval.resolved`.
    var json: JSONValue {
        .members([
            "id": .string(pending.id), "decision": decision.map { .string($0.rawValue) } ?? .null,
            "resolvedBy": by.map(JSONValue.string), "ts": .int(at), "request": .object(pending.shown),
        ])
    }

    /// The answer to whoever asked.
    var answer: JSONValue {
        [
            "id": .string(pending.id), "decision": decision.map { .string($0.rawValue) } ?? .null,
            "createdAtMs": .int(pending.createdAt), "expiresAtMs": .int(pending.expiresAt),
        ]
    }
}

extension WireError {
    /// A refusal of the desk: what is wrong with the request, or that there are too many of them.
    init(_ refusal: ApprovalDesk.Refusal) {
        var details: JSONObject = ["code": .string(refusal.code)]
        switch refusal {
        case .settled(let id, let decision, let by):
            details["id"] = .string(id)
            details["decision"] = decision.map { .string($0.rawValue) } ?? .null
            details["resolvedBy"] = by.map(JSONValue.string) ?? .null
        case .expired(let id):
            details["id"] = .string(id)
            details["decision"] = .null
            details["resolvedBy"] = .null
        default: break
        }
        if case .full = refusal {
            self.init(.unavailable, refusal.message, details: .object(details), retryable: true, retryAfterMs: 5000)
        } else {
            self.init(.invalidRequest, refusal.message, details: .object(details))
        }
    }
}
