import JarvisCore

/// The rules for one agent and one model, in their order. Each can only take away: a tool may be used when every step
/// allows it, and the first that does not is the reason.
package struct ToolPolicyChain: Sendable, Hashable {
    /// One step.
    package struct Step: Sendable, Hashable {
        /// Where it stands in the configuration: `tools.profile`, `tools.byProvider.openai`, `agents.list[work].tools`.
        package var place: String
        /// What it says.
        package var policy: ToolPolicy
    }

    /// What became of one tool.
    package struct Verdict: Sendable, Hashable {
        /// The tool.
        package var tool: String
        /// The step that removed it; nil: it may be used.
        package var removedBy: String?
        /// That step's reason: `deny: group:ui`, `not in allow`, `not in profile coding`.
        package var reason: String?

        /// Whether it may be used.
        package var isAllowed: Bool { removedBy == nil }
    }

    /// The steps that say something, in their order.
    package private(set) var steps: [Step] = []

    /// The rules for an agent.
    ///
    /// - Parameters:
    ///   - tools: The section `tools`.
    ///   - agentTools: The agent's own `tools`, and its id.
    ///   - models: The models that may answer, as `provider/model`: with several, each one's rules hold.
    package init(tools: JSONValue?, agentId: String, agentTools: JSONValue?, models: [String]) {
        let global = ToolPolicy(json: tools)
        add("tools.profile", ToolPolicy(profile: global.profile, alsoAllow: global.alsoAllow))
        let providers = Self.providerRules(tools, models: models)
        for (key, policy) in providers {
            add("tools.byProvider.\(key).profile", ToolPolicy(profile: policy.profile, alsoAllow: policy.alsoAllow))
        }
        add("tools", ToolPolicy(allow: global.allow, deny: global.deny))
        for (key, policy) in providers {
            add("tools.byProvider.\(key)", ToolPolicy(allow: policy.allow, deny: policy.deny))
        }
        let own = "agents.list[\(agentId)].tools"
        add(own, ToolPolicy(json: agentTools))
        for (key, policy) in Self.providerRules(agentTools, models: models) { add("\(own).byProvider.\(key)", policy) }
    }

    /// What becomes of the tool `name`.
    package func verdict(_ name: String) -> Verdict {
        for step in steps {
            if let reason = step.policy.refusal(of: name) {
                return Verdict(tool: name, removedBy: step.place, reason: reason)
            }
        }
        return Verdict(tool: name)
    }

    /// Whether the tool may be used.
    package func allows(_ name: String) -> Bool { verdict(name).isAllowed }

    private mutating func add(_ place: String, _ policy: ToolPolicy) {
        let saysNothing = policy.profile == nil && policy.allow.isEmpty && policy.deny.isEmpty
        if !saysNothing { steps.append(Step(place: place, policy: policy)) }
    }

    /// The entries of `byProvider` that hold for the models: for each the one named `provider/model`, else `provider`.
    private static func providerRules(_ tools: JSONValue?, models: [String]) -> [(key: String, policy: ToolPolicy)] {
        guard let rules = tools?["byProvider"], !rules.isNull else { return [] }
        guard let entries = rules.objectValue else { return [("*", ToolPolicy(deny: ["*"]))] }
        var found: [(key: String, policy: ToolPolicy)] = []
        for model in models {
            let model = model.lowercased()
            let provider = model.split(separator: "/", maxSplits: 1).first.map(String.init) ?? model
            for wanted in [model, provider] {
                guard let entry = entries.first(where: { $0.key.lowercased() == wanted }) else { continue }
                let policy = entry.value.objectValue == nil ? ToolPolicy(deny: ["*"]) : ToolPolicy(json: entry.value)
                if !found.contains(where: { $0.key == entry.key }) { found.append((entry.key, policy)) }
                break
            }
        }
        return found
    }
}
