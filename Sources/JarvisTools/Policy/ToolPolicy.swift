import JarvisCore

/// One rule of the tool policy: a profile names a set, `allow` narrows it, `deny` takes away and always wins.
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

    /// Reads a `tools` section of the configuration; what is missing restricts nothing. What is there but unreadable
    /// restricts as much as it could mean: a `deny` that is no list of names denies everything.
    package init(json: JSONValue?) {
        func list(_ key: String, broken: [String]) -> [String] {
            guard let value = json?[key], !value.isNull else { return [] }
            guard let elements = value.arrayValue else { return broken }
            let names = elements.compactMap(\.stringValue)
            return names.count == elements.count ? names : names + broken
        }
        let profile = json?["profile"] ?? .null
        self.init(
            profile: profile.isNull ? nil : profile.stringValue ?? "minimal",
            allow: list("allow", broken: [Self.nothing]), alsoAllow: list("alsoAllow", broken: []),
            deny: list("deny", broken: ["*"]))
    }

    /// An entry that no tool matches.
    private static let nothing = "group:"

    /// Whether the tool may be used.
    package func allows(_ name: String) -> Bool { refusal(of: name) == nil }

    /// Why the tool may not be used, such as `deny: group:runtime`; nil when it may.
    package func refusal(of name: String) -> String? {
        let name = Self.canonical(name)
        if let entry = deny.first(where: { Self.matches($0, name) }) { return "deny: \(entry)" }
        if !allow.isEmpty, !allow.contains(where: { Self.matches($0, name) }) { return "not in allow" }
        guard let profile = profile?.lowercased(), profile != "full" else { return nil }
        let set = Self.profiles[profile] ?? Self.profiles["minimal"] ?? []
        if (set + alsoAllow).contains(where: { Self.matches($0, name) }) { return nil }
        return "not in profile \(Self.profiles[profile] == nil ? "minimal (\(profile) is unknown)" : profile)"
    }

    /// The name under which a tool is listed, whatever alias or case was written.
    package static func canonical(_ name: String) -> String {
        switch name.lowercased() {
        case "bash": "exec"
        case "apply-patch": "apply_patch"
        case let other: other
        }
    }

    private static func matches(_ entry: String, _ name: String) -> Bool {
        let entry = canonical(entry)
        if entry.hasPrefix("group:") { return groups[String(entry.dropFirst(6))]?.contains(name) ?? false }
        return Wildcard.matches(entry, name)
    }
}

/// Patterns in which `*` stands for any text.
package enum Wildcard {
    /// Whether `pattern` covers all of `text`, byte by byte. Takes time in proportion to both lengths.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let text = Array(text.utf8)
        var at = 0
        var seen = 0
        var star: (pattern: Int, text: Int)?
        while seen < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, seen)
                at += 1
            } else if at < pattern.count, pattern[at] == text[seen] {
                at += 1
                seen += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                at = last.pattern + 1
                seen = last.text + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
