import Testing

@testable import JarvisCLI

@Suite("Command lines of jarvis browser")
struct BrowserArgumentsTests {
    private func rearranged(_ line: String) -> String {
        BrowserArguments.rearranged(line.split(separator: " ").map { String($0) }).joined(separator: " ")
    }

    @Test(
        "shared options may stand before the command",
        arguments: [
            ("browser --json tabs", "browser tabs --json"),
            ("browser --browser-profile work --json click e1", "browser click e1 --browser-profile work --json"),
            ("browser --browser-profile=work tab select 2", "browser tab select 2 --browser-profile=work"),
            ("browser --json type e1 -- -x", "browser type e1 --json -- -x"),
            ("browser --url ws://h:1 --token t status", "browser status --url ws://h:1 --token t"),
        ])
    func moves(_ line: String, _ expected: String) { #expect(rearranged(line) == expected) }

    @Test("the gateway's address before a command whose --url is a page's")
    func pageURL() {
        #expect(
            rearranged("browser --url ws://h:1 --token t wait --url **/x")
                == "browser wait --url **/x --gateway-url ws://h:1 --token t")
        #expect(
            rearranged("browser --url=ws://h:1 cookies set a b --url http://x/")
                == "browser cookies set a b --url http://x/ --gateway-url=ws://h:1")
        #expect(rearranged("browser --url ws://h:1 cookies") == "browser cookies --url ws://h:1")
    }

    @Test("numbers below zero are no options")
    func numbers() {
        #expect(rearranged("browser set geo -33.9 151.2") == "browser set geo -- -33.9 151.2")
        #expect(
            rearranged("browser set geo 48 -11 --accuracy 5 --json")
                == "browser set geo --accuracy 5 --json -- 48 -11")
        #expect(rearranged("browser set geo --clear") == "browser set geo --clear")
    }

    @Test(
        "everything else stays as it is",
        arguments: [
            "browser", "browser --help", "browser --json", "browser --json --help", "browser --unknown tabs",
            "status --json", "gateway --url x call health", "browser tabs --json",
        ])
    func stays(_ line: String) { #expect(rearranged(line) == line) }

    @Test("every command below browser parses its own examples")
    func examples() throws {
        for line in BrowserCommand.configuration.discussion.split(separator: "\n")
        where line.hasPrefix("  jarvis browser") {
            let words = line.split(separator: " ").dropFirst().map { String($0) }
            _ = try JarvisCommand.parseAsRoot(BrowserArguments.rearranged(words))
        }
    }
}
