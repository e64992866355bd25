import JarvisConfig
import JarvisCore
import JarvisKit
import JarvisNet
import JarvisProviders

/// The models of the configuration, and who runs a turn of them.
///
/// Nothing is kept between runs but the failures: a changed configuration is in force with the next run.
struct ModelCatalog: Sendable {
    /// The door to the network for model calls.
    let client: HTTPClient
    let clock: WallClock
    /// The last failures, for status and the operator.
    let failures = ModelFailures()

    /// The wire dialects that this version speaks.
    static let dialects = ["openai-completions"]

    /// Every model: the configured ones, then the operator.
    func all(_ config: Config) -> [ModelDescriptor] {
        config.models.providers.flatMap { provider in
            provider.models.map { Self.descriptor($0, of: provider) }
        } + [OperatorProvider.model]
    }

    /// The model that `text` names: `provider/model` of any configured provider, an alias, or the bare id of a model that
    /// one provider lists.
    func find(_ text: String, config: Config) -> ModelDescriptor? {
        let models = all(config)
        let wanted = config.agents.defaults.models.first { $0.alias == text }?.reference ?? text
        return models.first { $0.reference == wanted }
            ?? models.first { $0.reference.lowercased() == wanted.lowercased() }
            ?? models.first { $0.id == wanted } ?? Self.unlisted(wanted, config: config)
    }

    /// A model that its provider's list does not name: the provider may well have it, and says so itself if not.
    private static func unlisted(_ reference: String, config: Config) -> ModelDescriptor? {
        let parts = reference.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, let provider = config.models.provider(parts[0]) else { return nil }
        return ModelDescriptor(provider: provider.id, id: parts[1], api: provider.api)
    }

    /// The references that a session's next turn tries, in order, as configured: the session's own choice alone, else
    /// the agent's, else the defaults' primary and fallbacks.
    func references(forAgent agentId: String, session: JSONObject, config: Config) -> [String] {
        if let provider = session["providerOverride"]?.stringValue, let model = session["modelOverride"]?.stringValue {
            return ["\(provider)/\(model)"]
        }
        let own = config.agents.agent(agentId)?.model
        let choice = own?.primary == nil ? config.agents.defaults.model : own ?? config.agents.defaults.model
        let named = choice.chain
        if !named.isEmpty { return named }
        // Somebody who configured one provider with one model means it.
        return config.models.providers.flatMap { provider in
            provider.models.map { "\(provider.id)/\($0.id)" }
        }.prefix(1).map { $0 }
    }

    /// The model that answers first; the operator when none is configured.
    func descriptor(forAgent agentId: String, session: JSONObject, config: Config) -> ModelDescriptor {
        for reference in references(forAgent: agentId, session: session, config: config) {
            if let model = find(reference, config: config) { return model }
        }
        return OperatorProvider.model
    }

    /// Who answers a run: the models in order, the operator last, always.
    func chain(
        references: [String], operatorHost: any OperatorHost, runId: String, config: Config
    ) -> (model: ModelDescriptor, turns: ProviderChain) {
        var candidates: [ChainCandidate] = []
        for reference in references {
            switch candidate(reference, config: config) {
            case .success(let candidate): candidates.append(candidate)
            case .failure(let problem):
                failures.record(
                    ModelFailure(runId: runId, model: problem.model, error: problem.error, at: clock.now()))
            }
        }
        candidates.append(ChainCandidate(provider: OperatorProvider(host: operatorHost), model: OperatorProvider.model))
        return (candidates[0].model, ProviderChain(candidates: candidates, failures: failures, wallClock: clock))
    }

    private struct Problem: Error {
        var model: ModelDescriptor
        var error: ProviderError
    }

    private func candidate(_ reference: String, config: Config) -> Result<ChainCandidate, Problem> {
        let parts = reference.split(separator: "/", maxSplits: 1).map(String.init)
        func problem(_ text: String) -> Result<ChainCandidate, Problem> {
            let model = ModelDescriptor(provider: parts.first ?? reference, id: parts.last ?? reference, api: "")
            return .failure(Problem(model: model, error: ProviderError(.modelNotFound, text)))
        }
        guard let model = find(reference, config: config) else {
            return problem("no such model in the configuration (models.providers)")
        }
        guard model.provider != OperatorProvider.name, let provider = config.models.provider(model.provider) else {
            return problem("no such provider in the configuration (models.providers)")
        }
        if let reason = provider.disabledReason { return problem(reason) }
        guard Self.dialects.contains(model.api) else {
            return problem(
                "this version does not speak \"\(model.api)\"; it speaks \(Self.dialects.joined(separator: ", "))")
        }
        guard let baseUrl = provider.baseUrl, !baseUrl.isEmpty else {
            return problem("models.providers.\(provider.id).baseUrl is not set")
        }
        let compat = provider.model(model.id)?.compat ?? [:]
        let settings = CompletionsSettings(
            baseURL: baseUrl, apiKey: provider.apiKey.map { Credential($0.reveal()) },
            headers: (provider.headers + (provider.model(model.id)?.headers ?? [])).map {
                ($0.name, Credential($0.value.reveal()))
            }, sendsAuthorization: provider.authHeader,
            compat: CompletionsCompat(json: .object(compat)))
        let adapter = OpenAICompletionsProvider(
            id: provider.id, settings: settings, transport: HTTPCompletionsTransport(client: client), clock: clock)
        return .success(ChainCandidate(provider: adapter, model: model))
    }

    private static func descriptor(_ model: ModelConfig, of provider: ProviderConfig) -> ModelDescriptor {
        ModelDescriptor(
            provider: provider.id, id: model.id, name: model.name, api: model.api,
            contextWindow: model.contextWindow, maxTokens: model.maxTokens, reasoning: model.reasoning,
            input: model.input)
    }
}
