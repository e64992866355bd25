extension ConfigFields {
    static let apiKinds = [
        "openai-completions", "openai-responses", "openai-codex-responses", "anthropic-messages",
        "google-generative-ai", "github-copilot", "bedrock-converse-stream", "ollama",
    ]

    @FieldList static var models: [ConfigField] {
        Field("models", .object, nil, "Where answers come from.", reload: ConfigField.Reload.none)
        Field(
            "models.mode", .choice(["merge", "replace"]), "merge",
            "Whether the providers below are added to the built-in ones or replace them.")
        Field("models.providers", .map, nil, "Model providers by name.")
        Field("models.providers.*", .object, nil, "One provider.")
        Field(
            "models.providers.*.baseUrl", .url(schemes: ["http", "https"]), nil, "The address before /chat/completions."
        )
        Field(
            "models.providers.*.apiKey", .secret, nil, "The key; better \"${NAME}\" than the key itself.",
            sensitive: true, sharing: .share)
        Field(
            "models.providers.*.auth", .choice(["api-key", "aws-sdk", "oauth", "token"]), nil, "How to authenticate.")
        Field("models.providers.*.api", .choice(apiKinds), "openai-completions", "Which API it speaks.")
        Field("models.providers.*.headers", .map, nil, "Headers sent with every request.")
        Field(
            "models.providers.*.headers.*", .secret, nil, "The value of a header.", sensitive: true, sharing: .share)
        Field("models.providers.*.authHeader", .bool, true, "Whether the key goes into the Authorization header.")
        Field("models.providers.*.injectNumCtxForOpenAICompat", .bool, nil, "Send num_ctx to servers that want it.")
        Field("models.providers.*.models", .list, nil, "Its models.")
        Field("models.providers.*.models[]", .object, nil, "One model.")
        Field("models.providers.*.models[].id", .text, nil, "The name that the provider knows.")
        Field("models.providers.*.models[].name", .text, nil, "The name for people.")
        Field("models.providers.*.models[].api", .choice(apiKinds), nil, "Which API it speaks when not the provider's.")
        Field("models.providers.*.models[].reasoning", .bool, false, "Whether it can think before it answers.")
        Field("models.providers.*.models[].input", .strings, ["text"], "What it takes: text, image.")
        Field("models.providers.*.models[].cost", .object, nil, "Price of a million tokens in US dollars.")
        Field("models.providers.*.models[].cost.input", .number(0...1_000_000), 0, "Tokens sent.")
        Field("models.providers.*.models[].cost.output", .number(0...1_000_000), 0, "Tokens answered.")
        Field("models.providers.*.models[].cost.cacheRead", .number(0...1_000_000), 0, "Tokens read from the cache.")
        Field("models.providers.*.models[].cost.cacheWrite", .number(0...1_000_000), 0, "Tokens written to the cache.")
        Field(
            "models.providers.*.models[].contextWindow", .integer(FieldRange.positive), 200_000,
            "How much it can read.", unit: .tokens)
        Field(
            "models.providers.*.models[].maxTokens", .integer(FieldRange.positive), 8192, "How much it may answer.",
            unit: .tokens)
        Field("models.providers.*.models[].headers", .map, nil, "Headers sent with every request.")
        Field(
            "models.providers.*.models[].headers.*", .secret, nil, "The value of a header.", sensitive: true,
            sharing: .share)
        Field("models.providers.*.models[].compat", .any, nil, "Deviations of its API.")
        Field("models.bedrockDiscovery", .any, nil, "Finding Bedrock models.")
    }
}
