extension MethodDescriptor {
    /// What there is: models, agents, channels, tools.
    public static let catalog: [MethodDescriptor] = [
        MethodDescriptor(
            "models.list", scope: .read, "The models.",
            result: "{models[{id, name, provider, contextWindow?, reasoning?}]}"),
        MethodDescriptor("agents.list", scope: .read, "The agents.", result: "{defaultId, mainKey, scope, agents[]}"),
        MethodDescriptor(
            "channels.status", scope: .read, "The messaging channels.",
            parameters: [.optional("probe", .boolean), .optional("timeoutMs", .integer(0...Int.max))],
            result: "{ts, channelOrder, channelLabels, channels, channelAccounts, channelDefaultAccountId}"),
        MethodDescriptor(
            "tools.catalog", scope: .read, "The tools, by group and profile.",
            parameters: [.optional("agentId", .string()), .optional("includePlugins", .boolean)],
            result: "{agentId, profiles[], groups[]}"),
        MethodDescriptor(
            "tools.effective", scope: .read, "Which tools an agent may use, and which setting takes the others away.",
            parameters: [.optional("agentId", .string()), .optional("sessionKey", .string())],
            result: "{agentId, models[], steps[], tools[{id, label, group, tokens, allowed, removedBy?, reason?}]}"),
    ]
}
