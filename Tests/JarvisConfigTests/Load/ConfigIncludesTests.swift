import Foundation
import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigIncludesTests {
    @Test func mergesInOrder() throws {
        let fixture = try ConfigFixture(
            """
            { $include: ["base.json5", "./parts/more.json5"],
              gateway: { port: 3 }, agents: { $include: "parts/agents.json5" } }
            """)
        try fixture.write(
            "{ gateway: { port: 1, bind: 'lan', trustedProxies: ['a'] }, logging: { level: 'debug' } }",
            to: "base.json5")
        try fixture.write("{ gateway: { port: 2, trustedProxies: ['b'] } }", to: "parts/more.json5")
        try fixture.write("{ list: { $include: 'list.json5' } }", to: "parts/agents.json5")
        try fixture.write("[ { id: 'x' } ]", to: "parts/list.json5")
        let snapshot = fixture.load()
        #expect(messages(snapshot.issues) == [])
        #expect(snapshot.config.gateway.port == 3 && snapshot.config.gateway.bind == .lan)
        #expect(snapshot.config.gateway.trustedProxies == ["a", "b"])
        #expect(snapshot.config.logging.level == "debug")
        #expect(snapshot.config.agents.list.map(\.id) == ["x"])
        #expect(snapshot.sources.count == 5)
    }

    @Test func errorsPointIntoTheIncludedFile() throws {
        let fixture = try ConfigFixture("{ $include: 'a.json5' }")
        try fixture.write("{\n  gateway: { port: 'x' } }", to: "a.json5")
        let issue = fixture.load().errors.first
        #expect(issue?.path == "gateway.port" && issue?.line == 2 && issue?.file?.hasSuffix("/a.json5") == true)
    }

    @Test func aBrokenIncludeDisablesItsSection() throws {
        let fixture = try ConfigFixture(
            "{ gateway: { mode: 'local' },\n  models: { $include: 'nope.json5', mode: 'replace' } }")
        let snapshot = fixture.load()
        #expect(snapshot.isUsable)
        #expect(messages(snapshot.errors) == ["models: the included file \"nope.json5\" does not exist"])
        #expect(snapshot.errors.first?.line == 2)
        #expect(snapshot.disabledSections == ["models"])
        #expect(snapshot.config.gateway.mode == .local && snapshot.config.models.replacesBuiltIn)
        try fixture.write("{ a: ", to: "nope.json5")
        #expect(fixture.load().errors.first?.message.contains("unexpected end of input") == true)
        try fixture.write("{ $include: 'nope.json5' }")
        #expect(!fixture.load().isUsable)
    }

    @Test func staysInsideTheDirectory() throws {
        let outside = try ConfigFixture()
        try outside.write("{ gateway: { port: 5 } }", to: "secret.json5")
        let fixture = try ConfigFixture()
        let target = outside.directory + "/secret.json5"
        #expect(symlink(target, fixture.directory + "/link.json5") == 0)
        #expect(symlink(outside.directory, fixture.directory + "/dir") == 0)
        #expect(link(target, fixture.directory + "/hard.json5") == 0)
        #expect(mkfifo(fixture.directory + "/fifo", 0o600) == 0)
        for (name, words) in [
            (target, "outside"),
            ("../" + (outside.directory.split(separator: "/").last ?? "") + "/secret.json5", "outside"),
            ("link.json5", "outside"), ("dir/secret.json5", "outside"), ("hard.json5", "hard links"),
            ("fifo", "not a regular file"),
            ("/dev/zero", "outside"), (".", "outside"), ("", "no file name"), ("a\\u0000b", "no file name"),
        ] {
            try fixture.write("{ ui: { $include: \"\(name)\" } }")
            let snapshot = fixture.load()
            #expect(
                snapshot.errors.count == 1 && snapshot.errors.first?.message.contains(words) == true,
                "\(name): \(snapshot.issues)")
            #expect(snapshot.config.gateway.port == nil)
        }
        try fixture.write("{ ui: { assistant: { name: 'n' } } }", to: "inside.json5")
        #expect(symlink("inside.json5", fixture.directory + "/alias.json5") == 0)
        try fixture.write("{ $include: '\(fixture.directory)/alias.json5' }")
        #expect(fixture.load().config.ui.assistantName == "n")
    }

    @Test func findsCyclesAndDepth() throws {
        let fixture = try ConfigFixture("{ ui: { $include: 'a.json5' } }")
        try fixture.write("{ $include: 'b.json5' }", to: "a.json5")
        try fixture.write("{ $include: 'a.json5' }", to: "b.json5")
        #expect(
            fixture.load().errors.first?.message == "files include each other in a cycle: a.json5 → b.json5 → a.json5")
        try fixture.write("{ $include: 'jarvis.json' }", to: "a.json5")
        #expect(fixture.load().errors.first?.message.contains("cycle") == true)
        for level in 0..<12 { try fixture.write("{ $include: 'd\(level + 1).json5' }", to: "d\(level).json5") }
        try fixture.write("{ ui: { $include: 'd0.json5' } }")
        #expect(fixture.load().errors.first?.message.contains("more than 10 levels deep") == true)
        for level in 0..<9 {
            let names = (0..<10).map { _ in "'e\(level + 1).json5'" }.joined(separator: ",")
            try fixture.write("{ $include: [\(names)] }", to: "e\(level).json5")
        }
        try fixture.write("{}", to: "e9.json5")
        try fixture.write("{ ui: { $include: 'e0.json5' } }")
        #expect(fixture.load().errors.contains { $0.message.contains("more than 256 files") })
    }

    @Test func refusesBadDirectives() throws {
        for directive in ["7", "[]", "[1]", "{}", "null"] {
            let fixture = try ConfigFixture("{ ui: { $include: \(directive) } }")
            #expect(fixture.load().errors.first?.message == "$include needs a file name or a list of file names")
        }
        let fixture = try ConfigFixture("{ ui: { $include: 'l.json5', x: 1 } }")
        try fixture.write("[1]", to: "l.json5")
        #expect(fixture.load().errors.first?.message.contains("must hold an object") == true)
        try fixture.write("{ a: '" + String(repeating: "x", count: 2 << 20) + "' }", to: "l.json5")
        #expect(fixture.load().errors.first?.message.contains("larger than 2 MiB") == true)
    }
}
