import Testing

@testable import JarvisCLI

@Suite("Generated references")
struct ReferenceTests {
    @Test("the command line's: complete, without hidden commands, the same every time")
    func commands() throws {
        let text = try CommandReference.markdown()
        #expect(try CommandReference.markdown() == text)
        for command in ["jarvis setup", "jarvis config set", "jarvis gateway run", "jarvis sessions export"] {
            #expect(text.contains("### `\(command)`"), "\(command)")
        }
        #expect(!text.contains("### `jarvis debug"))
    }

    @Test("the protocol's: every method and event, the same every time")
    func methods() {
        let text = ProtocolReference.markdown()
        #expect(ProtocolReference.markdown() == text)
        for word in ["### `connect`", "### `chat.send`", "| `tick` |"] { #expect(text.contains(word), "\(word)") }
    }
}
