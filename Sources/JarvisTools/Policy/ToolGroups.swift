// lint: family names — tool policies written for the family may name its group.

extension ToolPolicy {
    /// The profiles but `full`, which is everything.
    package static let profiles: [String: [String]] = [
        "minimal": ["session_status"],
        "coding": ["group:fs", "group:runtime", "group:memory", "group:sessions", "cron", "image"],
        "messaging": ["group:messaging", "sessions_list", "sessions_history", "sessions_send", "session_status"],
    ]

    /// The groups, without `group:`. `jarvis` is every group but `fs` and `runtime`.
    package static let groups: [String: [String]] = {
        var groups: [String: [String]] = [
            "web": ["web_search", "web_fetch"],
            "memory": ["memory_search", "memory_get"],
            "sessions": [
                "sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "subagents", "session_status",
            ],
            "ui": ["browser", "canvas"],
            "messaging": ["message"],
            "automation": ["cron", "gateway"],
            "nodes": ["nodes"],
            "agents": ["agents_list"],
            "media": ["image", "tts"],
        ]
        let all = groups.values.flatMap { $0 }
        groups["jarvis"] = all
        // The family's older name of the same group.
        groups["openclaw"] = all
        groups["fs"] = ["read", "write", "edit", "apply_patch"]
        groups["runtime"] = ["exec", "process"]
        return groups
    }()
}
