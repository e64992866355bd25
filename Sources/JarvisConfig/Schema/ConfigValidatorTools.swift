// lint: family names — tool policies written for the family may name its group.

import JarvisCore

/// Rules over several keys of the tool policy. What looks like a restriction and restricts nothing is told.
extension ConfigValidator {
    /// The groups of the tool policy, without `group:`.
    static let toolGroups = [
        "agents", "automation", "fs", "jarvis", "media", "memory", "messaging", "nodes", "openclaw", "runtime",
        "sessions", "ui", "web",
    ]

    mutating func checkTools(_ tree: ConfigTree) {
        if let tools = tree.child(.key("tools")) { checkRules(tools, ConfigPath("tools")) }
        if case .array(let agents)? = tree.child(.key("agents"))?.child(.key("list"))?.kind {
            for (index, agent) in agents.enumerated() {
                guard let tools = agent.child(.key("tools")) else { continue }
                checkRules(tools, ConfigPath([.key("agents"), .key("list"), .index(index), .key("tools")]))
            }
        }
        if let channels = tree.child(.key("channels")) { checkChannel(channels, ConfigPath("channels")) }
    }

    /// `tools` of the instance or of an agent.
    private mutating func checkRules(_ tools: ConfigTree, _ path: ConfigPath) {
        checkNames(tools, path)
        if case .object(let providers)? = tools.child(.key("byProvider"))?.kind {
            for (name, rules) in providers { checkNames(rules, path.appending("byProvider").appending(name)) }
        }
        for (key, reason) in [("sandbox", "it has no sandbox"), ("subagents", "agents start no others")] {
            guard let rules = tools.child(.key(key))?.child(.key("tools")), rules.isObject else { continue }
            noteUseless(path.appending(key).appending("tools"), reason)
        }
        // Below `tools` itself it is an unknown key, which is told already.
        if tools.child(.key("toolsBySender")) != nil, path.elements.count > 1 {
            noteUseless(path.appending("toolsBySender"), "rules for senders are not read")
        }
    }

    /// Rules of groups and senders, wherever a channel has them.
    private mutating func checkChannel(_ tree: ConfigTree, _ path: ConfigPath) {
        guard case .object(let members) = tree.kind else { return }
        for (key, member) in members {
            if ["tools", "toolsBySender"].contains(key), member.isObject {
                noteUseless(path.appending(key), "rules for groups and senders are not read")
            } else {
                checkChannel(member, path.appending(key))
            }
        }
    }

    private mutating func noteUseless(_ path: ConfigPath, _ reason: String) {
        note(
            path,
            "restricts nothing in this version: \(reason). Write what must hold into tools.deny or agents.list[].tools",
            .warning)
    }

    private mutating func checkNames(_ rules: ConfigTree, _ path: ConfigPath) {
        for list in ["allow", "alsoAllow", "deny"] {
            guard case .array(let names)? = rules.child(.key(list))?.kind else { continue }
            for (index, name) in names.enumerated() {
                guard let text = name.scalar?.stringValue?.lowercased(), text.hasPrefix("group:") else { continue }
                let group = String(text.dropFirst(6))
                if Self.toolGroups.contains(group) { continue }
                let near = Nearest.name(to: group, in: Self.toolGroups).map { " Did you mean group:\($0)?" } ?? ""
                note(
                    path.appending(list).appending(.index(index)),
                    "there is no group \"\(VisibleText.escaped(group, limit: 40))\" of tools, so this names none.\(near)",
                    .warning)
            }
        }
    }
}
