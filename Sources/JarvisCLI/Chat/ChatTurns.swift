import JarvisClient
import JarvisCore

/// Messages and their answers.
extension ChatSession {
    func send(_ message: String) async {
        let screen = screen
        let turn = Turn(
            runId: Identifiers.uuid(), message: message, printer: AnswerPrinter { screen.stream($0) })
        self.turn = turn
        await say(turn)
    }

    /// After a new connection: the same message with the same key, which the gateway takes once.
    func sayAgain() async {
        if let turn { await say(turn) }
    }

    private func say(_ turn: Turn) async {
        guard let client else { return }
        do {
            let answer = try await client.call(
                "chat.send",
                .members([
                    "sessionKey": .string(sessionKey), "message": .string(turn.message),
                    "thinking": thinking.map(JSONValue.string), "idempotencyKey": .string(turn.runId),
                ]))
            switch answer["status"]?.stringValue {
            case "started", "in_flight": break
            case "ok": await showStored(turn, client)
            default:
                if let summary = answer["summary"]?.stringValue { screen.line(summary, .error) }
                endTurn()
            }
        } catch {
            // The loss of the connection is an event of its own, after which the message is said again.
            if GatewayLink.isLost(error) { return }
            screen.line(Failure(error).message, .error)
            endTurn()
        }
    }

    /// The end of a run that nobody here heard.
    private func showStored(_ turn: Turn, _ client: RPCClient) async {
        do {
            let history = try await client.call("chat.history", ["sessionKey": .string(sessionKey), "limit": 50])
            let message = history["messages"]?.arrayValue?.last {
                $0["runId"]?.stringValue == turn.runId && $0["role"]?.stringValue == "assistant"
            }
            turn.printer.finish(message.map(ChatText.plain) ?? "done")
        } catch {
            screen.line(Failure(error).message, .error)
        }
        endTurn()
    }

    func abort(_ turn: Turn) async {
        do {
            try await client?.call("chat.abort", ["sessionKey": .string(sessionKey), "runId": .string(turn.runId)])
        } catch {
            screen.line("not aborted: \(Failure(error).message)", .error)
        }
    }

    // MARK: Events

    func handle(_ event: GatewayEvent) {
        let payload = event.payload
        switch event.name {
        case "agent" where payload["runId"]?.stringValue == turn?.runId: progress(payload)
        case "chat":
            if payload["runId"]?.stringValue == turn?.runId {
                ended(payload)
            } else if payload["sessionKey"]?.stringValue == fullKey, payload["state"]?.stringValue == "final",
                let message = payload["message"]
            {
                screen.line("(elsewhere) " + ChatText.plain(message), .muted)
            }
        case "exec.approval.requested":
            if let id = payload["id"]?.stringValue { openQuestions.insert(id) }
            screen.endStream()
            screen.line("The agent asks for an approval:", .warn)
            screen.line(ApprovalText.question(payload, now: nil))
            let id = VisibleText.escaped(payload["id"]?.stringValue ?? "").prefix(8)
            let always = payload["request"]?["allowAlways"]?.boolValue == true ? "allow-always|" : ""
            screen.line("/approve \(id) allow-once|\(always)deny", .muted)
        case "exec.approval.resolved":
            if let id = payload["id"]?.stringValue { openQuestions.remove(id) }
            let by = payload["resolvedBy"]?.stringValue.map { " by \(VisibleText.escaped($0, limit: 60))" } ?? ""
            let title = VisibleText.escaped(payload["request"]?["title"]?.stringValue ?? "", limit: 120)
            screen.line("\(title): \(payload["decision"]?.stringValue ?? "nobody answered in time")\(by)", .muted)
        case "shutdown": screen.note("\(payload["reason"]?.stringValue ?? "the gateway stops")")
        default: break
        }
    }

    private func progress(_ payload: JSONValue) {
        let data = payload["data"]
        switch payload["stream"]?.stringValue {
        case "assistant":
            if let text = data?["text"]?.stringValue { turn?.printer.update(text) }
        case "tool":
            if data?["phase"]?.stringValue == "start" {
                screen.line("· \(data?["name"]?.stringValue ?? "tool")", .muted)
            }
        case "notice":
            if let text = data?["text"]?.stringValue { screen.line(text, .muted) }
        default: break
        }
    }

    private func ended(_ payload: JSONValue) {
        switch payload["state"]?.stringValue {
        case "final":
            turn?.printer.finish(payload["message"].map(ChatText.plain) ?? "")
        case "aborted":
            screen.endStream()
            screen.line("aborted", .warn)
        case "error":
            screen.endStream()
            screen.line(payload["errorMessage"]?.stringValue ?? "the run failed", .error)
        default: return
        }
        endTurn()
    }
}
