import Testing

@testable import JarvisCLI

@Suite("Slash commands of the chat")
struct ChatCommandLineTests {
    @Test(
        "its own commands",
        arguments: [
            ("/help", ChatCommandLine.help), ("/new", .new), ("/QUIT", .quit), ("/exit", .quit), ("/abort", .abort),
            ("/session work", .session("work")), ("/session", .session(nil)), ("/history 5", .history(5)),
            ("/history x", .history(20)), ("/sessions", .sessions), ("/status", .status),
        ])
    func known(line: String, command: ChatCommandLine) {
        #expect(ChatCommandLine(line) == command)
    }

    @Test("anything else is a message", arguments: ["hello", "/config get x", "say /help", "", "/"])
    func message(line: String) {
        #expect(ChatCommandLine(line) == nil)
    }
}
