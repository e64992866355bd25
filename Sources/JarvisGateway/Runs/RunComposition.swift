import JarvisAgent
import JarvisBrowser
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
            return workspace.contextFiles(limit: SystemPrompt.fileLimit(contextWindow: model.contextWindow))
        }
        let tools = tools(forAgent: request.agentId, models: references, answering: model)
        var prompt = SystemPrompt(workspace: directory, date: String(WallClock.iso8601(clock.now()).prefix(10)))
        prompt.files = files
        prompt.tools = tools.map(\.definition)
        prompt.extra = request.extraSystemPrompt
        prompt.commandPrefix = instance.command
        prompt.runtime = [("agent", request.agentId), ("host", hostName), ("model", model.reference)]
        return RunSetup(
            model: model, turns: turns, system: prompt.text, tools: tools, workspace: directory, gate: toolGate())
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
        var environment = ToolEnvironment(
            browser: browserDoor(), sessionStatus: { [weak self] key in try await self?.sessionStatus(key) })
        if canvas.isEnabled { environment.canvas = { [self] command in try await perform(command) } }
        return ToolRegistry(environment: environment)
    }

    /// The agents' way to the browsers; nil when they are turned off.
    private func browserDoor() -> BrowserDoor? {
        guard browser != nil else { return nil }
        let settings = config.config.browser
        let shared = settings.profiles.filter { $0.driver == "existing-session" }.map(\.name)
        return BrowserDoor(
            defaultProfile: settings.defaultProfile, sharedProfiles: Set(shared),
            read: { path, limit in try await Blocking.run { try DurableFile.read(path, limit: limit) } },
            handle: { [weak self] request in
                await self?.browse(request) ?? BrowserReply(BrowserError(503, "stopping", "The gateway is stopping."))
            })
    }

    /// Which tools an agent may use with these models. Read from the file's own words: what the typed configuration
    /// left out as unreadable must not widen anything.
    func toolPolicy(forAgent agentId: String, models: [String]) -> ToolPolicyChain {
        let config = self.config.config
        let agents = config.section("agents")?["list"]?.arrayValue ?? []
        let own = agents.first { $0["id"]?.stringValue?.lowercased() == agentId.lowercased() }
        return ToolPolicyChain(
            tools: config.section("tools"), agentId: agentId, agentTools: own?["tools"], models: models)
    }

    /// Who decides about the calls of a run.
    func toolGate() -> GatewayToolGate {
        let tools = config.config.section("tools")
        return GatewayToolGate(gateway: self) { AskMode(setting: tools?[$0]?["ask"]) }
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
