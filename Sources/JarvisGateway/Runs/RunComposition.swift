import JarvisAgent
import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisKit
import JarvisProviders
import JarvisStore
import JarvisTools

/// What a run is made of, from the configuration of the moment it starts.
extension Gateway {
    /// Makes the setup of one run.
    func compose(_ request: RunRequest) async throws -> RunSetup {
        let record = try await store.run(request.runId)
        let session = try await store.session(request.sessionKey)
        let config = self.config.config
        let recent = try await store.contextEntries(forRun: request.runId, limit: 4).compactMap(\.message)
        // A yes to the operator's question is the operator's, also when a model could answer it.
        let isOperatorOnly =
            record?.request["operatorOnly"]?.boolValue == true || OperatorProvider.isAwaited(in: recent)
        let references =
            isOperatorOnly
            ? [] : models.references(forAgent: request.agentId, session: session?.fields ?? [:], config: config)
        let (model, turns) = models.chain(
            references: references, operatorHost: GatewayOperatorHost(gateway: self), runId: request.runId,
            config: config)
        let directory = workspace(ofAgent: request.agentId)
        let workspace = Workspace(directory: directory, clock: clock)
        let files = try await Blocking.run { [holdWorkspace] in
            try holdWorkspace(directory)
            _ = try workspace.prepare()
            return workspace.contextFiles()
        }
        let tools = toolRegistry().tools(policy: Self.policy(config.tools))
        var prompt = SystemPrompt(workspace: directory, date: String(WallClock.iso8601(clock.now()).prefix(10)))
        prompt.files = files
        prompt.tools = tools.map(\.definition)
        prompt.extra = request.extraSystemPrompt
        prompt.commandPrefix = instance.command
        prompt.runtime = [("agent", request.agentId), ("host", hostName), ("model", model.reference)]
        return RunSetup(model: model, turns: turns, system: prompt.text, tools: tools, workspace: directory)
    }

    /// The workspace of an agent: its own setting, the defaults', or the instance's place for it.
    func workspace(ofAgent agentId: String) -> String {
        let config = self.config.config
        if let own = config.agents.list.first(where: { $0.id == agentId })?.workspace {
            return instance.expand(own)
        }
        if agentId == defaultAgentId() {
            return config.agents.defaults.workspace.map(instance.expand) ?? instance.defaultWorkspace
        }
        return instance.defaultWorkspace(agent: agentId)
    }

    /// The tools, bound to this gateway.
    func toolRegistry() -> ToolRegistry {
        var environment = ToolEnvironment(sessionStatus: { [weak self] key in try await self?.sessionStatus(key) })
        if canvas.isEnabled { environment.canvas = { [self] command in try await perform(command) } }
        return ToolRegistry(environment: environment)
    }

    private static func policy(_ tools: ToolsConfig) -> ToolPolicy {
        ToolPolicy(profile: tools.profile, allow: tools.allow ?? [], alsoAllow: tools.alsoAllow, deny: tools.deny)
    }

    private func sessionStatus(_ key: SessionKey) async throws -> SessionStatus? {
        guard let session = try await store.session(key) else { return nil }
        let model = models.descriptor(forAgent: session.agentId, session: session.fields, config: config.config)
        return SessionStatus(
            key: key, sessionId: session.sessionId, agentId: session.agentId, model: model.reference,
            contextWindow: model.contextWindow, contextTokens: session.fields["totalTokens"]?.intValue ?? 0,
            inputTokens: session.fields["inputTokens"]?.intValue ?? 0,
            outputTokens: session.fields["outputTokens"]?.intValue ?? 0, updatedAt: session.updatedAt,
            now: clock.now(),
            facts: [
                ("gateway", "\(instance.displayName), version \(version)"),
                ("uptime", "\((clock.now() - startedAt) / 1000) s"),
            ])
    }
}
