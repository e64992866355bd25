import JarvisKit
import JarvisTools
import Testing

@testable import JarvisConfig
@testable import JarvisGateway

@Suite struct ToolRoomTests {
    private let tools = [
        ToolDefinition(
            name: "small", label: "Small", description: String(repeating: "x", count: 40), parameters: [:], group: "ui"),
        ToolDefinition(
            name: "large", label: "Large", description: String(repeating: "x", count: 8000), parameters: [:],
            group: "ui"),
    ]

    private func room(_ window: Int) -> ToolRoom {
        ToolRoom(
            agentId: "main", model: ModelDescriptor(provider: "p", id: "m", api: "x", contextWindow: window),
            tools: tools)
    }

    @Test func tellsWhatIsLeftOutAndWhy() throws {
        #expect(room(200_000).sentence == nil && room(200_000).reason("large") == nil)
        let small = room(3000)
        #expect(small.place == "models.providers.p.models[m].contextWindow")
        #expect(small.reason("small") == nil)
        #expect(small.reason("large") == "needs about 2021 tokens; all tools may take 1500 of a window of 3000")
        let sentence = try #require(small.sentence)
        #expect(sentence.contains("Agent main works without large") && sentence.contains("p/m has a window of 3000"))
        let narrow = room(5000)
        #expect(narrow.leftOut.isEmpty && narrow.tokens == 2052)
        #expect(narrow.sentence?.contains("its tools take about 2052 of the 5000 tokens of p/m") == true)
    }

    @Test func theConfigurationKnowsTheGroupsOfThePolicy() {
        #expect(ConfigValidator.toolGroups == ToolPolicy.groups.keys.sorted())
    }
}
