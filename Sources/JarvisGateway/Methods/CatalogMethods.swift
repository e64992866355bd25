import JarvisAgent
import JarvisCore
import JarvisProtocol
import JarvisStore
import JarvisTools

/// What there is: models, agents, channels, tools.
enum CatalogMethods {
    static let handlers: [String: MethodHandler] = [
        "models.list": .immediate { gateway, _ in
            let models = gateway.models.all(gateway.config.config)
            return [
                "models": .array(
                    models.map { model in
                        [
                            "id": .string(model.id), "name": .string(model.name), "provider": .string(model.provider),
                            "contextWindow": JSONValue(model.contextWindow), "reasoning": .bool(model.reasoning),
                        ]
                    })
            ]
        },
        "agents.list": .immediate { gateway, _ in
            let config = gateway.config.config
            var agents = config.agents.list.map { agent in
                JSONValue.members([
                    "id": .string(agent.id), "name": agent.name.map(JSONValue.string),
                    "identity": gateway.identityOf(agent: agent.id),
                ])
            }
            if !config.agents.list.contains(where: { $0.id == gateway.defaultAgentId() }) {
                agents.insert(
                    [
                        "id": .string(gateway.defaultAgentId()),
                        "identity": gateway.identityOf(agent: gateway.defaultAgentId()),
                    ],
                    at: 0)
            }
            return [
                "defaultId": .string(gateway.defaultAgentId()), "mainKey": .string(config.session.mainKey),
                "scope": .string(config.session.scope), "agents": .array(agents),
            ]
        },
        "agent.identity.get": .immediate { gateway, call in
            let fromKey = try call.string("sessionKey").flatMap { try gateway.sessionKey($0).agentId }
            let agent = try gateway.agentId(call.string("agentId") ?? fromKey)
            var identity: JSONValue = ["agentId": .string(agent)]
            for (name, value) in gateway.identityOf(agent: agent).objectValue ?? [:] { identity[name] = value }
            return identity
        },
        "channels.status": .immediate { gateway, _ in
            [
                "ts": .int(gateway.clock.now()), "channelOrder": ["webchat"], "channelLabels": ["webchat": "WebChat"],
                "channels": ["webchat": ["configured": true, "running": true]],
                "channelAccounts": ["webchat": []], "channelDefaultAccountId": [:],
            ]
        },
        "tools.catalog": .immediate { gateway, call in
            let agent = try gateway.agentId(call.string("agentId"))
            return gateway.toolCatalog(agent: agent)
        },
        "tools.effective": .concurrent { gateway, call in
            let key = try call.string("sessionKey").map { try gateway.sessionKey($0) }
            let agent = try gateway.agentId(call.string("agentId") ?? key?.agentId)
            let session = if let key { try await gateway.store.session(key) } else { nil as SessionRecord? }
            return gateway.effectiveTools(agent: agent, session: session?.fields ?? [:])
        },
    ]
}

extension Gateway {
    /// An agent's name and face from the configuration.
    func identityOf(agent id: String) -> JSONValue {
        let agent = config.config.agents.agent(id)
        return .members([
            "name": .string(agent?.identity.name ?? agent?.name ?? config.config.ui.assistantName ?? "JARVIS"),
            "theme": agent?.identity.theme.map(JSONValue.string), "emoji": agent?.identity.emoji.map(JSONValue.string),
            "avatar": agent?.identity.avatar.map(JSONValue.string),
        ])
    }

    fileprivate func effectiveTools(agent: String, session: JSONObject) -> JSONValue {
        let references = models.references(forAgent: agent, session: session, config: config.config)
        let chain = toolPolicy(forAgent: agent, models: references)
        let catalog = toolRegistry().catalog
        let room = ToolRoom(
            agentId: agent, model: models.descriptor(forAgent: agent, session: session, config: config.config),
            tools: catalog.filter { chain.allows($0.name) })
        return [
            "agentId": .string(agent), "models": JSONValue(references), "steps": JSONValue(chain.steps.map(\.place)),
            "tools": .array(
                catalog.map { tool in
                    let verdict = chain.verdict(tool.name)
                    let noRoom = room.reason(tool.name)
                    return .members([
                        "id": .string(tool.name), "label": .string(tool.label), "group": .string("group:\(tool.group)"),
                        "tokens": JSONValue(ContextBuilder.tokens(tool)),
                        "allowed": .bool(verdict.isAllowed && noRoom == nil),
                        "removedBy": (verdict.removedBy ?? noRoom.map { _ in room.place }).map(JSONValue.string),
                        "reason": (verdict.reason ?? noRoom).map(JSONValue.string),
                    ])
                }),
        ]
    }

    fileprivate func toolCatalog(agent: String) -> JSONValue {
        let tools = toolRegistry().catalog
        let groups = Dictionary(grouping: tools, by: \.group).sorted { $0.key < $1.key }
        return [
            "agentId": .string(agent),
            "profiles": .array(
                ToolPolicy.profiles.keys.sorted().map { ["id": .string($0), "label": .string($0.capitalized)] }),
            "groups": .array(
                groups.map { group, tools in
                    [
                        "id": .string("group:\(group)"), "label": .string(group.capitalized), "source": "core",
                        "tools": .array(
                            tools.map { tool in
                                [
                                    "id": .string(tool.name), "label": .string(tool.label),
                                    "description": .string(tool.description), "source": "core",
                                    "defaultProfiles": JSONValue(
                                        ToolPolicy.profiles.keys.sorted().filter {
                                            ToolPolicy(profile: $0).allows(tool.name)
                                        }),
                                ]
                            }),
                    ]
                }),
        ]
    }
}
