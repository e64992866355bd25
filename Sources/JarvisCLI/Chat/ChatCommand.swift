import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis chat`.
struct ChatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat",
        abstract: "Talk with the agent in the terminal.",
        discussion: """
            The answer appears as it is made. Ctrl-C aborts it; in an empty line Ctrl-C twice or Ctrl-D leaves. /help shows \
            the commands. Without a terminal each line of standard input is a message.

            Examples:
              jarvis chat
              jarvis chat --session work
              echo "hello" | jarvis chat

            Exit codes: 0 left; 1 the gateway is not running or stayed away; 2 wrong usage.
            """)

    @Option(help: "The session, for example main or agent:main:work.")
    var session: String = "main"

    @Option(name: [.short, .long], help: "A first message.")
    var message: String?

    @Option(help: "How much the model thinks: off, minimal, low, medium, high.")
    var thinking: String?

    @Option(help: "How many earlier messages to show at the start.")
    var historyLimit: Int = 20

    @OptionGroup var endpoint: EndpointOptions

    mutating func validate() throws {
        guard (0...1000).contains(historyLimit) else { throw ValidationError("--history-limit must be 0 to 1000.") }
        if session.isEmpty { throw ValidationError("--session is empty.") }
    }

    func run() async throws {
        let context = CLIContext.current
        let instance = endpoint.url == nil ? try context.existingInstance() : nil
        let isRaw = context.terminal.canAsk
        let link = GatewayLink(context: context, endpoint: endpoint)
        let client = try await link.connected()
        let name = client.hello["server"]?["profile"]?.stringValue ?? instance?.displayName ?? "gateway"
        let color = InstanceColor.of(instanceId: client.hello["server"]?["instanceId"]?.stringValue, name: name)
        let history = LineHistory(path: isRaw ? instance?.paths.chatHistory : nil)
        let screen = ChatScreen(
            prompt: name + "› ", paintedPrompt: color.paint(name + "› ", enabled: context.terminal.hasColor),
            isRaw: isRaw,
            terminal: context.terminal)
        let session = ChatSession(
            link: link, screen: screen, history: history, sessionKey: session, thinking: thinking,
            historyLimit: isRaw ? historyLimit : 0)
        let raw = RawTerminal()
        if isRaw { raw.enable() }
        defer { raw.restore() }
        let watch = isRaw ? InterruptWatch { session.leave() } : nil
        defer { watch?.cancel() }
        try await session.run(client, first: message)
    }
}
