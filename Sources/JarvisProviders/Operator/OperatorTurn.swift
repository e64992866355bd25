import JarvisCore
import JarvisKit

/// One message answered.
struct OperatorTurn: Sendable {
    let host: any OperatorHost
    let request: ModelRequest

    /// An answer: what to say and, when it ends in a question, what a yes would do.
    struct Answer: Sendable {
        var text: String
        var question: OperatorDialogue?
        /// What the text says by itself of who speaks and why.
        var says = Says.nothing

        enum Says: Sendable { case nothing, whyNoModel, whoAndWhy }

        init(_ text: String, question: OperatorDialogue? = nil, says: Says = .nothing) {
            self.text = text
            self.question = question
            self.says = says
        }
    }

    /// The whole answer as Markdown.
    func reply() async -> String {
        let health = await host.health()
        let failure = health.modelFailures.first { $0.runId == request.runId }
        let replies = OperatorReplies(health: health, failure: failure)
        let parse = OperatorParse.parse(lastUserText)
        let pending = OperatorDialogue.pending(in: request.messages)
        let answer = await answer(to: parse, pending: pending, replies: replies)
        var text = answer.text
        if let pending, let left = leftAlone(pending, by: parse.intent) { text += "\n\n\(left)" }
        if answer.says != .whoAndWhy, failure != nil || isFirst {
            text += "\n\n_\(answer.says == .whyNoModel ? replies.shortIntroduction : replies.introduction)_"
        }
        // The last door: whatever a part of the text let through is masked here.
        text = OperatorSecrets.redact(text)
        if let question = answer.question { text += "\n\n\(question.line)" }
        return text
    }

    private var lastUserText: String {
        for message in request.messages.reversed() {
            if case .user(let content, _) = message { return content.plainText }
        }
        return ""
    }

    /// Whether the operator has not spoken in this conversation yet.
    private var isFirst: Bool {
        !request.messages.contains { message in
            if case .assistant(let message) = message { return message.provider == OperatorProvider.name }
            return false
        }
    }

    /// What to say about a question that was passed over.
    private func leftAlone(_ pending: OperatorDialogue, by intent: OperatorIntent) -> String? {
        switch intent {
        case .yes, .no: nil
        case .configSet, .configUnset, .undo, .restart: nil
        default:
            switch pending.action {
            case .set(let path, _), .unset(let path): "I left `\(OperatorWords.inert(path))` as it was."
            case .undo: "I did not undo anything."
            case .restart: "I did not restart."
            }
        }
    }

    private func answer(
        to parse: OperatorParse, pending: OperatorDialogue?, replies: OperatorReplies
    ) async -> Answer {
        if let profile = parse.profile, profile != replies.health.profile,
            !(replies.health.profile == nil && profile == "default")
        {
            return Answer(
                "I act only on this gateway, \(replies.name). For the profile you named, run the command in a terminal."
            )
        }
        do {
            return try await answer(to: parse.intent, pending: pending, replies: replies)
        } catch let error as JarvisError {
            let hint = error.hint.map { "\n\(OperatorWords.inert($0, limit: 300))" } ?? ""
            return Answer("That did not work: \(OperatorWords.inert(error.message, limit: 300)).\(hint)")
        } catch {
            return Answer("That did not work. `\(replies.health.commandPrefix) logs --follow` may tell more.")
        }
    }

    private func answer(
        to intent: OperatorIntent, pending: OperatorDialogue?, replies: OperatorReplies
    ) async throws -> Answer {
        switch intent {
        case .empty: return Answer("I got an empty message. Say **help** for what I can do.")
        case .greeting: return Answer(replies.greeting, says: .whoAndWhy)
        case .presence: return Answer(replies.presence, says: .whyNoModel)
        case .identity: return Answer(replies.identity, says: .whoAndWhy)
        case .help: return Answer(replies.help)
        case .thanks: return Answer(replies.thanks)
        case .goodbye: return Answer(replies.goodbye)
        case .status: return Answer(replies.status, says: .whyNoModel)
        case .diagnose: return Answer(replies.diagnosis, says: .whyNoModel)
        case .silence: return Answer(replies.silence, says: .whyNoModel)
        case .errors(let limit): return Answer(try await errors(limit, replies))
        case .logs(let limit, let level): return Answer(try await logs(limit, level, replies))
        case .connectModel(let provider): return Answer(replies.connectModel(provider: provider))
        case .modelStatus: return Answer(replies.modelStatus, says: .whyNoModel)
        case .configHelp: return Answer(replies.configHelp)
        case .configFile: return Answer(replies.configFile)
        case .configValidate: return Answer(replies.configValidation)
        case .configGet(let path): return Answer(try await configValue(path, replies))
        case .configSet(let path, let value): return try await propose(.set(path: path, value: value), replies)
        case .configUnset(let path): return try await propose(.unset(path: path), replies)
        case .configSetIncomplete(let path): return Answer(incomplete(path))
        case .secret(let path, let wasSent): return Answer(replies.secret(path: path, wasSent: wasSent))
        case .undo: return try await propose(.undo(id: ""), replies)
        case .restart: return try await propose(.restart, replies)
        case .uptime: return Answer(replies.uptimeAnswer)
        case .sessions: return Answer(try await sessions(replies))
        case .newSession: return Answer(replies.newSession)
        case .version: return Answer(replies.version)
        case .port: return Answer(replies.port)
        case .dashboard: return Answer(replies.dashboard)
        case .instance: return Answer(replies.instance)
        case .shutdown: return Answer(replies.shutdown)
        case .yes(let code): return try await confirm(code, pending: pending, replies)
        case .no: return Answer(refused(pending))
        case .unknownCommand(let name): return Answer(replies.unknownCommand(name))
        case .general: return Answer(replies.general, says: .whoAndWhy)
        }
    }

    // MARK: Reading

    private func errors(_ limit: Int, _ replies: OperatorReplies) async throws -> String {
        let lines = try await host.recentErrors(limit: limit)
        guard !lines.isEmpty else { return "No errors since the start \(replies.uptime) ago." }
        let title = lines.count == 1 ? "The last error:" : "The last \(lines.count) errors, newest first:"
        return "\(title)\n\(OperatorWords.list(lines, replies.health))"
    }

    private func logs(_ limit: Int, _ level: String?, _ replies: OperatorReplies) async throws -> String {
        let lines = try await host.logLines(limit: limit, level: level)
        let kind = level.map { " at `\($0)` or above" } ?? ""
        let follow = "To follow along: `\(replies.health.commandPrefix) logs --follow`"
        guard !lines.isEmpty else { return "No log lines\(kind).\n\(follow)" }
        let body = lines.map {
            "\(OperatorWords.clock($0.at)) \(OperatorWords.inert($0.level, limit: 8)) \(OperatorWords.inert($0.message))"
        }
        let title = "The last \(lines.count == 1 ? "log line" : "\(lines.count) log lines")\(kind) (UTC):"
        return "\(title)\n```\n\(body.joined(separator: "\n"))\n```\n\(follow)"
    }

    private func sessions(_ replies: OperatorReplies) async throws -> String {
        let total = replies.health.sessionCount
        let sessions = try await host.sessions(limit: 8)
        guard !sessions.isEmpty else { return "There are no sessions yet." }
        let lines = sessions.map { session in
            let label = session.label.map { " (\(OperatorWords.inert($0, limit: 60)))" } ?? ""
            return
                "- `\(OperatorWords.inert(session.key, limit: 100))`\(label), \(OperatorWords.ago(session.updatedAt, replies.health))"
        }
        let title =
            total > sessions.count
            ? "\(total) sessions, the newest \(sessions.count):" : OperatorWords.count(sessions.count, "session") + ":"
        return ([title] + lines + ["All of them: `\(replies.health.commandPrefix) sessions list`"]).joined(
            separator: "\n")
    }

    private func configValue(_ path: String, _ replies: OperatorReplies) async throws -> String {
        let shown = OperatorWords.inert(path, limit: 200)
        switch try await host.configValue(path: path) {
        case .value(let text, _) where OperatorSecrets.isSecretPath(path) && !OperatorSecrets.isReference(text):
            return "`\(shown)` is set, but I don't show secrets in chat: chats are stored."
        case .value(let text, let isDefault):
            let isObject = text.contains("\n") || text.count > 400
            if isObject, !OperatorSecrets.isSecretPath(path) {
                let body = OperatorSecrets.redact(OperatorSecrets.maskMembers(text, isPretty: true)).split(
                    separator: "\n", omittingEmptySubsequences: false
                ).prefix(40)
                    .map { OperatorWords.inert(String($0), limit: 200) }.joined(separator: "\n")
                return "`\(shown)` is:\n```\n\(body)\n```"
            }
            return "`\(shown)` is \(OperatorWords.value(text, path: path))\(isDefault ? ", the default" : "")."
        case .notFound(let suggestions):
            return "There is no setting `\(shown)`.\(nearest(suggestions))"
        }
    }

    private func nearest(_ suggestions: [String]) -> String {
        guard !suggestions.isEmpty else { return " Say **config** for how to look around." }
        let list = suggestions.prefix(3).map { "`\(OperatorWords.inert($0, limit: 100))`" }.joined(separator: ", ")
        return " Did you mean \(list)?"
    }

    private func incomplete(_ path: String?) -> String {
        let shown = OperatorWords.inert(path ?? "gateway.port", limit: 200)
        let example = path == "agents.defaults.model" ? "provider/model" : path == nil ? "19000" : "…"
        return "Tell me the setting and the new value, like `set \(shown) to \(example)`. I ask before I write."
    }

    // MARK: Changing

    /// Asks before doing `action`.
    private func propose(_ action: OperatorDialogue.Action, _ replies: OperatorReplies) async throws -> Answer {
        if let refusal = await refusalWithoutAuthority(action, replies) { return Answer(refusal) }
        switch action {
        case .set(let path, let value): return try await proposeChange(path, value, replies)
        case .unset(let path): return try await proposeChange(path, nil, replies)
        case .undo: return try await proposeUndo(replies)
        case .restart:
            let others = max(0, replies.health.activeRuns - 1)
            let note =
                others == 0 ? "" : " \(OperatorWords.count(others, "other run")) in progress will be interrupted."
            return ask(
                "I will restart the gateway \(replies.name).\(note)", .restart, basis: ["\(replies.health.startedAt)"],
                replies)
        }
    }

    private func proposeChange(_ path: String, _ value: String?, _ replies: OperatorReplies) async throws -> Answer {
        let shown = OperatorWords.inert(path, limit: 200)
        if let value, OperatorSecrets.isSecret(path: path, value: value) {
            return Answer(replies.secret(path: path, wasSent: true))
        }
        let action = value.map { OperatorDialogue.Action.set(path: path, value: $0) } ?? .unset(path: path)
        guard value?.count ?? 0 <= OperatorDialogue.maximumValue,
            OperatorDialogue(action: action, basis: []).isPrintable
        else {
            return Answer(
                "That value is too long or too unusual for chat. In a terminal: "
                    + "`\(replies.health.commandPrefix) config set \(shown) 'VALUE'`")
        }
        let preview = try await host.proposeConfigChange(path: path, valueText: value)
        if !preview.problems.isEmpty {
            let list = preview.problems.prefix(4).map { "- \(OperatorWords.inert($0, limit: 240))" }
            return Answer((["I can't change `\(shown)`:"] + list + ["Nothing was written."]).joined(separator: "\n"))
        }
        let old = OperatorWords.value(preview.oldText, path: path)
        if preview.oldText == preview.newText {
            return Answer("Nothing to do: `\(shown)` is already \(old).")
        }
        let verb =
            value == nil
            ? "remove `\(shown)`, now \(old),"
            : "set `\(shown)` from \(old) to \(OperatorWords.value(preview.newText, path: path))"
        var text =
            "I will \(verb) on \(replies.name). \(preview.needsRestart ? "It needs a restart." : "It takes effect at once.")"
        for warning in preview.warnings.prefix(3) { text += "\nNote: \(OperatorWords.inert(warning, limit: 240))" }
        return ask(text, action, basis: [preview.oldText ?? "", preview.oldText == nil ? "unset" : "set"], replies)
    }

    private func proposeUndo(_ replies: OperatorReplies) async throws -> Answer {
        guard let change = try await host.lastChange() else { return Answer("There is no change to undo.") }
        let path = OperatorWords.inert(change.path, limit: 200)
        let text =
            "I will undo the last change on \(replies.name): `\(path)` goes back from "
            + "\(OperatorWords.value(change.newText, path: change.path)) to "
            + "\(OperatorWords.value(change.oldText, path: change.path)) (changed \(OperatorWords.ago(change.at, replies.health)) by "
            + "\(OperatorWords.inert(change.actor, limit: 40)))."
        return ask(text, .undo(id: change.id), basis: [], replies)
    }

    private func ask(
        _ text: String, _ action: OperatorDialogue.Action, basis: [String], _ replies: OperatorReplies
    ) -> Answer {
        let question = dialogue(action, basis: basis, replies)
        guard question.isPrintable else {
            return Answer(
                "I can't ask for this in one line of chat. Use `\(replies.health.commandPrefix) config set` instead.")
        }
        return Answer("\(text)\nReply **yes** to do it, **no** to leave it.", question: question)
    }

    private func dialogue(
        _ action: OperatorDialogue.Action, basis: [String], _ replies: OperatorReplies
    ) -> OperatorDialogue {
        OperatorDialogue(action: action, basis: [replies.health.instanceId, request.sessionKey.text] + basis)
    }

    // MARK: Yes and no

    private func refused(_ pending: OperatorDialogue?) -> String {
        switch pending?.action {
        case .set(let path, _), .unset(let path): "OK, `\(OperatorWords.inert(path))` stays as it is."
        case .undo: "OK, I undo nothing."
        case .restart: "OK, no restart."
        case nil: "OK. Nothing was waiting for an answer, and I changed nothing."
        }
    }

    private func confirm(
        _ code: String?, pending: OperatorDialogue?, _ replies: OperatorReplies
    ) async throws -> Answer {
        guard let pending else {
            return Answer("Nothing is waiting for a yes. Say what you want, or **help** for the list.")
        }
        if let code, code != pending.code {
            return Answer("The code `\(code)` is not the one I asked with, so I did nothing. Ask again, please.")
        }
        // Asking anew tells what the question would be now. Only when it is the very same question does the yes count;
        // else the state has moved on (or the question was never ours) and the new question is shown instead.
        var current = try await propose(pending.action, replies)
        guard current.question == pending else {
            if pending.action == .restart, current.question != nil {
                return Answer("The gateway \(replies.name) has restarted since I asked: up for \(replies.uptime).")
            }
            if case .undo = pending.action {
                return Answer("That change is no longer the last one, so I undid nothing. Say **undo** to look again.")
            }
            if current.question != nil { current.text = "The setting has changed since I asked. \(current.text)" }
            return current
        }
        switch pending.action {
        case .set(let path, let value):
            return Answer(done(try await host.applyConfigChange(path: path, valueText: value), replies))
        case .unset(let path):
            return Answer(done(try await host.applyConfigChange(path: path, valueText: nil), replies))
        case .undo(let id):
            return Answer(done(try await host.undoChange(id: id), replies, verb: "Undone"))
        case .restart:
            try await host.requestRestart(reason: "asked for in chat")
            return Answer("Restarting the gateway \(replies.name) now. Write again in a few seconds.")
        }
    }

    private func done(_ result: OperatorConfigResult, _ replies: OperatorReplies, verb: String = "Done") -> String {
        let path = OperatorWords.inert(result.path, limit: 200)
        let state =
            result.effectiveText == nil
            ? "no longer set" : "now \(OperatorWords.value(result.effectiveText, path: result.path))"
        let live =
            result.needsRestart
            ? "It takes effect after a restart: say **restart**." : "It is live."
        return """
            \(verb): `\(path)` is \(state). \(live)
            Written to `\(OperatorWords.inert(replies.health.configPath, limit: 300))` of \(replies.name). \
            Say **undo** to go back (change `\(OperatorWords.inert(result.undoId, limit: 64))`).
            """
    }

    private func refusalWithoutAuthority(
        _ action: OperatorDialogue.Action, _ replies: OperatorReplies
    ) async -> String? {
        guard await host.authority(runId: request.runId, sessionKey: request.sessionKey) == .readOnly else {
            return nil
        }
        let command = replies.health.commandPrefix
        let start = "From this connection I may read but not change anything."
        switch action {
        case .set(let path, _):
            return "\(start) In a terminal on this machine: `\(command) config set \(OperatorWords.inert(path)) VALUE`"
        case .unset(let path):
            return "\(start) In a terminal on this machine: `\(command) config unset \(OperatorWords.inert(path))`"
        case .undo: return "\(start) The owner can undo from the page or an admin client."
        case .restart: return "\(start) The owner can restart from the page or an admin client."
        }
    }
}
