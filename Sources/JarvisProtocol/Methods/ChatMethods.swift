extension MethodDescriptor {
    /// The chat of pages and terminals.
    public static let chat: [MethodDescriptor] = [
        MethodDescriptor(
            "chat.send", scope: .write, "Says something in a session; the answer comes as `chat` events.",
            parameters: [
                .required("sessionKey", .string(minimum: 1)), .required("message", .string()),
                .optional("thinking", .string()), .optional("deliver", .boolean),
                .optional("attachments", .array(.object)), .optional("timeoutMs", .integer(0...86_400_000)),
                .required("idempotencyKey", .string(minimum: 1)),
            ], result: "{runId, status: started | in_flight | ok | error, summary?}"),
        MethodDescriptor(
            "chat.history", scope: .read, "What was said in a session.",
            parameters: [.required("sessionKey", .string(minimum: 1)), .optional("limit", .integer(1...1000))],
            result: "{sessionKey, sessionId, messages[], thinkingLevel?, verboseLevel?}"),
        MethodDescriptor(
            "chat.abort", scope: .write, "Stops a run, or all of a session; the text so far is kept.",
            parameters: [.required("sessionKey", .string(minimum: 1)), .optional("runId", .string(minimum: 1))],
            result: "{ok, aborted, runIds[]}"),
        MethodDescriptor(
            "chat.inject", scope: .admin, "Writes an assistant message into a session without a run.",
            parameters: [
                .required("sessionKey", .string(minimum: 1)), .required("message", .string(minimum: 1)),
                .optional("label", .string()),
            ], result: "{ok, messageId}"),
    ]

    /// Runs.
    public static let agent: [MethodDescriptor] = [
        MethodDescriptor(
            "agent", scope: .write, "Starts a run; answers twice: accepted, then its end.",
            parameters: [
                .required("message", .string(minimum: 1)), .optional("agentId", .string()), .optional("to", .string()),
                .optional("replyTo", .string()), .optional("sessionId", .string()), .optional("sessionKey", .string()),
                .optional("thinking", .string()), .optional("deliver", .boolean),
                .optional("attachments", .array(.object)), .optional("channel", .string()),
                .optional("replyChannel", .string()), .optional("accountId", .string()),
                .optional("replyAccountId", .string()), .optional("threadId", .string()),
                .optional("groupId", .string()), .optional("groupChannel", .string()),
                .optional("groupSpace", .string()), .optional("timeout", .number),
                .optional("bestEffortDeliver", .boolean), .optional("lane", .string()),
                .optional("extraSystemPrompt", .string()), .optional("workspaceDir", .string()),
                .optional("inputProvenance", .object), .required("idempotencyKey", .string(minimum: 1)),
                .optional("label", .string()), .optional("spawnedBy", .string()),
            ], result: "{runId, status: accepted, acceptedAt}, then {runId, status: ok | error, summary, result?}"),
        MethodDescriptor(
            "agent.wait", scope: .write, "Waits for the end of a run.",
            parameters: [
                .required("runId", .string(minimum: 1)), .optional("timeoutMs", .integer(0...86_400_000)),
            ], result: "{runId, status: ok | error | timeout, startedAt?, endedAt?, error?}"),
        MethodDescriptor(
            "agent.identity.get", scope: .read, "An agent's name and face.",
            parameters: [.optional("agentId", .string()), .optional("sessionKey", .string())],
            result: "{agentId, name?, avatar?, emoji?}"),
    ]
}
