import JarvisCore
import JarvisKit
import JarvisProtocol
import JarvisTools

/// `exec.approval.*`, `exec.approvals.*`.
enum ApprovalMethods {
    static let handlers: [String: MethodHandler] = [
        "exec.approval.request": .concurrent { gateway, call in try await gateway.requestApproval(call) },
        "exec.approval.waitDecision": .concurrent { gateway, call in
            let id = call.string("id") ?? ""
            guard let over = await gateway.approvalOutcome(id) else {
                throw WireError(ApprovalDesk.Refusal.unknown(id))
            }
            return over.answer
        },
        "exec.approval.resolve": .ordered { gateway, call in
            guard let decision = call.string("decision").flatMap(ApprovalDecision.init(rawValue:)) else {
                throw WireError.invalidRequest("invalid exec.approval.resolve params: 'decision'")
            }
            let over = try await gateway.resolveApproval(
                call.string("id") ?? "", decision, by: gateway.approverName(call.connection))
            return ["ok": true, "id": .string(over.pending.id), "decision": .string(decision.rawValue)]
        },
        "exec.approval.list": .immediate { gateway, _ in
            [
                "ts": .int(gateway.clock.now()), "pending": .array(gateway.approvals.desk.pending.map(\.json)),
            ]
        },
        "exec.approvals.get": .concurrent { gateway, _ in
            let file = gateway.approvalsFile
            return try approvalsJSON(file, try await Blocking.run { file.load() })
        },
        "exec.approvals.set": .ordered { gateway, call in
            let file = gateway.approvalsFile
            let value = call.params["file"] ?? .null
            let base = call.string("baseHash")
            let saved = try await Blocking.run {
                do {
                    return try file.save(try ApprovalsDocument(value), base: base)
                } catch let error as JarvisError where error.code == "approvals.invalid" {
                    throw WireError.invalidRequest(
                        "invalid exec.approvals.set params: \(error.message)",
                        details: ["code": "APPROVALS_INVALID"])
                } catch let error as JarvisError where error.code == "approvals.changed" {
                    throw WireError.invalidRequest(
                        "\(error.message); read it again and repeat the change",
                        details: ["code": "APPROVALS_CHANGED"])
                }
            }
            gateway.logger.notice(
                "approvals file changed", metadata: ["by": "\(gateway.approverName(call.connection))"])
            return try approvalsJSON(file, saved)
        },
    ]

    private static func approvalsJSON(_ file: ApprovalsFile, _ snapshot: ApprovalsFile.Snapshot) throws -> JSONValue {
        switch snapshot.document {
        case .success(let document):
            return [
                "path": .string(file.path), "exists": .bool(snapshot.exists), "hash": JSONValue(snapshot.hash),
                "file": document.shown,
            ]
        case .failure(let error):
            throw WireError(
                .unavailable, error.message,
                details: ["code": "APPROVALS_UNREADABLE", "hash": JSONValue(snapshot.hash), "path": .string(file.path)])
        }
    }
}

extension Gateway {
    fileprivate func requestApproval(_ call: MethodCall) async throws -> JSONValue {
        let request = try Self.request(call)
        let pending: ApprovalDesk.Pending
        do {
            pending = try openApproval(
                id: call.string("id") ?? Identifiers.uuid(), request, shown: Self.shown(call, request),
                timeoutMs: Int64(call.int("timeoutMs") ?? Int(Self.approvalTimeoutMs)))
        } catch {
            throw WireError(error)
        }
        if call.flag("twoPhase") {
            respond(
                call.connection, call.id,
                .success([
                    "status": "accepted", "id": .string(pending.id), "createdAtMs": .int(pending.createdAt),
                    "expiresAtMs": .int(pending.expiresAt),
                ]))
        }
        guard let over = await approvalOutcome(pending.id) else {
            throw WireError(ApprovalDesk.Refusal.unknown(pending.id))
        }
        return over.answer
    }

    /// The question that the parameters mean. One command in two spellings must be one command.
    private static func request(_ call: MethodCall) throws -> ApprovalRequest {
        func refuse(_ reason: String) -> WireError {
            .invalidRequest("invalid exec.approval.request params: \(reason)")
        }
        let command = call.string("command") ?? ""
        let argv = call.strings("commandArgv")
        if let argv {
            guard !argv.isEmpty, CommandLine.spellings(argv).contains(command) else {
                throw refuse("'command' is not the text of 'commandArgv'; what is shown must be what runs")
            }
        }
        if let id = call.string("id") {
            guard id.utf8.count <= 128, VisibleText.escaped(id) == id, !id.contains(" ") else {
                throw refuse("'id' must be 1 to 128 printable characters without spaces")
            }
        }
        let agent = call.string("agentId") ?? "main"
        guard VisibleText.escaped(agent, limit: 64) == agent else {
            throw refuse("'agentId' must be 1 to 64 printable characters")
        }
        let bound: JSONValue = .members([
            "command": .string(command), "argv": argv.map { JSONValue($0) }, "cwd": call.params["cwd"],
            "env": call.params["env"], "host": call.params["host"], "nodeId": call.params["nodeId"],
            "agentId": .string(agent), "resolvedPath": call.params["resolvedPath"],
            "plan": call.params["systemRunPlanV2"],
        ])
        var text = VisibleText.escaped(argv.map { CommandLine.quoted($0) } ?? command)
        if let env = call.params["env"]?.objectValue, !env.isEmpty {
            // What a program does depends on its environment: who answers must see it, but for what is secret in it.
            let shown = env.map { name, value in (name, Redactor.isSecretName(name) ? .string(Redactor.mask) : value) }
            let members = JSONValue.object(JSONObject(shown, uniquingKeysWith: { $1 }))
            text += VisibleText.escaped(" with env \(JSONWriter.string(members))")
        }
        let path = call.string("resolvedPath").flatMap { $0.hasPrefix("/") && !$0.contains("*") ? $0 : nil }
        let request = ApprovalRequest(
            tool: "exec", title: "Run a command", text: text, risk: .host, allowPattern: path,
            fingerprint: Identifiers.sha256Hex(JSONWriter.encode(bound)), agentId: agent,
            sessionKey: call.string("sessionKey").flatMap { SessionKey($0, defaultAgent: agent) })
        guard request.isShowable else {
            throw refuse(
                "the command is too long to be shown for an approval: \(request.size) characters, at most "
                    + "\(ApprovalRequest.maximumText)")
        }
        return request
    }

    private static func shown(_ call: MethodCall, _ request: ApprovalRequest) -> JSONObject {
        var shown = request.shown
        for name in ["cwd", "nodeId", "host", "security", "ask", "resolvedPath"] {
            if let text = call.string(name) { shown[name] = .string(VisibleText.escaped(text, limit: 1000)) }
        }
        if let argv = call.strings("commandArgv") {
            shown["commandArgv"] = JSONValue(argv.map { VisibleText.escaped($0) })
        }
        return shown
    }

    /// `/approve` in a chat: answered at once, beside the run that waits for it, and by the authority of whoever wrote
    /// it. It is no message: no model ever reads it.
    func approveInChat(_ command: ApproveCommand, from connection: Int) async -> String {
        guard scopes(of: connection).allows(.approvals) else {
            return "Not answered: this connection may not answer approvals (operator.approvals)."
        }
        guard let id = command.id, let decision = command.decision else {
            let waiting = approvals.desk.pending
            guard !waiting.isEmpty else { return "Nothing waits for an approval." }
            let list = waiting.prefix(20).map { "\($0.id.prefix(8))  \($0.request.title): \($0.request.text)" }
            return "Write \(ApproveCommand.usage).\n" + list.joined(separator: "\n")
        }
        do {
            let over = try await resolveApproval(id, decision, by: approverName(connection))
            return "\(decision.past): \(over.pending.request.title) (\(over.pending.id.prefix(8)))."
        } catch {
            return "Not answered: \(WireError(error).message)."
        }
    }
}

extension ApprovalDecision {
    /// What was done, for people.
    var past: String {
        switch self {
        case .allowOnce: "Allowed once"
        case .allowAlways: "Allowed from now on"
        case .deny: "Denied"
        }
    }
}

/// Argument lists as text.
enum CommandLine {
    /// The words, quoted for a POSIX shell where they need it.
    static func quoted(_ argv: [String]) -> String {
        argv.map { word in
            let isPlain =
                !word.isEmpty
                && word.utf8.allSatisfy { byte in
                    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                        || "@%+=:,./-_".utf8.contains(byte)
                }
            if isPlain { return word }
            return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }.joined(separator: " ")
    }

    /// The texts that may stand beside an argument list: quoted, or joined where no word needs a quote.
    static func spellings(_ argv: [String]) -> [String] {
        let plain = argv.joined(separator: " ")
        let isUnambiguous = argv.allSatisfy { !$0.isEmpty && !$0.contains(where: \.isWhitespace) }
        return isUnambiguous ? [quoted(argv), plain] : [quoted(argv)]
    }
}
