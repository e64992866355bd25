import JarvisCore
import JarvisKit
import Testing

@testable import JarvisAgent

@Suite struct ContextBuilderTests {
    private func entry(_ message: Message, run: String? = nil, id: String = "x") -> ContextEntry {
        ContextEntry(id: id, runId: run, kind: .message(message))
    }

    private func user(_ text: String) -> Message { .user(content: [.text(text)], timestamp: 1) }

    private func assistant(
        _ text: String, calls: [String] = [], stop: StopReason = .stop
    ) -> Message {
        let blocks: [ContentBlock] =
            (text.isEmpty ? [] : [.thinking("hm"), .text(text)])
            + calls.map { .toolCall(ToolCall(id: $0, name: "look", arguments: [:])) }
        return .assistant(
            AssistantMessage(
                content: blocks, api: "x", provider: "p", model: "m", stopReason: calls.isEmpty ? stop : .toolUse,
                timestamp: 2))
    }

    private func result(_ id: String, _ text: String = "seen") -> Message {
        .toolResult(
            ToolResultMessage(toolCallId: id, toolName: "look", content: [.text(text)], isError: false, timestamp: 3))
    }

    /// Whether every call is followed by its results and every result follows its call.
    private func isValid(_ messages: [Message]) -> Bool {
        var open: [String] = []
        for message in messages {
            switch message {
            case .toolResult(let result):
                guard let index = open.firstIndex(of: result.toolCallId) else { return false }
                open.remove(at: index)
            case .user: if !open.isEmpty { return false }
            case .assistant(let answer):
                if !open.isEmpty { return false }
                open = answer.content.compactMap { if case .toolCall(let call) = $0 { call.id } else { nil } }
            }
        }
        return open.isEmpty
    }

    @Test func onlyTheNewestPicturesOfToolsAreSentAgain() {
        let picture = ContentBlock.image(data: "QUJD", mimeType: "image/png")
        let results = (1...5).map { number in
            Message.toolResult(
                ToolResultMessage(
                    toolCallId: "\(number)", toolName: "look", content: [picture], isError: false, timestamp: 3))
        }
        let mine = Message.user(content: [picture], timestamp: 1)
        let calls = assistant("", calls: (1...5).map(String.init))
        let fitted = ContextBuilder.fit([mine, calls] + results, budgetTokens: 100_000)
        #expect(fitted[0] == mine)
        #expect(fitted.dropFirst(2).map { $0.content == [picture] } == [false, false, true, true, true])
        #expect(fitted[2].plainText == "[an earlier picture is left out here]")
    }

    @Test func callsThatBeganAreKnown() {
        let asked = assistant("", calls: ["1", "2"])
        let built = ContextBuilder.build(
            [
                entry(user("a"), run: "r"), entry(asked, run: "r"),
                ContextEntry(id: "b", runId: "r", kind: .toolBegan(callId: "1")),
                ContextEntry(id: "b", runId: "other", kind: .toolBegan(callId: "2")),
            ], runId: "r")
        #expect(built.pendingCalls.map(\.id) == ["1", "2"] && built.begunCalls == ["1"])
    }

    @Test func idsOfCallsAreOfOneTurn() {
        // Servers that number calls anew in every turn: the second call 1 neither began nor has a result.
        let built = ContextBuilder.build(
            [
                entry(user("a"), run: "r"), entry(assistant("", calls: ["1"]), run: "r"),
                ContextEntry(id: "b", runId: "r", kind: .toolBegan(callId: "1")), entry(result("1"), run: "r"),
                entry(assistant("", calls: ["1"]), run: "r"),
            ], runId: "r")
        #expect(built.pendingCalls.map(\.id) == ["1"] && built.begunCalls.isEmpty)
    }

    @Test func smallWindowsGetFewerTools() {
        func tool(_ name: String, tokens: Int) -> ToolDefinition {
            let text = String(repeating: "x", count: (tokens - 21) * 4)
            return ToolDefinition(name: name, label: "L", description: text, parameters: [:], group: "ui")
        }
        let tools = [tool("small", tokens: 100), tool("large", tokens: 900), tool("middle", tokens: 500)]
        #expect(tools.map(ContextBuilder.tokens) == [100, 900, 500])
        #expect(ContextBuilder.tooLarge(tools, contextWindow: 200_000).isEmpty)
        #expect(ContextBuilder.tooLarge(tools, contextWindow: 3000).isEmpty)
        #expect(ContextBuilder.tooLarge(tools, contextWindow: 2048).map(\.name) == ["middle"])
        #expect(ContextBuilder.tooLarge(tools, contextWindow: 1300).map(\.name) == ["large"])
        #expect(ContextBuilder.tooLarge(tools, contextWindow: 100).count == 3)
    }

    @Test func keepsAPlainConversation() {
        let built = ContextBuilder.build(
            [entry(user("a")), entry(assistant("b")), entry(user("c"), run: "r")], runId: "r")
        #expect(built.messages.map(\.plainText) == ["a", "b", "c"])
        #expect(built.pendingCalls.isEmpty)
        // Reasoning is not shown again.
        #expect(built.messages[1].content == [.text("b")])
    }

    @Test func repairsOrphans() {
        let built = ContextBuilder.build(
            [
                entry(result("0")), entry(user("a")), entry(assistant("", calls: ["1", "2"])), entry(result("2")),
                entry(result("9")), entry(assistant("", stop: .error)), entry(assistant("part", stop: .aborted)),
                entry(user("now"), run: "r"),
            ], runId: "r")
        #expect(isValid(built.messages))
        #expect(
            built.messages.map(\.plainText) == [
                "a", "", "The result of this call was not recorded.", "seen", "part", "now",
            ])
    }

    @Test func findsWhatAnInterruptedAttemptLeftOpen() {
        let built = ContextBuilder.build(
            [
                entry(user("a")), entry(assistant("", calls: ["1", "2"]), run: "r"), entry(result("1"), run: "r"),
                // A restart put the message behind what the run had added.
                entry(user("now"), run: "r"),
            ], runId: "r")
        #expect(built.pendingCalls.map(\.id) == ["2"])
        #expect(built.messages.map(\.plainText) == ["a", "now", "", "seen"])
    }

    @Test func compactionReplacesWhatCameBefore() {
        let note = ContextEntry(id: "c", runId: nil, kind: .compaction(summary: "short", firstKeptEntryId: "k"))
        let built = ContextBuilder.build(
            [entry(user("old")), entry(user("kept"), id: "k"), note, entry(user("new"), run: "r")], runId: "r")
        #expect(built.messages.map(\.plainText) == ["[Summary of the conversation so far]\nshort", "kept", "new"])
        let bare = ContextEntry(id: "c", runId: nil, kind: .compaction(summary: "short", firstKeptEntryId: nil))
        #expect(ContextBuilder.build([entry(user("old")), bare], runId: "r").messages.count == 1)
    }

    @Test func dropsOldestWholeTurnsAndSaysSo() {
        let turn = [
            user(String(repeating: "q", count: 400)), assistant("", calls: ["1"]), result("1"), assistant("answer"),
        ]
        let messages = (0..<10).flatMap { _ in turn } + [user("now")]
        let fitted = ContextBuilder.fit(messages, budgetTokens: 500)
        #expect(isValid(fitted))
        #expect(fitted.last?.plainText == "now")
        #expect(fitted.first?.plainText.contains("earlier messages") == true)
        #expect((fitted.count - 2) % 4 == 0)
        #expect(fitted.dropFirst().reduce(0) { $0 + ContextBuilder.estimate($1) } <= 500)
        #expect(ContextBuilder.fit(messages, budgetTokens: 1 << 20).count == messages.count)
        #expect(ContextBuilder.fit([], budgetTokens: 1).isEmpty)
    }

    @Test func theLastTurnStaysWithShortenedResults() {
        let messages = [
            user("now"), assistant("", calls: ["1", "2"]), result("1", String(repeating: "a", count: 60_000)),
            result("2", String(repeating: "b", count: 60_000)),
        ]
        let fitted = ContextBuilder.fit(messages, budgetTokens: 20_000)
        #expect(fitted.count == 4)
        #expect(fitted[2].plainText.utf8.count < 2100)
        #expect(fitted[3].plainText.utf8.count == 60_000)
    }

    @Test func everyBudgetGivesAValidConversation() {
        var messages: [Message] = []
        for number in 0..<30 {
            messages += [user("u\(number)"), assistant("a", calls: ["\(number)"]), result("\(number)"), assistant("z")]
        }
        for budget in stride(from: 0, through: 2000, by: 7) {
            #expect(isValid(ContextBuilder.fit(messages, budgetTokens: budget)))
        }
    }

    @Test func theBudgetLeavesRoom() {
        let model = ModelDescriptor(provider: "p", id: "m", api: "x", contextWindow: 4096, maxTokens: 8192)
        let system = String(repeating: "s", count: 400)
        #expect(ContextBuilder.budget(model: model, system: system, tools: []) == 4096 - 1024 - 100)
        #expect(
            ContextBuilder.budget(model: model, system: String(repeating: "s", count: 90_000), tools: [])
                == 256)
    }
    @Test("a model does not read the operator's answers, the operator does")
    func operatorIsLeftOut() {
        let question = Message.user(content: [.text("status")], timestamp: 1)
        let answer = Message.assistant(
            AssistantMessage(
                content: [.text("I am the operator.")], api: "operator", provider: "operator", model: "operator",
                timestamp: 2))
        let model = ModelDescriptor(provider: "p", id: "m", api: "openai-completions")
        let builtIn = ModelDescriptor(provider: "operator", id: "operator", api: "operator")
        #expect(ContextBuilder.addressed(to: model, [question, answer]) == [question])
        #expect(ContextBuilder.addressed(to: builtIn, [question, answer]) == [question, answer])
    }
}
