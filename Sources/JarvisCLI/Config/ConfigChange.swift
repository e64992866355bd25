import JarvisClient
import JarvisConfig
import JarvisCore
import JarvisHost

/// One change of the configuration from the command line: writes it, watches whether the running gateway takes it over,
/// and says target, file, keys, whether it is live and how to take it back.
struct ConfigChange {
    /// Whether the change is in force.
    enum Live: Sendable, Equatable {
        /// No gateway runs: from the next start on.
        case notRunning
        /// The running gateway said that it has it.
        case adopted
        /// The running gateway has it and restarts to apply it.
        case restarting
        /// The running gateway has it and does not restart: with it, it would not come up again.
        case refused(LifecycleTicket.Problem)
        /// The running gateway has it and waits for a restart by its owner.
        case restartNeeded
        /// The running gateway did not say anything in time.
        case unconfirmed
        /// There was nothing to change.
        case unchanged

        /// The word for programs.
        var word: String {
            switch self {
            case .notRunning: "not-running"
            case .adopted: "yes"
            case .restarting: "restarting"
            case .refused: "refused"
            case .restartNeeded: "restart-needed"
            case .unconfirmed: "unconfirmed"
            case .unchanged: "unchanged"
            }
        }

        /// Why the gateway does not restart, for programs; nil when it does or need not.
        var refusal: JSONValue? {
            guard case .refused(let problem) = self else { return nil }
            return .members([
                "code": .string(problem.code), "message": .string(problem.message), "hint": JSONValue(problem.hint),
            ])
        }

        /// The sentence for people.
        func text(_ command: String) -> String {
            switch self {
            case .notRunning: "from the next start; the gateway is not running"
            case .adopted: "yes, the running gateway has taken it over"
            case .restarting: "the running gateway has seen it and restarts to apply it"
            case .refused(let problem):
                "no: with it the gateway would not start again, so it does not restart. \(problem.message)"
                    + (problem.hint.map { " (\($0))" } ?? "")
            case .restartNeeded: "after a restart: \(command) gateway restart"
            case .unconfirmed: "not confirmed: the running gateway said nothing; look at: \(command) status"
            case .unchanged: "nothing to change"
            }
        }
    }

    private let context: CLIContext
    private let instance: Instance
    private let title: String

    /// Makes a change and prints its report.
    ///
    /// - Throws: the errors of `edit`; then nothing was written.
    static func perform(
        _ context: CLIContext, title: String, asksForJSON: Bool,
        _ edit: (ConfigStore) throws(JarvisError) -> ConfigWriteResult
    ) async throws {
        let instance = try context.existingInstance()
        let change = ConfigChange(context: context, instance: instance, title: title)
        let store = context.configStore(instance)
        // Before the write, so that the gateway's word about it is not missed.
        let client = await change.connect()
        defer { client?.close() }
        let result = try edit(store)
        let live = await change.watch(client, result)
        let entry = store.journal(limit: 20).first { $0.undoId == result.undoId }
        change.output(result, entry, live).show(json: asksForJSON)
    }

    private func connect() async -> RPCClient? {
        guard let endpoint = try? EndpointOptions.local(instance) else { return nil }  // not running: nobody to watch
        return try? await endpoint.open(timeout: .seconds(2))  // stuck: told as not confirmed
    }

    private func watch(_ client: RPCClient?, _ result: ConfigWriteResult) async -> Live {
        if result.undoId == nil { return .unchanged }
        guard StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) else { return .notRunning }
        guard let client else { return .unconfirmed }
        let mode = result.snapshot.config.gateway.reload.mode
        let restarts = mode == .hybrid || mode == .restart
        return await withTaskGroup(of: Live?.self) { group in
            group.addTask { await Self.word(of: client, on: result.hash, restarts: restarts) }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(4000))  // cancelled: the other was first
                return nil
            }
            defer { group.cancelAll() }
            return (await group.next() ?? nil) ?? .unconfirmed
        }
    }

    /// What the gateway says of the configuration `hash`: taken over, or that and whether it restarts into it.
    private static func word(of client: RPCClient, on hash: String, restarts: Bool) async -> Live? {
        for await event in client.events {
            if event.name == "config.changed", event.payload["hash"]?.stringValue == hash {
                if event.payload["restartRequired"]?.boolValue != true { return .adopted }
                if !restarts { return .restartNeeded }
            }
            guard event.name == "gateway.lifecycle", event.payload["configHash"]?.stringValue == hash,
                let ticket = LifecycleTicket(json: event.payload)
            else { continue }
            return ticket.problem.map { .refused($0) } ?? .restarting
        }
        return nil
    }

    private func output(_ result: ConfigWriteResult, _ entry: ConfigJournalEntry?, _ live: Live) -> CommandOutput {
        let undo = result.undoId.map { "\(instance.command) config undo \($0)" }
        let keys = entry?.keys ?? result.changed.map(\.description)
        var table = TextTable()
        table.add("  instance", "\(instance.displayName) (\(instance.stateDirectory))")
        table.add("  file", result.path)
        for key in keys.prefix(20) {
            table.add("  \(key)", "\(Humanize.value(entry?.before[key])) → \(Humanize.value(entry?.after[key]))")
        }
        table.add("  live", live.text(instance.command))
        if let undo { table.add("  undo", undo) }
        let notices = result.notices.map { "\nnote: \($0)" }.joined()
        return CommandOutput(
            json: .members([
                "ok": true, "instance": .string(instance.displayName), "stateDir": .string(instance.stateDirectory),
                "path": .string(result.path), "changed": JSONValue(keys), "before": .object(entry?.before ?? [:]),
                "after": .object(entry?.after ?? [:]), "live": .string(live.word),
                "refusal": live.refusal,
                "restartRequired": .bool(result.reload.action == .restart), "undoId": JSONValue(result.undoId),
                "undo": JSONValue(undo), "hash": .string(result.hash), "notices": JSONValue(result.notices),
            ]), text: "\(title).\n\(table.text)\(notices)")
    }
}
