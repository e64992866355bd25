import JarvisCore

/// `models`.
package struct ModelsConfig: Sendable {
    /// Whether `providers` are added to the built-in ones (default) or replace them.
    package let replacesBuiltIn: Bool
    /// The providers in the order of the file.
    package let providers: [ProviderConfig]

    init(_ reader: ConfigReader, disabled: [String]) {
        replacesBuiltIn = reader.string("mode") == "replace"
        providers = reader.map("providers").map { name, provider in
            let section = ConfigPath("models", "providers", name).description
            return ProviderConfig(name, provider, isBroken: disabled.contains(section))
        }
    }

    /// The provider `id`; nil when it is not configured.
    package func provider(_ id: String) -> ProviderConfig? { providers.first { $0.id == id } }

    /// Provider and model of a reference `provider/model`, split at the first slash; nil when either is not
    /// configured.
    package func resolve(_ reference: String) -> (provider: ProviderConfig, model: ModelConfig)? {
        guard let slash = reference.firstIndex(of: "/") else { return nil }
        let name = String(reference[reference.index(after: slash)...])
        guard let provider = provider(String(reference[..<slash])), let model = provider.model(name) else { return nil }
        return (provider, model)
    }
}

/// An entry of `models.providers`.
package struct ProviderConfig: Sendable {
    /// Its name.
    package let id: String
    /// The address before `/chat/completions`; nil: the built-in one, when the provider is built in.
    package let baseUrl: String?
    /// The key.
    package let apiKey: Secret?
    /// `api-key`, `aws-sdk`, `oauth` or `token`; nil: `api-key`.
    package let auth: String?
    /// The API kind. Default `openai-completions`.
    package let api: String
    /// Headers sent with every request.
    package let headers: [(name: String, value: Secret)]
    /// Whether the key goes into the Authorization header. Default true.
    package let authHeader: Bool
    /// Its models.
    package let models: [ModelConfig]
    /// Why it may not be used; nil: it may. A value of it holds an error, which the issues describe.
    package let disabledReason: String?

    init(_ id: String, _ reader: ConfigReader, isBroken: Bool) {
        self.id = id
        baseUrl = reader.string("baseUrl")
        apiKey = reader.secret("apiKey")
        auth = reader.string("auth")
        let api = reader.string("api", else: "openai-completions")
        self.api = api
        headers = reader.secrets("headers")
        authHeader = reader.flag("authHeader")
        models = reader.list("models").compactMap { ModelConfig($0, api: api) }
        disabledReason = isBroken ? "the configuration of models.providers.\(id) has an error" : nil
    }

    /// The model `id`; nil when it is not configured.
    package func model(_ id: String) -> ModelConfig? { models.first { $0.id == id } }
}

/// An entry of `models.providers.*.models`.
package struct ModelConfig: Sendable {
    /// Price of a million tokens in US dollars. Default zero.
    package struct Cost: Sendable, Hashable {
        /// Tokens sent.
        package let input: Double
        /// Tokens answered.
        package let output: Double
        /// Tokens read from the cache.
        package let cacheRead: Double
        /// Tokens written to the cache.
        package let cacheWrite: Double
    }

    /// The name that the provider knows.
    package let id: String
    /// The name for people. Default: the id.
    package let name: String
    /// The API kind. Default: the provider's.
    package let api: String
    /// Whether it can think before it answers. Default false.
    package let reasoning: Bool
    /// What it takes. Default `text`.
    package let input: [String]
    /// What it costs.
    package let cost: Cost
    /// How many tokens it can read. Default 200,000.
    package let contextWindow: Int
    /// How many tokens it may answer. Default 8192.
    package let maxTokens: Int
    /// Headers sent with every request.
    package let headers: [(name: String, value: Secret)]
    /// Deviations of its API.
    package let compat: JSONObject

    init?(_ reader: ConfigReader, api: String) {
        guard let id = reader.string("id"), !id.isEmpty else { return nil }
        self.id = id
        name = reader.string("name") ?? id
        self.api = reader.string("api") ?? api
        reasoning = reader.flag("reasoning")
        input = reader.strings("input")
        cost = Cost(
            input: reader.double("cost.input"), output: reader.double("cost.output"),
            cacheRead: reader.double("cost.cacheRead"), cacheWrite: reader.double("cost.cacheWrite"))
        contextWindow = reader.int("contextWindow", else: 200_000)
        maxTokens = reader.int("maxTokens", else: 8192)
        headers = reader.secrets("headers")
        compat = reader.json("compat")?.objectValue ?? [:]
    }
}
