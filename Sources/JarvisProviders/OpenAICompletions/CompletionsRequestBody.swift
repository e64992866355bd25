import JarvisCore
import JarvisKit

/// Builds the JSON body of one `POST …/chat/completions`. Pure.
package enum CompletionsRequestBody {
    /// The body for `request` at a server with `settings`.
    package static func make(_ request: ModelRequest, settings: CompletionsSettings) -> JSONValue {
        let compat = settings.compat
        let isOpenAI = settings.baseURL.contains("//api.openai.com")
        var body: JSONObject = ["model": .string(request.model.id), "stream": true]
        if compat.supportsUsageInStreaming ?? true { body["stream_options"] = ["include_usage": true] }
        if compat.supportsStore ?? isOpenAI { body["store"] = false }
        let limit = compat.maxTokensField ?? (isOpenAI ? .maxCompletionTokens : .maxTokens)
        // Servers refuse a limit that leaves no room for the question.
        body[limit.rawValue] = JSONValue(min(request.model.maxTokens, request.model.contextWindow / 2))
        body["messages"] = .array(messages(request, compat: compat, isOpenAI: isOpenAI))
        if !request.tools.isEmpty { body["tools"] = .array(request.tools.map(tool)) }
        return .object(body)
    }

    private static func messages(_ request: ModelRequest, compat: CompletionsCompat, isOpenAI: Bool) -> [JSONValue] {
        var output: [JSONValue] = []
        if !request.system.isEmpty {
            let developer = request.model.reasoning && (compat.supportsDeveloperRole ?? isOpenAI)
            output.append(["role": developer ? "developer" : "system", "content": .string(request.system)])
        }
        let readsImages = request.model.input.contains("image")
        var pendingUser: [ContentBlock] = []
        // A tool's answer is text in this dialect; its pictures follow as the user's, after the last answer of the turn.
        var pictures: [ContentBlock] = []
        // Chat templates of small models refuse two user messages in a row, so neighbours become one.
        func flushUser() {
            if !pendingUser.isEmpty {
                output.append(["role": "user", "content": userContent(pendingUser, readsImages: readsImages)])
            }
            pendingUser = []
        }
        func takePictures() {
            pendingUser += pictures
            pictures = []
        }
        for message in request.messages {
            if case .toolResult = message {} else { takePictures() }
            switch message {
            case .user(let content, _):
                if !pendingUser.isEmpty { pendingUser.append(.text("\n\n")) }
                pendingUser += content
            case .assistant(let message):
                guard let json = assistant(message) else { continue }
                flushUser()
                output.append(json)
            case .toolResult(let message):
                flushUser()
                output.append(toolResult(message, readsImages: readsImages, compat: compat))
                if readsImages { pictures += self.pictures(message) }
            }
        }
        takePictures()
        flushUser()
        return output
    }

    private static func userContent(_ blocks: [ContentBlock], readsImages: Bool) -> JSONValue {
        let hasImage = blocks.contains { if case .image = $0 { true } else { false } }
        guard hasImage, readsImages else { return .string(plainText(blocks)) }
        return .array(
            blocks.compactMap { block in
                switch block {
                case .text(let text): text.isEmpty ? nil : ["type": "text", "text": .string(text)]
                case .image(let data, let mimeType):
                    ["type": "image_url", "image_url": ["url": .string("data:\(mimeType);base64,\(data)")]]
                case .thinking, .toolCall: nil
                }
            })
    }

    /// Nil for an answer without text and calls: servers refuse an empty assistant message.
    private static func assistant(_ message: AssistantMessage) -> JSONValue? {
        let text = message.content.plainText
        let calls = message.content.compactMap { block -> JSONValue? in
            guard case .toolCall(let call) = block else { return nil }
            return [
                "id": .string(call.id), "type": "function",
                "function": [
                    "name": .string(call.name), "arguments": .string(JSONWriter.string(call.arguments)),
                ],
            ]
        }
        if text.isEmpty, calls.isEmpty { return nil }
        return .members([
            "role": "assistant",
            "content": text.isEmpty ? .null : .string(text),
            "tool_calls": calls.isEmpty ? nil : .array(calls),
        ])
    }

    private static func pictures(_ message: ToolResultMessage) -> [ContentBlock] {
        let images = message.content.filter { if case .image = $0 { true } else { false } }
        if images.isEmpty { return [] }
        return [
            .text(
                "[\(images.count == 1 ? "Picture" : "Pictures") of the call \(message.toolCallId) of \(message.toolName)]"
            )
        ]
            + images
    }

    private static func toolResult(
        _ message: ToolResultMessage, readsImages: Bool, compat: CompletionsCompat
    ) -> JSONValue {
        .members([
            "role": "tool",
            "tool_call_id": .string(message.toolCallId),
            "name": compat.requiresToolResultName == true ? .string(message.toolName) : nil,
            "content": .string(
                plainText(message.content, image: readsImages ? "[picture below]" : nil)),
        ])
    }

    /// - Parameter image: What stands for an image; nil: that it was left out.
    private static func plainText(_ blocks: [ContentBlock], image: String? = nil) -> String {
        blocks.reduce(into: "") { text, block in
            switch block {
            case .text(let part): text += part
            case .image(_, let mimeType): text += image ?? "[\(mimeType) left out: this model is not given images here]"
            case .thinking, .toolCall: break
            }
        }
    }

    private static func tool(_ definition: ToolDefinition) -> JSONValue {
        [
            "type": "function",
            "function": [
                "name": .string(definition.name), "description": .string(definition.description),
                "parameters": definition.parameters,
            ],
        ]
    }
}
