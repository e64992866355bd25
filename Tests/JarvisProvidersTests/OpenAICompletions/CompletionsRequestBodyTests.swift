import JarvisCore
import JarvisKit
import Testing

@testable import JarvisProviders

@Suite struct CompletionsRequestBodyTests {
    private func body(
        _ messages: [Message], tools: [ToolDefinition] = [], model: ModelDescriptor? = nil,
        settings: CompletionsSettings = CompletionsSettings(baseURL: "http://127.0.0.1:1/v1")
    ) -> JSONValue {
        let model = model ?? ModelDescriptor(provider: "p", id: "m", api: "openai-completions", maxTokens: 100)
        return CompletionsRequestBody.make(
            ModelRequest(
                model: model, system: "Be short.", messages: messages, tools: tools, runId: "r", sessionKey: .main()),
            settings: settings)
    }

    private func user(_ text: String) -> Message { .user(content: [.text(text)], timestamp: 1) }

    private func assistant(_ content: [ContentBlock]) -> Message {
        .assistant(AssistantMessage(content: content, api: "a", provider: "p", model: "m", timestamp: 2))
    }

    @Test func plainRequest() {
        #expect(
            body([user("hi")]) == [
                "model": "m", "stream": true, "stream_options": ["include_usage": true], "max_tokens": 100,
                "messages": [
                    ["role": "system", "content": "Be short."], ["role": "user", "content": "hi"],
                ],
            ])
    }

    @Test func compatSwitches() {
        var settings = CompletionsSettings(baseURL: "http://x/v1/")
        settings.compat = CompletionsCompat(json: [
            "supportsUsageInStreaming": false, "maxTokensField": "max_completion_tokens", "supportsStore": true,
            "supportsDeveloperRole": true,
        ])
        let model = ModelDescriptor(provider: "p", id: "m", api: "openai-completions", reasoning: true)
        let made = body([user("hi")], model: model, settings: settings)
        #expect(made["stream_options"] == nil)
        #expect(made["store"] == false)
        #expect(made["max_completion_tokens"] == 8192)
        #expect(made["messages"]?[0]?["role"] == "developer")
        #expect(settings.endpoint == "http://x/v1/chat/completions")
    }

    @Test func answerLimitLeavesRoomForTheQuestion() {
        let model = ModelDescriptor(provider: "p", id: "m", api: "x", contextWindow: 4096)
        #expect(body([user("hi")], model: model)["max_tokens"] == 2048)
    }

    @Test func toolsCallsAndResults() {
        let call = ToolCall(id: "c1", name: "look", arguments: ["x": 1])
        let result = ToolResultMessage(
            toolCallId: "c1", toolName: "look", content: [.text("seen")], isError: false, timestamp: 3)
        let tool = ToolDefinition(
            name: "look", label: "Look", description: "Looks.", parameters: ["type": "object"], group: "test")
        let made = body(
            [user("go"), assistant([.thinking("hm"), .toolCall(call)]), .toolResult(result)], tools: [tool])
        #expect(
            made["messages"]?[2] == [
                "role": "assistant", "content": .null,
                "tool_calls": [
                    ["id": "c1", "type": "function", "function": ["name": "look", "arguments": #"{"x":1}"#]]
                ],
            ])
        #expect(made["messages"]?[3] == ["role": "tool", "tool_call_id": "c1", "content": "seen"])
        #expect(
            made["tools"] == [
                [
                    "type": "function",
                    "function": ["name": "look", "description": "Looks.", "parameters": ["type": "object"]],
                ]
            ])
    }

    @Test func imagesGoToModelsThatReadThem() {
        let message = Message.user(
            content: [.text("what?"), .image(data: "QUJD", mimeType: "image/png")], timestamp: 1)
        let blind = body([message])
        #expect(blind["messages"]?[1]?["content"]?.stringValue?.hasPrefix("what?[image/png left out") == true)
        let seeing = ModelDescriptor(provider: "p", id: "m", api: "x", input: ["text", "image"])
        #expect(
            body([message], model: seeing)["messages"]?[1]?["content"] == [
                ["type": "text", "text": "what?"],
                ["type": "image_url", "image_url": ["url": "data:image/png;base64,QUJD"]],
            ])
    }

    @Test func picturesOfToolsFollowTheirAnswers() {
        let calls = assistant([
            .toolCall(ToolCall(id: "1", name: "look", arguments: [:])),
            .toolCall(ToolCall(id: "2", name: "look", arguments: [:])),
        ])
        func result(_ id: String, _ content: [ContentBlock]) -> Message {
            .toolResult(
                ToolResultMessage(toolCallId: id, toolName: "look", content: content, isError: false, timestamp: 3))
        }
        let picture = ContentBlock.image(data: "QUJD", mimeType: "image/png")
        let said = [user("go"), calls, result("1", [.text("a"), picture]), result("2", [.text("b")])]
        let seeing = ModelDescriptor(provider: "p", id: "m", api: "x", input: ["text", "image"])
        let messages = body(said + [user("and?")], model: seeing)["messages"]?.arrayValue ?? []
        #expect(messages.map { $0["role"] } == ["system", "user", "assistant", "tool", "tool", "user"])
        #expect(messages[3]["content"] == "a[picture below]")
        #expect(
            messages[5]["content"] == [
                ["type": "text", "text": "[Picture of the call 1 of look]"],
                ["type": "image_url", "image_url": ["url": "data:image/png;base64,QUJD"]],
                ["type": "text", "text": "\n\n"], ["type": "text", "text": "and?"],
            ])
        let blind = body(said)["messages"]?.arrayValue ?? []
        #expect(blind.count == 5)
        #expect(blind[3]["content"]?.stringValue?.hasPrefix("a[image/png left out") == true)
    }

    @Test func neighboursOfOneRoleAreJoinedAndEmptyAnswersLeftOut() {
        let made = body([user("a"), assistant([]), user("b")])
        #expect(made["messages"]?.arrayValue?.count == 2)
        #expect(made["messages"]?[1]?["content"] == "a\n\nb")
    }
}
