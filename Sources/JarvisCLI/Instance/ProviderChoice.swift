import JarvisConfig
import JarvisCore
import JarvisHost

/// A model provider that onboarding can connect: every one that speaks the OpenAI chat completions API.
struct ProviderChoice: Sendable {
    /// The id in `models.providers`.
    var id: String
    /// The API's base URL.
    var baseUrl: String
    /// The model's id.
    var model: String
    /// The key, or a reference to it; nil for a server that wants none.
    var apiKey: String?

    /// A provider by the name of its auth choice.
    struct Preset: Sendable {
        /// The value of `--auth-choice`.
        let choice: String
        let id: String
        let baseUrl: String
        let model: String
        /// The variable that usually holds the key.
        let variable: String
    }

    /// The providers that need nothing but a key.
    static let presets = [
        Preset(
            choice: "openai-api-key", id: "openai", baseUrl: "https://api.openai.com/v1", model: "gpt-4.1",
            variable: "OPENAI_API_KEY"),
        Preset(
            choice: "openrouter-api-key", id: "openrouter", baseUrl: "https://openrouter.ai/api/v1",
            model: "openrouter/auto", variable: "OPENROUTER_API_KEY"),
        Preset(
            choice: "mistral-api-key", id: "mistral", baseUrl: "https://api.mistral.ai/v1",
            model: "mistral-large-latest", variable: "MISTRAL_API_KEY"),
    ]

    /// The values of `--auth-choice`.
    static let choices = ["skip", "custom-api-key"] + presets.map(\.choice)

    /// A provider id for a URL nobody named: its host, without what a key can't hold.
    static func id(forURL url: String) -> String {
        let host = url.split(separator: "/").dropFirst().first ?? ""
        let plain = host.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return plain.isEmpty ? "custom" : "custom-" + String(plain).split(separator: "-").joined(separator: "-")
    }

    /// Checks what a person typed.
    ///
    /// - Throws: `onboard.provider`, exit 2.
    func check() throws {
        guard baseUrl.hasPrefix("http://") || baseUrl.hasPrefix("https://"), baseUrl.utf8.count > 8 else {
            throw JarvisError(
                "onboard.provider", "“\(baseUrl.prefix(80))” is no base URL: expected http://… or https://…",
                hint: "For example http://127.0.0.1:8080/v1", exitCode: 2)
        }
        guard !model.isEmpty, !id.isEmpty, !id.contains("/") else {
            throw JarvisError(
                "onboard.provider", "a provider needs an id without “/” and a model id",
                hint: "--custom-model-id <model>",
                exitCode: 2)
        }
    }

    /// The configuration that makes this model answer.
    var patch: JSONObject {
        [
            "models": [
                "providers": [
                    id: .members([
                        "baseUrl": .string(baseUrl), "apiKey": apiKey.map(JSONValue.string),
                        "api": "openai-completions", "models": [["id": .string(model), "name": .string(model)]],
                    ])
                ]
            ],
            "agents": ["defaults": ["model": ["primary": .string("\(id)/\(model)")]]],
        ]
    }

    /// The variable that holds this provider's key in reference mode.
    var variable: String {
        Self.presets.first { $0.id == id }?.variable
            ?? String(id.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }) + "_API_KEY"
    }
}
