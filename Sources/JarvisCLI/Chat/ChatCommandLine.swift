import JarvisCore
import JarvisTools

/// A slash command that the chat itself understands; others go to the gateway as messages.
enum ChatCommandLine: Hashable, Sendable {
    case help, new, sessions, status, abort, quit
    case session(String?)
    case history(Int)
    case approve(ApproveCommand)

    /// The command in `line`; nil for a message.
    init?(_ line: String) {
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        let argument = words.count > 1 ? words[1] : nil
        switch words.first?.lowercased() {
        case "/help", "/?": self = .help
        case "/new", "/reset": self = .new
        case "/sessions": self = .sessions
        case "/session": self = .session(argument)
        case "/status": self = .status
        case "/abort", "/stop": self = .abort
        case "/quit", "/exit", "/q": self = .quit
        case "/history": self = .history(min(max(argument.flatMap { Int($0) } ?? 20, 1), 1000))
        case "/approve":
            guard let command = ApproveCommand(line) else { return nil }
            self = .approve(command)
        default: return nil
        }
    }

    /// What `/help` shows.
    static let helpText = """
        /new                 start the session afresh; the old transcript is archived
        /sessions            list the sessions
        /session <key>       go to a session
        /history [number]    show what was said
        /status              what the gateway is and does
        /approve <id> allow-once|allow-always|deny
                             answer what the agent asks before it acts
        /abort               stop the answer (also Ctrl-C)
        /quit, /exit         leave (also Ctrl-D)
        Anything else that begins with / goes to the gateway: /config, /logs, /models …
        """
}

extension ChatSession {
    func perform(_ command: ChatCommandLine) async {
        do {
            switch command {
            case .help: screen.line(ChatCommandLine.helpText)
            case .quit: finish()
            case .abort:
                // Between two turns there may still be a run that another client started.
                try await client?.call("chat.abort", ["sessionKey": .string(sessionKey)])
                screen.line("nothing of yours is running here", .muted)
            case .new:
                try await client?.call("sessions.reset", ["key": .string(sessionKey), "reason": "new"])
                screen.line("a new beginning in \(sessionKey)", .muted)
            case .sessions:
                guard let answer = try await client?.call("sessions.list", ["limit": 20, "includeDerivedTitles": true])
                else { return }
                screen.line(SessionsListCommand.table(answer))
            case .session(let key?):
                sessionKey = key
                screen.line("session \(key)", .muted)
                await showHistory(limit: max(historyLimit, 1))
            case .session(nil): screen.line("session \(fullKey.isEmpty ? sessionKey : fullKey)", .muted)
            case .approve(let command): try await approve(command)
            case .history(let limit): await showHistory(limit: limit)
            case .status:
                guard let answer = try await client?.call("status") else { return }
                screen.line(Self.summary(answer))
            }
        } catch {
            screen.line(Failure(error).message, .error)
        }
    }

    /// Answers a question; without an id or a decision, shows the questions that wait.
    private func approve(_ command: ApproveCommand) async throws {
        guard let client else { return screen.line("not connected", .error) }
        guard let id = command.id, let decision = command.decision else {
            screen.line(ApprovalsListCommand.text(try await client.call("exec.approval.list")))
            screen.line("Write \(ApproveCommand.usage)", .muted)
            return
        }
        try await client.call("exec.approval.resolve", ["id": .string(id), "decision": .string(decision.rawValue)])
    }

    /// Shows the newest messages of the session.
    func showHistory(limit: Int) async {
        guard let client else { return }
        do {
            let answer = try await client.call(
                "chat.history", ["sessionKey": .string(sessionKey), "limit": JSONValue(max(limit, 1))])
            fullKey = answer["sessionKey"]?.stringValue ?? fullKey
            guard limit > 0 else { return }
            for message in answer["messages"]?.arrayValue ?? [] {
                let text = ChatText.plain(message)
                if text.isEmpty { continue }
                switch message["role"]?.stringValue {
                case "user": screen.line("you› " + text, .muted)
                case "assistant": screen.line(text)
                default: break
                }
            }
        } catch {
            screen.line("no history: \(Failure(error).message)", .error)
        }
    }

    private static func summary(_ status: JSONValue) -> String {
        let gateway = status["gateway"]
        let model = status["model"]
        let answerer =
            model?["isOperator"]?.boolValue == true ? "the built-in operator" : model?["reference"]?.stringValue ?? "?"
        let up = Humanize.duration(milliseconds: Int64(gateway?["uptimeMs"]?.intValue ?? 0))
        return """
            \(gateway?["profile"]?.stringValue ?? "gateway") on port \(gateway?["port"]?.intValue ?? 0), up \(up), version \
            \(gateway?["version"]?.stringValue ?? "?")
            answers: \(answerer); \(gateway?["activeRuns"]?.intValue ?? 0) runs, \(gateway?["clients"]?.intValue ?? 0) \
            clients, \(status["sessions"]?["count"]?.intValue ?? 0) sessions
            """
    }
}
