extension ConfigFields {
    static let thinkingLevels = ["off", "minimal", "low", "medium", "high", "xhigh", "adaptive"]

    static var agents: [ConfigField] { agentDefaults + agentList }

    @FieldList private static var agentDefaults: [ConfigField] {
        Field("agents", .object, nil, "Who answers.", reload: ConfigField.Reload.none)
        Field("agents.defaults", .object, nil, "What holds for every agent.")
        Field(
            "agents.defaults.workspace", .text, nil,
            "The directory that holds the agent's files. Without it: workspace in the state directory.",
            sharing: .regenerate)
        Field("agents.defaults.repoRoot", .text, nil, "The repository that the prompt names.")
        Field("agents.defaults.skipBootstrap", .bool, false, "Do not create the workspace's first files.")
        Field(
            "agents.defaults.bootstrapMaxChars", .integer(FieldRange.positive), 20000,
            "How much of one workspace file goes into the prompt.", unit: .characters)
        Field(
            "agents.defaults.bootstrapTotalMaxChars", .integer(FieldRange.positive), 150_000,
            "How much of all workspace files goes into the prompt.", unit: .characters)
        Field("agents.defaults.userTimezone", .text, nil, "The owner's time zone, such as Europe/Berlin.")
        Field("agents.defaults.timeFormat", .choice(["auto", "12", "24"]), "auto", "How times are written.")
        Field(
            "agents.defaults.model", .either([.text, .object]), nil,
            "The model: provider/model, or primary with fallbacks.")
        Field("agents.defaults.model.primary", .text, nil, "The first choice, provider/model.")
        Field("agents.defaults.model.fallbacks", .strings, [], "Tried in order when the first choice fails.")
        Field("agents.defaults.imageModel", .either([.text, .object]), nil, "The model that looks at pictures.")
        Field("agents.defaults.imageModel.primary", .text, nil, "The first choice, provider/model.")
        Field("agents.defaults.imageModel.fallbacks", .strings, [], "Tried in order when the first choice fails.")
        Field(
            "agents.defaults.models", .map, nil,
            "Models that may be chosen, by provider/model. When there is one entry only these are allowed.")
        Field("agents.defaults.models.*", .object, nil, "One model.")
        Field("agents.defaults.models.*.alias", .text, nil, "A short name for it.")
        Field("agents.defaults.models.*.params", .any, nil, "Parameters sent with every request.")
        Field("agents.defaults.models.*.streaming", .bool, true, "Whether to ask for a stream.")
        Field(
            "agents.defaults.timeoutSeconds", .integer(1...604_800), 600, "How long one run may take.", unit: .seconds)
        Field(
            "agents.defaults.maxConcurrent", .integer(1...1000), 4,
            "How many runs work at the same time, all sessions together."
        )
        Field(
            "agents.defaults.thinkingDefault", .choice(thinkingLevels), nil,
            "How much the model thinks before it answers.")
        Field("agents.defaults.verboseDefault", .choice(["off", "on", "full"]), "off", "Whether tool calls are shown.")
        Field(
            "agents.defaults.elevatedDefault", .choice(["off", "on", "ask", "full"]), nil,
            "Whether commands run with more rights.")
        Field(
            "agents.defaults.contextTokens", .integer(FieldRange.positive), nil,
            "The context size to count with instead of the model's own.", unit: .tokens)
        Field("agents.defaults.mediaMaxMb", .number(0...10000), 5, "The largest attachment in megabytes.")
        Field(
            "agents.defaults.typingMode", .choice(["never", "instant", "thinking", "message"]), nil,
            "When typing is shown.")
        Field(
            "agents.defaults.typingIntervalSeconds", .integer(FieldRange.positive), 6,
            "How often typing is shown again.",
            unit: .seconds)
        Field(
            "agents.defaults.blockStreamingDefault", .choice(["off", "on"]), "off",
            "Whether channels get finished blocks early.")
        Field("agents.defaults.heartbeat", .any, nil, "The regular look whether something needs doing.", reload: .hot)
        Field("agents.defaults.compaction", .any, nil, "How a long conversation is shortened.")
        Field("agents.defaults.contextPruning", .any, nil, "How old tool results are left out.")
        Field("agents.defaults.memorySearch", .any, nil, "How memory is searched.")
        Field("agents.defaults.humanDelay", .any, nil, "Pauses between blocks.")
        Field("agents.defaults.blockStreamingChunk", .any, nil, "How large blocks are.")
        Field("agents.defaults.blockStreamingCoalesce", .any, nil, "How small blocks are joined.")
        Field("agents.defaults.blockStreamingBreak", .choice(["text_end", "message_end"]), nil, "Where blocks end.")
        Field("agents.defaults.subagents", .any, nil, "Agents that an agent starts.")
        Field("agents.defaults.sandbox", .any, nil, "Where tools run.")
        Field("agents.defaults.cliBackends", .any, nil, "Other programs that answer.")
        Field("agents.defaults.params", .any, nil, "Parameters sent with every request.")
    }

    @FieldList private static var agentList: [ConfigField] {
        Field("agents.list", .list, nil, "Agents by name. Without the list there is one, main.")
        Field("agents.list[]", .object, nil, "One agent.")
        Field("agents.list[].id", .text, nil, "Its name in session keys; lower case.")
        Field("agents.list[].default", .bool, false, "Whether it answers where no rule names an agent.")
        Field("agents.list[].name", .text, nil, "Its name for people.")
        Field("agents.list[].workspace", .text, nil, "Its directory.", sharing: .regenerate)
        Field("agents.list[].agentDir", .text, nil, "Where its state is kept.", sharing: .exclusive)
        Field("agents.list[].model", .either([.text, .object]), nil, "Its model, as agents.defaults.model.")
        Field("agents.list[].model.primary", .text, nil, "The first choice, provider/model.")
        Field("agents.list[].model.fallbacks", .strings, nil, "Tried in order when the first choice fails.")
        Field("agents.list[].identity", .object, nil, "How it looks.")
        Field("agents.list[].identity.name", .text, nil, "What it calls itself.")
        Field("agents.list[].identity.theme", .text, nil, "What it is like.")
        Field("agents.list[].identity.emoji", .text, nil, "Its sign.")
        Field("agents.list[].identity.avatar", .text, nil, "A picture: path in the workspace, address or data URL.")
        Field("agents.list[].skills", .strings, nil, "The skills it may use; without the list all.")
        Field("agents.list[].params", .any, nil, "Parameters sent with every request.")
        Field("agents.list[].tools", .map, nil, "Which tools it may use; it only takes away from what tools allows.")
        Field(
            "agents.list[].tools.profile", .choice(["minimal", "coding", "messaging", "full"]), nil,
            "A named set of tools.")
        Field("agents.list[].tools.allow", .strings, nil, "Only these tools.")
        Field("agents.list[].tools.alsoAllow", .strings, nil, "These besides its profile.")
        Field("agents.list[].tools.deny", .strings, nil, "Never these.")
        Field("agents.list[].tools.byProvider", .map, nil, "Further rules by provider or provider/model.")
        Field(
            "agents.list[].tools.byProvider.*.profile", .choice(["minimal", "coding", "messaging", "full"]), nil,
            "A named set of tools.")
        Field("agents.list[].tools.byProvider.*.allow", .strings, nil, "Only these tools.")
        Field("agents.list[].tools.byProvider.*.alsoAllow", .strings, nil, "These besides its profile.")
        Field("agents.list[].tools.byProvider.*.deny", .strings, nil, "Never these.")
        Field("agents.list[].memorySearch", .any, nil, "How its memory is searched.")
        Field("agents.list[].humanDelay", .any, nil, "Pauses between blocks.")
        Field("agents.list[].heartbeat", .any, nil, "Its regular look whether something needs doing.", reload: .hot)
        Field("agents.list[].groupChat", .any, nil, "How it behaves in groups.")
        Field("agents.list[].subagents", .any, nil, "Agents that it starts.")
        Field("agents.list[].sandbox", .any, nil, "Where its tools run.")
        Field("agents.list[].thinkingDefault", .choice(thinkingLevels), nil, "How much it thinks before it answers.")
    }
}
