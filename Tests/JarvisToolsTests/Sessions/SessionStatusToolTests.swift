import JarvisCore
import JarvisKit
import JarvisTestSupport
import Testing

@testable import JarvisTools

@Suite struct SessionStatusToolTests {
    private let registry = ToolRegistry(
        environment: ToolEnvironment { key in
            guard key == .main() else { return nil }
            return SessionStatus(
                key: key, sessionId: "s1", agentId: "main", model: "p/m", contextWindow: 1000, contextTokens: 250,
                inputTokens: 300, outputTokens: 20, updatedAt: 0, now: 1000, facts: [("Thinking", "low")])
        })

    private func call(_ arguments: JSONValue) async throws -> ToolResult {
        let tool = try #require(registry.all.first { $0.definition.name == "session_status" })
        return try await tool.call(arguments, context: ToolContract.context())
    }

    @Test func everyToolKeepsTheContract() async {
        for tool in registry.all {
            #expect(await ToolContract.breaches(tool) == [])
        }
        #expect(Set(registry.catalog.map(\.name)).count == registry.catalog.count)
        #expect(registry.tools(policy: ToolPolicy(deny: ["session_status"])).isEmpty)
    }

    @Test func tellsTheFacts() async throws {
        let result = try await call([:])
        #expect(!result.isError)
        for line in [
            "Model: p/m", "Context: 250 of 1000 tokens (25 %)", "Time: 1970-01-01T00:00:01.000Z", "Thinking: low",
        ] {
            #expect(result.content.plainText.contains(line))
        }
    }

    @Test func refusesOtherAgentsAndNonsense() async throws {
        #expect(try await call(["sessionKey": "agent:other:main"]).isError)
        #expect(try await call(["sessionKey": "a b"]).isError)
        #expect(try await call(["sessionKey": "nosuch"]).isError)
        #expect(try await !call(["sessionKey": "main"]).isError)
    }
}
