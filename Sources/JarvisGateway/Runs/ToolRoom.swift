import JarvisAgent
import JarvisCore
import JarvisKit
import JarvisTools

/// What the tools of an agent take of its model's window: every request tells of all of them. Tools for which there is no
/// room are left out.
struct ToolRoom: Sendable {
    /// The agent.
    var agentId: String
    /// The model that answers first.
    var model: ModelDescriptor
    /// The tools that are left out, with the tokens that each would take.
    var leftOut: [(name: String, tokens: Int)]
    /// The tokens that the others take.
    var tokens: Int

    /// The tools among `tools` that are left out.
    init(agentId: String, model: ModelDescriptor, tools: [ToolDefinition]) {
        self.agentId = agentId
        self.model = model
        leftOut = ContextBuilder.tooLarge(tools, contextWindow: model.contextWindow).map {
            ($0.name, ContextBuilder.tokens($0))
        }
        tokens = tools.reduce(0) { $0 + ContextBuilder.tokens($1) } - leftOut.reduce(0) { $0 + $1.tokens }
    }

    /// Where the window stands in the configuration.
    var place: String { "models.providers.\(model.provider).models[\(model.id)].contextWindow" }

    /// Why the tool `name` is left out; nil when it is not.
    func reason(_ name: String) -> String? {
        leftOut.first { $0.name == name }.map {
            "needs about \($0.tokens) tokens; all tools may take \(ContextBuilder.toolRoom(contextWindow: model.contextWindow))"
                + " of a window of \(model.contextWindow)"
        }
    }

    /// For people; nil when nothing is left out and the others take at most a third of the window.
    var sentence: String? {
        guard !leftOut.isEmpty else {
            if tokens <= model.contextWindow / 3 { return nil }
            return "Agent \(agentId) has little room to talk: its tools take about \(tokens) of the "
                + "\(model.contextWindow) tokens of \(model.reference)."
        }
        let names = leftOut.map { "\($0.name) (about \($0.tokens) tokens)" }.joined(separator: ", ")
        return
            "Agent \(agentId) works without \(names): \(model.reference) has a window of \(model.contextWindow) tokens, "
            + "of which tools may take \(ContextBuilder.toolRoom(contextWindow: model.contextWindow))."
    }
}

extension Gateway {
    /// The tools of a run: those that every rule allows and the model has room for.
    func tools(forAgent agentId: String, models: [String], answering model: ModelDescriptor) -> [any Tool] {
        let allowed = toolRegistry().tools(toolPolicy(forAgent: agentId, models: models))
        let room = ToolRoom(agentId: agentId, model: model, tools: allowed.map(\.definition))
        guard let sentence = room.sentence else { return allowed }
        // Once, and not with every run.
        if toldToolRoom.insert(sentence).inserted {
            logger.notice("\(sentence) tools.profile minimal offers fewer.")
        }
        return allowed.filter { room.reason($0.definition.name) == nil }
    }

    /// The agents whose model has a small window for their tools, in words.
    func toolRoomSentences() -> [String] {
        let registry = toolRegistry()
        let ids = config.config.agents.list.map(\.id) + [defaultAgentId()]
        var seen: Set<String> = []
        return ids.filter { seen.insert($0).inserted }.compactMap { id in
            let references = models.references(forAgent: id, session: [:], config: config.config)
            let allowed = registry.tools(toolPolicy(forAgent: id, models: references))
            let model = models.descriptor(forAgent: id, session: [:], config: config.config)
            return ToolRoom(agentId: id, model: model, tools: allowed.map(\.definition)).sentence
        }
    }
}
