// lint: family names — tool policies written for the family may name its group.

import JarvisCore

/// Which tools may be used: a profile names a set, `allow` narrows it, `deny` takes away and always wins.
///
/// Entries are tool names, `group:<name>`, or patterns with `*`; case does not matter.
package struct ToolPolicy: Sendable, Hashable {
    /// `minimal`, `coding`, `messaging` or `full`; nil is `full`. An unknown profile allows what `minimal` does.
    package var profile: String?
    /// When not empty, nothing else is allowed.
    package var allow: [String]
    /// Added to the profile's set.
    package var alsoAllow: [String]
    /// Never allowed.
    package var deny: [String]

    /// A policy; without arguments everything is allowed.
    package init(profile: String? = nil, allow: [String] = [], alsoAllow: [String] = [], deny: [String] = []) {
        self.profile = profile
        self.allow = allow
        self.alsoAllow = alsoAllow
        self.deny = deny
    }

    /// Reads a `tools` section of the configuration; what is missing restricts nothing.
    package init(json: JSONValue?) {
        func list(_ key: String) -> [String] { json?[key]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        self.init(
            profile: json?["profile"]?.stringValue, allow: list("allow"), alsoAllow: list("alsoAllow"),
            deny: list("deny"))
    }

    /// Whether the tool may be used.
    package func allows(_ name: String) -> Bool {
        let name = Self.canonical(name)
        if Self.matches(deny, name) { return false }
        if !allow.isEmpty, !Self.matches(allow, name) { return false }
        guard let profile = profile?.lowercased(), profile != "full" else { return true }
        let set = Self.profiles[profile] ?? Self.profiles["minimal"] ?? []
        return Self.matches(set, name) || Self.matches(alsoAllow, name)
    }

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

    private static func canonical(_ name: String) -> String {
        switch name.lowercased() {
        case "bash": "exec"
        case "apply-patch": "apply_patch"
        case let other: other
        }
    }

    private static func matches(_ entries: [String], _ name: String) -> Bool {
        entries.contains { entry in
            let entry = canonical(entry)
            if entry.hasPrefix("group:") { return groups[String(entry.dropFirst(6))]?.contains(name) ?? false }
            return matches(pattern: Array(entry.utf8)[...], Array(name.utf8)[...])
        }
    }

    private static func matches(pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        guard let star = pattern.firstIndex(of: UInt8(ascii: "*")) else { return pattern == text }
        guard text.starts(with: pattern[..<star]) else { return false }
        let rest = pattern[(star + 1)...]
        let tail = text.dropFirst(star - pattern.startIndex)
        return (tail.startIndex...tail.endIndex).contains { matches(pattern: rest, tail[$0...]) }
    }
}
