import Foundation
import JarvisConfig
import JarvisHost
import Testing

@testable import JarvisCLI

@Suite("Setup")
struct SetupTests {
    private func inHome(_ arguments: [[String]], _ check: (String) throws -> Void) async throws {
        let home = NSTemporaryDirectory() + "jarvis-cli-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: home) }
        for line in arguments {
            #expect(await CommandLineEntry.run(line, environment: HostEnvironment(variables: ["HOME": home])) >= 0)
        }
        try check(home)
    }

    private func config(_ home: String, _ profile: String = "") -> ConfigSnapshot {
        ConfigLoader.load(path: "\(home)/.jarvis\(profile)/jarvis.json", stateDirectory: nil, environment: [:])
    }

    @Test("setup makes a configuration that boots, and a second one changes nothing")
    func setup() async throws {
        try await inHome([["setup", "--json"]]) { home in
            let snapshot = config(home)
            #expect(snapshot.isValid)
            #expect(snapshot.config.gateway.mode == .local)
            #expect(snapshot.config.gateway.auth.token != nil)
        }
    }

    @Test("two profiles get ports that do not touch and tokens of their own")
    func profiles() async throws {
        try await inHome([["--profile", "one", "setup", "--json"], ["setup", "--profile=two", "--json"]]) { home in
            let one = config(home, "-one").config
            let two = config(home, "-two").config
            #expect(abs((one.gateway.port ?? 0) - (two.gateway.port ?? 0)) >= 111)
            #expect(one.gateway.auth.token != two.gateway.auth.token)
            #expect(one.agents.defaults.workspace != two.agents.defaults.workspace)
        }
    }

    @Test(
        "commands that read leave the home untouched",
        arguments: [
            ["status"], ["which", "--json"], ["config", "validate"], ["config", "get", "gateway.port"], ["logs"],
            ["sessions", "list"], ["health"], ["dashboard", "--no-open"], ["config", "journal"],
            ["config", "file", "--json"],
        ])
    func reading(command: [String]) async throws {
        try await inHome([command]) { home in
            let left = try FileManager.default.contentsOfDirectory(atPath: home)
            #expect(left.isEmpty)
        }
    }

    @Test("a provider id follows from the URL")
    func providerId() {
        #expect(ProviderChoice.id(forURL: "http://127.0.0.1:8080/v1") == "custom-127-0-0-1-8080")
        #expect(ProviderChoice.id(forURL: "nonsense") == "custom")
    }
}
