import JarvisCore

extension Message {
    /// The transcript form of the family, version 3 (`message` of a `message` line).
    public var json: JSONValue {
        switch self {
        case .user(let content, let timestamp):
            return ["role": "user", "content": .array(content.map(\.json)), "timestamp": .int(timestamp)]
        case .assistant(let message):
            return .members([
                "role": "assistant",
                "content": .array(message.content.map(\.json)),
                "api": .string(message.api),
                "provider": .string(message.provider),
                "model": .string(message.model),
                "usage": message.usage.json,
                "stopReason": .string(message.stopReason.rawValue),
                "errorMessage": message.errorMessage.map(JSONValue.string),
                "timestamp": .int(message.timestamp),
            ])
        case .toolResult(let message):
            return [
                "role": "toolResult",
                "toolCallId": .string(message.toolCallId),
                "toolName": .string(message.toolName),
                "content": .array(message.content.map(\.json)),
                "isError": .bool(message.isError),
                "timestamp": .int(message.timestamp),
            ]
        }
    }

    /// Reads the transcript form; nil when the role is unknown or a required member is missing.
    public init?(json: JSONValue) {
        let timestamp = json["timestamp"]?.intValue.map(EpochMilliseconds.init) ?? 0
        let content = ContentBlock.list(json["content"])
        switch json["role"]?.stringValue {
        case "user": self = .user(content: content, timestamp: timestamp)
        case "assistant":
            self = .assistant(
                AssistantMessage(
                    content: content,
                    api: json["api"]?.stringValue ?? "",
                    provider: json["provider"]?.stringValue ?? "",
                    model: json["model"]?.stringValue ?? "",
                    usage: Usage(json: json["usage"]),
                    stopReason: json["stopReason"]?.stringValue.flatMap(StopReason.init) ?? .stop,
                    errorMessage: json["errorMessage"]?.stringValue,
                    timestamp: timestamp))
        case "toolResult":
            guard let id = json["toolCallId"]?.stringValue, let name = json["toolName"]?.stringValue else { return nil }
            self = .toolResult(
                ToolResultMessage(
                    toolCallId: id, toolName: name, content: content,
                    isError: json["isError"]?.boolValue ?? false, timestamp: timestamp))
        default: return nil
        }
    }
}

extension ContentBlock {
    /// The block in transcript form.
    public var json: JSONValue {
        switch self {
        case .text(let text): ["type": "text", "text": .string(text)]
        case .thinking(let text): ["type": "thinking", "thinking": .string(text)]
        case .toolCall(let call):
            ["type": "toolCall", "id": .string(call.id), "name": .string(call.name), "arguments": call.arguments]
        case .image(let data, let mimeType):
            ["type": "image", "data": .string(data), "mimeType": .string(mimeType)]
        }
    }

    /// The blocks of a `content` member: a bare string is one text block; blocks of unknown type are left out.
    public static func list(_ json: JSONValue?) -> [ContentBlock] {
        switch json {
        case .string(let text): [.text(text)]
        case .array(let blocks): blocks.compactMap(ContentBlock.init(json:))
        default: []
        }
    }

    /// Reads a block; nil for an unknown type.
    public init?(json: JSONValue) {
        switch json["type"]?.stringValue {
        case "text": self = .text(json["text"]?.stringValue ?? "")
        case "thinking": self = .thinking(json["thinking"]?.stringValue ?? "")
        case "toolCall":
            guard let id = json["id"]?.stringValue, let name = json["name"]?.stringValue else { return nil }
            self = .toolCall(ToolCall(id: id, name: name, arguments: json["arguments"] ?? [:]))
        case "image":
            guard let data = json["data"]?.stringValue else { return nil }
            self = .image(data: data, mimeType: json["mimeType"]?.stringValue ?? "application/octet-stream")
        default: return nil
        }
    }
}

extension Usage {
    /// The transcript form; costs are zero until a price list exists.
    public var json: JSONValue {
        [
            "input": JSONValue(input), "output": JSONValue(output), "cacheRead": JSONValue(cacheRead),
            "cacheWrite": JSONValue(cacheWrite), "totalTokens": JSONValue(totalTokens),
            "cost": ["input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0, "total": 0],
        ]
    }

    /// Reads the transcript form; what is missing is zero.
    public init(json: JSONValue?) {
        self.init(
            input: json?["input"]?.intValue ?? 0, output: json?["output"]?.intValue ?? 0,
            cacheRead: json?["cacheRead"]?.intValue ?? 0, cacheWrite: json?["cacheWrite"]?.intValue ?? 0)
    }
}
