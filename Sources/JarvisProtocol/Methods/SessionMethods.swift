extension MethodDescriptor {
    private static let key = ParameterSpec.required("key", .string(minimum: 1))

    /// Conversations.
    public static let sessions: [MethodDescriptor] = [
        MethodDescriptor(
            "sessions.list", scope: .read, "Conversations, newest first.",
            parameters: [
                .optional("limit", .integer(1...10_000)), .optional("activeMinutes", .integer(1...Int.max)),
                .optional("includeGlobal", .boolean), .optional("includeUnknown", .boolean),
                .optional("includeDerivedTitles", .boolean), .optional("includeLastMessage", .boolean),
                .optional("label", .string()), .optional("spawnedBy", .string()), .optional("agentId", .string()),
                .optional("search", .string()),
            ], result: "{ts, path, count, defaults{modelProvider, model, contextTokens}, sessions[Row]}"),
        MethodDescriptor(
            "sessions.preview", scope: .read, "The last lines of several conversations.",
            parameters: [
                .required("keys", .array(.string(minimum: 1))), .optional("limit", .integer(1...100)),
                .optional("maxChars", .integer(20...2000)),
            ], result: "{ts, previews[{key, status, items[{role, text}]}]}"),
        MethodDescriptor(
            "sessions.resolve", scope: .read, "The key of a conversation by key, session id or label.",
            parameters: [
                .optional("key", .string(minimum: 1)), .optional("sessionId", .string(minimum: 1)),
                .optional("label", .string(minimum: 1)), .optional("agentId", .string()),
                .optional("spawnedBy", .string()), .optional("includeGlobal", .boolean),
                .optional("includeUnknown", .boolean),
            ], result: "{ok, key}"),
        MethodDescriptor(
            "sessions.patch", scope: .admin, "Changes settings of a conversation; null clears one.",
            parameters: [
                key, .optional("label", .nullable(.string())),
                .optional("thinkingLevel", .nullable(.word(["off", "minimal", "low", "medium", "high", "xhigh"]))),
                .optional("verboseLevel", .nullable(.word(["on", "full", "off"]))),
                .optional("reasoningLevel", .nullable(.word(["on", "off", "stream"]))),
                .optional("responseUsage", .nullable(.word(["off", "tokens", "full", "on"]))),
                .optional("elevatedLevel", .nullable(.word(["on", "off", "ask", "full"]))),
                .optional("execHost", .nullable(.string())), .optional("execSecurity", .nullable(.string())),
                .optional("execAsk", .nullable(.string())), .optional("execNode", .nullable(.string())),
                .optional("model", .nullable(.string())), .optional("spawnedBy", .nullable(.string())),
                .optional("spawnDepth", .nullable(.integer(0...16))),
                .optional("sendPolicy", .nullable(.word(["allow", "deny"]))),
                .optional("groupActivation", .nullable(.word(["mention", "always"]))),
            ], result: "{ok, path, key, entry, resolved{modelProvider?, model?}}"),
        MethodDescriptor(
            "sessions.create", scope: .write, "Makes a conversation that is empty.",
            parameters: [
                .optional("key", .string(minimum: 1)), .optional("agentId", .string()), .optional("label", .string()),
            ], result: "{ok, key, entry}"),
        MethodDescriptor(
            "sessions.reset", scope: .admin, "Starts a conversation afresh; the old transcript is archived.",
            parameters: [key, .optional("reason", .word(["new", "reset"]))], result: "{ok, key, entry}"),
        MethodDescriptor(
            "sessions.delete", scope: .admin, "Removes a conversation; not the main one.",
            parameters: [key, .optional("deleteTranscript", .boolean)], result: "{ok, key, deleted, archived[]}"),
        MethodDescriptor(
            "sessions.compact", scope: .admin, "Keeps the last lines of a transcript and archives the rest.",
            parameters: [key, .optional("maxLines", .integer(1...Int.max))],
            result: "{ok, key, compacted, archived?, kept?, reason?}"),
        MethodDescriptor(
            "sessions.subscribe", scope: .read, "Sends this connection `sessions.changed` events.",
            result: "{ok, subscribed}"),
        MethodDescriptor(
            "sessions.unsubscribe", scope: .read, "Ends `sessions.subscribe`.", result: "{ok, subscribed}"),
        MethodDescriptor(
            "sessions.messages.subscribe", scope: .read,
            "Sends this connection `session.message` events of one session.",
            parameters: [key], result: "{ok, key, subscribed}"),
        MethodDescriptor(
            "sessions.messages.unsubscribe", scope: .read, "Ends `sessions.messages.subscribe`.",
            parameters: [key], result: "{ok, key, subscribed}"),
        MethodDescriptor(
            "sessions.export", scope: .read, "A transcript as lines of the family's format, version 3.",
            parameters: [key], result: "{key, sessionId, lines[]}"),
        MethodDescriptor(
            "sessions.import", scope: .admin, "Makes a conversation from transcript lines.",
            parameters: [key, .required("lines", .array(.string()))],
            result: "{ok, key, entry, imported, dropped}"),
    ]
}
