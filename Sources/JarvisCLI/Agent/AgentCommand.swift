import ArgumentParser
import JarvisCore

/// `jarvis agent`: one message, one answer.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "Say something to the agent and print the answer.",
        discussion: """
            In a terminal the answer appears as it is made; Ctrl-C aborts it. A restart of the gateway in the meantime \
            loses nothing: the answer is waited for.

            Examples:
              jarvis agent -m "hello"
              jarvis agent -m "and now shorter" --session-key work
              jarvis --profile rescue agent -m "status" --json

            Exit codes: 0 answered; 1 the run failed, timed out, or the gateway is not running; 2 wrong usage; 130 aborted.
            """)

    @Option(name: [.short, .long], help: "What to say.")
    var message: String

    @Option(help: "The session, for example main or agent:main:work.")
    var sessionKey: String?

    @Option(help: "The session by its id.")
    var sessionId: String?

    @Option(help: "The agent that answers.")
    var agent: String?

    @Option(name: [.short, .long], help: "The conversation of this contact.")
    var to: String?

    @Option(help: "How much the model thinks: off, minimal, low, medium, high.")
    var thinking: String?

    @Option(help: ArgumentHelp("How long the answer may take, in seconds.", valueName: "s"))
    var timeout: Int?

    @OptionGroup var endpoint: EndpointOptions
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if message.isEmpty { throw ValidationError("the message is empty: say something with --message \"…\".") }
        if let timeout, !(1...86_399).contains(timeout) {
            throw ValidationError("--timeout must be 1 to 86399 seconds.")
        }
        if sessionKey != nil, sessionId != nil {
            throw ValidationError("--session-key and --session-id exclude each other.")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let link = GatewayLink(context: context, endpoint: endpoint)
        let turn = AgentTurn(
            link: link, params: params, limit: timeout.map { .seconds($0 + 5) } ?? .seconds(86_400),
            printer: json.isOn || !context.terminal.isInteractive ? nil : AnswerPrinter())
        let outcome = try await turn.run()
        await link.close()
        let answer = outcome.answer
        if json.isOn {
            Terminal.write(JSONWriter.pretty(answer) + "\n")
        } else if let printer = turn.printer {
            printer.finish(outcome.text)
        } else if !outcome.text.isEmpty {
            Terminal.write(Humanize.printable(outcome.text) + "\n")
        }
        if outcome.wasAborted {
            if !json.isOn { Terminal.error("aborted") }
            throw ExitCode(130)
        }
        if answer["status"]?.stringValue == "error" {
            if !json.isOn { Terminal.error("the run failed: \(answer["summary"]?.stringValue ?? "no reason given")") }
            throw ExitCode(1)
        }
    }

    private var params: JSONObject {
        var params: JSONObject = ["message": .string(message), "idempotencyKey": .string(Identifiers.uuid())]
        for (name, value) in [
            ("sessionKey", sessionKey), ("sessionId", sessionId), ("agentId", agent), ("to", to),
            ("thinking", thinking),
        ] {
            if let value { params[name] = .string(value) }
        }
        if let timeout { params["timeout"] = JSONValue(timeout) }
        return params
    }
}
