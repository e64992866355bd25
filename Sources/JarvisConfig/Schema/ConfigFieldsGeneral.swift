extension ConfigFields {
    @FieldList static var general: [ConfigField] {
        Field("$schema", .string, nil, "The schema for editors.", reload: ConfigField.Reload.none)
        Field(
            "meta", .object, nil, "Written by JARVIS: when and by which version the file was last changed.",
            reload: ConfigField.Reload.none)
        Field("meta.lastTouchedVersion", .string, nil, "The version that wrote the file last.")
        Field("meta.lastTouchedAt", .string, nil, "When it wrote, ISO 8601.")
        Field("env", .map, nil, "Environment variables for ${NAME} and for tools. Those of the process win.")
        Field("env.vars", .map, nil, "Variables by name.")
        Field("env.vars.*", .string, nil, "The value of a variable.", sensitive: true)
        Field("env.shellEnv", .object, nil, "Variables of the login shell.")
        Field("env.shellEnv.enabled", .bool, false, "Whether to ask the login shell.")
        Field(
            "env.shellEnv.timeoutMs", .integer(FieldRange.dayMs), 15000, "How long to wait for it.",
            unit: .milliseconds)
        Field("env.*", .string, nil, "The value of a variable.", sensitive: true)
        Field("wizard", .object, nil, "Written by onboarding.", reload: ConfigField.Reload.none)
        Field("wizard.lastRunAt", .string, nil, "When it ran, ISO 8601.")
        Field("wizard.lastRunVersion", .string, nil, "The version that ran.")
        Field("wizard.lastRunCommit", .string, nil, "The commit of that version.")
        Field("wizard.lastRunCommand", .string, nil, "The command.")
        Field("wizard.lastRunMode", .string, nil, "local or remote.")
        Field("ui", .object, nil, "How the page looks.", reload: ConfigField.Reload.none)
        Field("ui.seamColor", .text, nil, "The accent colour, #RRGGBB. Without it the instance's own.")
        Field("ui.assistant", .object, nil, "How the assistant looks in the page.")
        Field("ui.assistant.name", .text, nil, "Its name.")
        Field("ui.assistant.avatar", .text, nil, "Its picture: a sign, an address or a data URL.")
    }

    @FieldList static var session: [ConfigField] {
        Field("session", .object, nil, "How messages become conversations.", reload: ConfigField.Reload.none)
        Field(
            "session.scope", .choice(["per-sender", "global"]), "per-sender",
            "Whether each sender has a conversation or all share one.")
        Field(
            "session.dmScope", .choice(["main", "per-peer", "per-channel-peer", "per-account-channel-peer"]), "main",
            "How direct messages are separated. Onboarding writes per-channel-peer.")
        Field("session.identityLinks", .map, nil, "The same person on several channels.")
        Field("session.identityLinks.*", .strings, nil, "channel:id of one person.")
        Field("session.mainKey", .text, "main", "The last part of the main conversation's key.")
        Field(
            "session.store", .text, nil, "Where an older installation kept its sessions; read on import only.",
            sharing: .exclusive)
        Field("session.resetTriggers", .strings, ["/new", "/reset"], "Messages that begin a new conversation.")
        Field("session.reset", .object, nil, "When a conversation begins anew.")
        Field("session.reset.mode", .choice(["daily", "idle", "off"]), "daily", "Every day, after idling, or never.")
        Field("session.reset.atHour", .integer(0...23), 4, "The hour of the daily reset, local time.", unit: .hours)
        Field("session.reset.idleMinutes", .integer(FieldRange.positive), 60, "How long is idle.", unit: .minutes)
        Field("session.resetByType", .map, nil, "The same for direct, group and thread conversations.")
        Field("session.resetByType.*", .object, nil, "One type.")
        Field("session.resetByType.*.mode", .choice(["daily", "idle", "off"]), nil, "As session.reset.mode.")
        Field("session.resetByType.*.atHour", .integer(0...23), nil, "As session.reset.atHour.", unit: .hours)
        Field(
            "session.resetByType.*.idleMinutes", .integer(FieldRange.positive), nil, "As session.reset.idleMinutes.",
            unit: .minutes)
        Field("session.resetByChannel", .map, nil, "The same by channel.")
        Field("session.resetByChannel.*", .object, nil, "One channel.")
        Field("session.resetByChannel.*.mode", .choice(["daily", "idle", "off"]), nil, "As session.reset.mode.")
        Field("session.resetByChannel.*.atHour", .integer(0...23), nil, "As session.reset.atHour.", unit: .hours)
        Field(
            "session.resetByChannel.*.idleMinutes", .integer(FieldRange.positive), nil, "As session.reset.idleMinutes.",
            unit: .minutes)
        Field(
            "session.idleMinutes", .integer(FieldRange.positive), nil,
            "Older spelling of session.reset with mode idle.",
            unit: .minutes)
        Field("session.sendPolicy", .any, nil, "Which conversations may send.")
        Field("session.agentToAgent", .object, nil, "Conversations between agents.")
        Field("session.agentToAgent.maxPingPongTurns", .integer(0...100), 5, "How often they answer each other.")
        Field("session.typingMode", .choice(["never", "instant", "thinking", "message"]), nil, "When typing is shown.")
        Field("session.typingIntervalSeconds", .integer(FieldRange.positive), nil, "How often.", unit: .seconds)
        Field("session.threadBindings", .any, nil, "Conversations bound to threads.")
        Field("session.maintenance", .any, nil, "How old conversations are put away.")
    }

    @FieldList static var logging: [ConfigField] {
        Field("logging", .object, nil, "What is written down.", reload: ConfigField.Reload.none)
        Field("logging.level", .choice(logLevels), "info", "What goes into the file.")
        Field("logging.file", .text, nil, "The file; without it logs in the state directory.", sharing: .exclusive)
        Field(
            "logging.maxFileBytes", .integer(4096...Int.max), 10_485_760, "The size at which a new file begins.",
            unit: .bytes)
        Field("logging.consoleLevel", .choice(logLevels), nil, "What goes to the terminal; as logging.level.")
        Field("logging.consoleStyle", .choice(["pretty", "compact", "json"]), "pretty", "How it looks there.")
        Field(
            "logging.redactSensitive", .choice(["off", "tools"]), "tools",
            "Whether secrets in tool output are blacked out.")
        Field("logging.redactPatterns", .strings, [], "Regular expressions of further secrets.")
    }

    private static let logLevels = ["silent", "fatal", "error", "warn", "info", "debug", "trace"]

    @FieldList static var messages: [ConfigField] {
        Field("messages", .object, nil, "How replies look.", reload: ConfigField.Reload.none)
        Field("messages.responsePrefix", .string, nil, "Put before every reply; auto means the agent's name.")
        Field("messages.messagePrefix", .string, nil, "Put before every message that the model reads.")
        Field("messages.ackReaction", .string, nil, "The reaction that says a message was seen.")
        Field(
            "messages.ackReactionScope", .choice(["group-mentions", "group-all", "direct", "all", "off", "none"]), nil,
            "Where that reaction is sent.")
        Field("messages.removeAckAfterReply", .bool, false, "Whether it is taken back after the reply.")
        Field("messages.queue", .any, nil, "What happens to messages during a run.")
        Field("messages.inbound", .any, nil, "How quick messages are joined.")
        Field("messages.groupChat", .any, nil, "How groups are read.")
        Field("messages.tts", .any, nil, "Spoken replies.")
        Field("messages.usageTemplate", .any, nil, "The line about usage.")
        Field("messages.statusReactions", .any, nil, "Reactions during a run.")
        Field("messages.suppressToolErrors", .bool, false, "Whether failed tools are left out of replies.")
        Field("commands", .object, nil, "Slash commands.", reload: .restart)
        Field("commands.native", .either([.bool, .choice(["auto"])]), "auto", "Whether channels list them.")
        Field(
            "commands.nativeSkills", .either([.bool, .choice(["auto"])]), "auto", "Whether channels list skills too.")
        Field("commands.text", .bool, true, "Whether they are read in messages.")
        Field("commands.bash", .bool, false, "Whether ! runs a command.")
        Field("commands.bashForegroundMs", .integer(0...30000), 2000, "How long ! waits.", unit: .milliseconds)
        Field("commands.config", .bool, false, "Whether /config is there.")
        Field("commands.debug", .bool, false, "Whether /debug is there.")
        Field("commands.restart", .bool, true, "Whether /restart is there.")
        Field("commands.useAccessGroups", .bool, true, "Whether access groups decide who may use them.")
        Field("commands.ownerAllowFrom", .list, nil, "Who is the owner, channel:id.")
        Field("commands.allowFrom", .any, nil, "Who may use them, by channel.")
        Field("commands.ownerDisplay", .choice(["raw", "hash"]), nil, "How the owner's ids appear in prompts.")
        Field("commands.ownerDisplaySecret", .secret, nil, "The key of those hashes.", sensitive: true)
    }

    @FieldList static var tools: [ConfigField] {
        Field("tools", .object, nil, "What agents may do.", reload: ConfigField.Reload.none)
        Field(
            "tools.profile", .choice(["minimal", "coding", "messaging", "full"]), nil,
            "A named set of tools; without it all.")
        Field("tools.allow", .strings, nil, "Only these tools. Names, group:… and wildcards.")
        Field("tools.alsoAllow", .strings, nil, "These besides the profile.")
        Field("tools.deny", .strings, [], "Never these; beats allow.")
        Field("tools.byProvider", .map, nil, "Further rules by provider or provider/model; they only take away.")
        Field(
            "tools.byProvider.*.profile", .choice(["minimal", "coding", "messaging", "full"]), nil,
            "A named set of tools.")
        Field("tools.byProvider.*.allow", .strings, nil, "Only these tools.")
        Field("tools.byProvider.*.alsoAllow", .strings, nil, "These besides its profile.")
        Field("tools.byProvider.*.deny", .strings, nil, "Never these.")
        Field("tools.browser", .object, nil, "The browser tool.")
        Field(
            "tools.browser.ask", .choice(["off", "on-miss", "always"]), "on-miss",
            "When the owner is asked: never, about risky calls that are not allowed for good, or about every call that acts."
        )
        Field("tools.canvas", .object, nil, "The canvas tool.")
        Field(
            "tools.canvas.ask", .choice(["off", "on-miss", "always"]), "on-miss",
            "When the owner is asked; the tool has no risky calls, so this means never or about every call that acts.")
        Field("tools.web", .any, nil, "Search and fetch.")
        Field("tools.media", .any, nil, "Pictures, sound, video.")
        Field("tools.message", .any, nil, "Sending.")
        Field("tools.agentToAgent", .any, nil, "Talking to other agents.")
        Field("tools.sessions", .any, nil, "Which sessions tools may see.")
        Field("tools.elevated", .any, nil, "Commands with more rights.")
        Field("tools.exec", .any, nil, "Running commands.")
        Field("tools.fs", .any, nil, "Files.")
        Field("tools.loopDetection", .any, nil, "Stopping a model that repeats itself.")
        Field("tools.subagents", .any, nil, "Tools of started agents.")
        Field("tools.sandbox", .any, nil, "Tools in the sandbox.")
        Field("tools.sessions_spawn", .any, nil, "Starting agents.")
    }

    /// Sections that other parts read; here they have a name, a doc line and a reload class.
    @FieldList static var family: [ConfigField] {
        Field("channels", .map, nil, "Chat networks.", reload: .hot)
        Field("cron", .any, nil, "Jobs at fixed times.", reload: .hot)
        Field("hooks", .any, nil, "Web hooks and mail hooks.", reload: .hot)
        Field("hooks.token", .secret, nil, "The token that callers present; not the gateway's.", sensitive: true)
        Field("bindings", .list, nil, "Which agent answers where.", reload: ConfigField.Reload.none)
        Field("broadcast", .any, nil, "Several agents for one message.")
        Field("skills", .any, nil, "What agents have learned.", reload: ConfigField.Reload.none)
        Field("plugins", .any, nil, "Extensions.", reload: .restart)
        Field("auth", .any, nil, "Credentials of model providers.")
        Field("secrets", .any, nil, "Where secret references lead.", reload: ConfigField.Reload.none)
        Field("audio", .any, nil, "Speech to text.", reload: ConfigField.Reload.none)
        Field("talk", .any, nil, "Voice.", reload: ConfigField.Reload.none)
        Field("identity", .any, nil, "Older spelling of an agent's identity.", reload: ConfigField.Reload.none)
        Field("agent", .any, nil, "Older spelling of agents.defaults.", reload: ConfigField.Reload.none)
        Field("agent.workspace", .text, nil, "Older spelling of agents.defaults.workspace.", sharing: .exclusive)
        Field("routing", .any, nil, "Older spelling of bindings.", reload: ConfigField.Reload.none)
        Field("approvals", .any, nil, "Asking before commands run.")
        Field("acp", .any, nil, "Other agents' protocol.")
        Field("diagnostics", .any, nil, "Traces and metrics.")
        Field("update", .any, nil, "New versions.")
        Field("nodeHost", .any, nil, "This host as a node.")
        Field("web", .any, nil, "Messaging over the web client.")
        Field("discovery", .any, nil, "Being found on the network.", reload: .restart)
        Field(
            "canvasHost", .object, nil, "The canvas: pages that agents write and the gateway serves.", reload: .restart)
        Field("canvasHost.enabled", .bool, true, "Whether the gateway serves the canvas.")
        Field(
            "canvasHost.root", .text, nil, "Where its files are. Default: canvas in the state directory.",
            sharing: .exclusive)
        Field("canvasHost.liveReload", .bool, true, "Whether shown pages load anew when a file changes.")
        Field(
            "canvasHost.capabilityTtlSeconds", .integer(1...86_400), 600,
            "How long an address of the canvas stays good after its last use.", unit: .seconds)
        Field(
            "canvasHost.port", .integer(FieldRange.port), nil,
            "Of older versions; the canvas is on the gateway's port.", sharing: .exclusive)
        Field("memory", .any, nil, "What agents remember.")
    }
}
