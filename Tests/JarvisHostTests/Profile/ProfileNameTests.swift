import JarvisCore
import JarvisHost
import Testing

@Suite struct ProfileNameTests {
    @Test(arguments: [
        "rescue", "RESCUE", "Rescue", "a", "9", "a_b-c", "main", "dev", String(repeating: "x", count: 64),
    ])
    func accepts(spelling: String) throws {
        #expect(try ProfileName.parse(spelling, source: "--profile")?.text == spelling.lowercased())
    }

    @Test(arguments: ["default", "DEFAULT", "Default"])
    func defaultIsNoProfile(spelling: String) throws {
        #expect(try ProfileName.parse(spelling, source: "--profile") == nil)
    }

    @Test(arguments: [
        ("", "rescue"), ("-a", "a"), ("_a", "a"), ("my bot", "my-bot"), ("../x", "x"), ("a/b", "a-b"), ("a.b", "a-b"),
        ("ü", "rescue"), ("\u{212A}elvin", "elvin"), ("a\u{0}", "a"), ("a\n", "a"),
        (String(repeating: "y", count: 65), String(repeating: "y", count: 64)), ("🤖bot", "bot"),
        ("a\u{1B}[31m", "a-31m"),
    ])
    func refusesWithASuggestion(spelling: String, suggestion: String) throws {
        let error = try #require(throws: JarvisError.self) { try ProfileName.parse(spelling, source: "--profile") }
        #expect(error.code == "profile.invalid")
        #expect(error.exitCode == 2)
        #expect(error.metadata["suggestion"] == suggestion)
        #expect(error.message.hasPrefix("--profile"))
        #expect(!error.message.utf8.contains { $0 < 0x20 })
        #expect(try ProfileName.parse(suggestion, source: "x")?.text == suggestion)
    }

    @Test(arguments: ["gateway", "node", "Gateway", "NODE"])
    func refusesReservedNames(spelling: String) throws {
        let error = try #require(throws: JarvisError.self) { try ProfileName.parse(spelling, source: "JARVIS_PROFILE") }
        #expect(error.code == "profile.reserved")
        #expect(error.exitCode == 2)
        let suggestion = try #require(error.metadata["suggestion"])
        #expect(try ProfileName.parse(suggestion, source: "x") != nil)
    }

    @Test func directoryNamesAreABijection() {
        #expect(ProfileName(stateDirectoryName: ".jarvis-rescue")?.text == "rescue")
        for name in [
            ".jarvis", ".jarvis-", ".jarvis-Rescue", ".jarvis-default", ".jarvis-gateway", ".jarvis-a.bak", "jarvis-a",
        ] {
            #expect(ProfileName(stateDirectoryName: name) == nil)
        }
    }
}
