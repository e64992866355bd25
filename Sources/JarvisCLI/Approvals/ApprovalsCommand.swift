import ArgumentParser
import JarvisClient
import JarvisCore
import JarvisProtocol

/// `jarvis approvals`: questions of agents to their owner. Without a word after it, it lists them.
struct ApprovalsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approvals",
        abstract: "Answer what agents ask before they act, and see what is allowed for good.",
        discussion: """
            Examples:
              jarvis approvals                             what waits for an answer
              jarvis approvals allow 3f2a                  this once
              jarvis approvals deny 3f2a
              jarvis approvals allowlist add 'browser:upload:/home/me/share/*'
            """,
        subcommands: [
            ApprovalsListCommand.self, ApprovalsAllowCommand.self, ApprovalsDenyCommand.self, ApprovalsGetCommand.self,
            ApprovalsSetCommand.self, ApprovalsAllowlistCommand.self,
        ],
        defaultSubcommand: ApprovalsListCommand.self)
}

/// `jarvis approvals list`.
struct ApprovalsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the questions that wait for an answer.",
        discussion: """
            Examples:
              jarvis approvals list
              jarvis --profile rescue approvals list --json

            Exit codes: 0 listed; 1 the gateway is not running; 2 wrong usage.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let answer = try await client.call("exec.approval.list", timeout: connection.wait)
        CommandOutput(json: answer, text: Self.text(answer)).show(json: json.isOn)
    }

    /// Each question with its id, what runs and the time that is left.
    static func text(_ answer: JSONValue) -> String {
        let pending = answer["pending"]?.arrayValue ?? []
        if pending.isEmpty { return "Nothing waits for an approval." }
        let now = Int64(answer["ts"]?.intValue ?? 0)
        return pending.map { ApprovalText.question($0, now: now) }.joined(separator: "\n\n")
    }
}

/// `jarvis approvals allow`.
struct ApprovalsAllowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allow",
        abstract: "Allow what a question asks, once or from now on.",
        discussion: """
            Examples:
              jarvis approvals allow 3f2a
              jarvis approvals allow 3f2a --always

            Exit codes: 0 allowed; 1 no such question, answered already, or not running; 2 wrong usage.
            """)

    @Argument(help: "The question: its id, or the beginning of it.")
    var id: String

    @Flag(help: "Allow it from now on, and write that into exec-approvals.json.")
    var always = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let decision = always ? "allow-always" : "allow-once"
        try await ApprovalText.resolve(id, decision, connection: connection, json: json)
    }
}

/// `jarvis approvals deny`.
struct ApprovalsDenyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deny",
        abstract: "Deny what a question asks.",
        discussion: """
            Examples:
              jarvis approvals deny 3f2a

            Exit codes: 0 denied; 1 no such question, answered already, or not running; 2 wrong usage.
            """)

    @Argument(help: "The question: its id, or the beginning of it.")
    var id: String

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws { try await ApprovalText.resolve(id, "deny", connection: connection, json: json) }
}

/// Questions for people.
enum ApprovalText {
    /// A question on a few lines.
    static func question(_ pending: JSONValue, now: Int64?) -> String {
        let request = pending["request"]
        let id = pending["id"]?.stringValue ?? ""
        var head =
            "\(VisibleText.escaped(id))  \(VisibleText.escaped(request?["title"]?.stringValue ?? "", limit: 200))"
        if let now, let expires = pending["expiresAtMs"]?.intValue {
            head += "  (\(Humanize.duration(milliseconds: Int64(expires) - now)) left)"
        }
        // What came over the wire is escaped already; once more does no harm to it and stops a gateway that lies.
        var lines = [head, "  \(VisibleText.escaped(request?["command"]?.stringValue ?? ""))"]
        let places = [("agent", "agentId"), ("session", "sessionKey"), ("in", "cwd"), ("on node", "nodeId")]
        let facts = places.compactMap { name, key in
            request?[key]?.stringValue.map { "\(name) \(VisibleText.escaped($0, limit: 200))" }
        }
        if !facts.isEmpty { lines.append("  " + facts.joined(separator: ", ")) }
        if request?["allowAlways"]?.boolValue == true, let pattern = request?["allowPattern"]?.stringValue {
            lines.append("  always: \(VisibleText.escaped(pattern, limit: 300))")
        }
        return lines.joined(separator: "\n")
    }

    static func resolve(
        _ id: String, _ decision: String, connection: ConnectionOptions, json: JSONOption
    ) async throws {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let answer: JSONValue
        do {
            answer = try await client.call(
                "exec.approval.resolve", ["id": .string(id), "decision": .string(decision)], timeout: connection.wait)
        } catch var error as WireError {
            // The gateway's words suit every client; here the command is the one of this gateway.
            let command = (try? CLIContext.current.instance().command) ?? "jarvis"  // with --url there may be none
            error.message = error.message.replacing("`jarvis approvals", with: "`\(command) approvals")
            throw error
        }
        CommandOutput(json: answer, text: "\(decision): \(answer["id"]?.stringValue ?? id)").show(json: json.isOn)
    }
}
