import JarvisKit
import Testing

@testable import JarvisAgent

@Suite struct SystemPromptTests {
    private var prompt: SystemPrompt {
        var prompt = SystemPrompt(workspace: "/home/u/ws", date: "2026-11-22 (Sunday)")
        prompt.tools = [
            ToolDefinition(
                name: "session_status", label: "S", description: "Tells facts.", parameters: [:], group: "sessions")
        ]
        prompt.files = [
            WorkspaceFile(name: "AGENTS.md", text: "RULES"), WorkspaceFile(name: "SOUL.md", text: nil),
        ]
        prompt.timeZone = "Europe/Berlin"
        prompt.extra = "This is a group."
        prompt.commandPrefix = "jarvis --profile rescue"
        prompt.runtime = [("agent", "main"), ("model", "p/m")]
        return prompt
    }

    @Test func sectionsComeInOrder() {
        let text = prompt.text
        let order = [
            "You are JARVIS", "## Tooling", "## Tool Call Style", "## Safety", "## CLI Quick Reference",
            "## Workspace\n", "## Current Date & Time", "## Workspace Files", "## Context of this conversation",
            "## Project Context", "## Silent Replies", "Runtime: agent=main | model=p/m",
        ]
        let places = order.compactMap { text.firstRange(of: $0)?.lowerBound }
        #expect(places.count == order.count)
        #expect(places == places.sorted())
        #expect(text.contains("### SOUL.md\n[missing: /home/u/ws/SOUL.md does not exist]"))
        #expect(text.contains("`jarvis --profile rescue status`"))
        #expect(text == prompt.text)
    }

    @Test func smallerModes() {
        var minimal = prompt
        minimal.mode = .minimal
        #expect(minimal.text.contains("AGENTS.md"))
        #expect(!minimal.text.contains("SOUL.md"))
        #expect(!minimal.text.contains("Silent Replies"))
        var none = prompt
        none.mode = .none
        #expect(!none.text.contains("##"))
        var bare = SystemPrompt(workspace: "/w", date: "d")
        bare.extra = ""
        #expect(bare.text.contains("You have no tools"))
        #expect(!bare.text.contains("Context of"))
        #expect(!bare.text.contains("Runtime:"))
    }
}
