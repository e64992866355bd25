import JarvisCore

/// `agents`.
package struct AgentsConfig: Sendable {
    /// What holds for every agent.
    package let defaults: AgentDefaultsConfig
    /// The agents, in the order of the file. Empty: there is one, `main`.
    package let list: [AgentConfig]

    init(_ reader: ConfigReader) {
        defaults = AgentDefaultsConfig(reader.section("defaults"))
        list = reader.list("list").compactMap(AgentConfig.init)
    }

    /// The agent marked as default, else the first, else `main`.
    package var defaultId: String { (list.first(where: \.isDefault) ?? list.first)?.id ?? "main" }

    /// The agent `id`, lower-cased; nil when there is none in the list.
    package func agent(_ id: String) -> AgentConfig? { list.first { $0.id == id.lowercased() } }
}

/// A model with what to try when it fails.
package struct ModelChoice: Sendable, Hashable {
    /// `provider/model`; nil: none chosen.
    package let primary: String?
    /// Tried in order.
    package let fallbacks: [String]

    init(_ reader: ConfigReader, _ key: String) {
        if let text = reader.string(key) {
            primary = text
            fallbacks = []
        } else {
            primary = reader.string(key + ".primary")
            fallbacks = reader.strings(key + ".fallbacks")
        }
    }

    /// Primary and fallbacks without repetition.
    package var chain: [String] {
        var seen: Set<String> = []
        return ((primary.map { [$0] } ?? []) + fallbacks).filter { seen.insert($0).inserted }
    }
}

/// `agents.defaults`.
package struct AgentDefaultsConfig: Sendable {
    /// An entry of `agents.defaults.models`.
    package struct AllowedModel: Sendable {
        /// `provider/model`.
        package let reference: String
        /// A short name.
        package let alias: String?
        /// Parameters sent with every request.
        package let params: JSONObject
        /// Whether to ask for a stream. Default true.
        package let streaming: Bool
    }

    /// The configured directory; nil: the instance's default.
    package let workspace: String?
    /// Do not create the workspace's first files. Default false.
    package let skipBootstrap: Bool
    /// How many characters of one workspace file go into the prompt. Default 20,000.
    package let bootstrapMaxChars: Int
    /// How many characters of all of them. Default 150,000.
    package let bootstrapTotalMaxChars: Int
    /// The owner's time zone.
    package let userTimezone: String?
    /// `auto` (default), `12` or `24`.
    package let timeFormat: String
    /// The model.
    package let model: ModelChoice
    /// The model that looks at pictures.
    package let imageModel: ModelChoice
    /// Models that may be chosen; empty: all.
    package let models: [AllowedModel]
    /// How long one run may take, in seconds. Default 600.
    package let timeoutSeconds: Int
    /// How many runs work at the same time. Default 4.
    package let maxConcurrent: Int
    /// `off` … `xhigh`, `adaptive`; nil: the model decides.
    package let thinkingDefault: String?
    /// `off` (default), `on` or `full`.
    package let verboseDefault: String
    /// The context size to count with, in tokens; nil: the model's own.
    package let contextTokens: Int?
    /// The largest attachment in megabytes. Default 5.
    package let mediaMaxMb: Double
    /// Parameters sent with every request.
    package let params: JSONObject

    init(_ reader: ConfigReader) {
        workspace = reader.string("workspace")
        skipBootstrap = reader.flag("skipBootstrap")
        bootstrapMaxChars = reader.int("bootstrapMaxChars", else: 20000)
        bootstrapTotalMaxChars = reader.int("bootstrapTotalMaxChars", else: 150_000)
        userTimezone = reader.string("userTimezone")
        timeFormat = reader.string("timeFormat", else: "auto")
        model = ModelChoice(reader, "model")
        imageModel = ModelChoice(reader, "imageModel")
        models = reader.map("models").map { name, entry in
            AllowedModel(
                reference: name, alias: entry.string("alias"), params: entry.json("params")?.objectValue ?? [:],
                streaming: entry.flag("streaming"))
        }
        timeoutSeconds = reader.int("timeoutSeconds", else: 600)
        maxConcurrent = reader.int("maxConcurrent", else: 4)
        thinkingDefault = reader.string("thinkingDefault")
        verboseDefault = reader.string("verboseDefault", else: "off")
        contextTokens = reader.int("contextTokens")
        mediaMaxMb = reader.double("mediaMaxMb")
        params = reader.json("params")?.objectValue ?? [:]
    }
}

/// An entry of `agents.list`.
package struct AgentConfig: Sendable {
    /// How an agent looks.
    package struct Identity: Sendable {
        /// What it calls itself.
        package let name: String?
        /// What it is like.
        package let theme: String?
        /// Its sign.
        package let emoji: String?
        /// A picture: path in the workspace, address or data URL.
        package let avatar: String?
    }

    /// Lower case.
    package let id: String
    /// Whether it answers where no rule names an agent.
    package let isDefault: Bool
    /// Its name for people.
    package let name: String?
    /// Its directory; nil: derived from the instance.
    package let workspace: String?
    /// Its model; without a primary the defaults hold.
    package let model: ModelChoice
    /// How it looks.
    package let identity: Identity
    /// The skills it may use; nil: all.
    package let skills: [String]?
    /// Overrides `agents.defaults.thinkingDefault`.
    package let thinkingDefault: String?
    /// Parameters sent with every request.
    package let params: JSONObject
    /// Its `tools` entry.
    package let tools: JSONObject

    init?(_ reader: ConfigReader) {
        guard let id = reader.string("id"), !id.isEmpty else { return nil }
        self.id = id.lowercased()
        isDefault = reader.flag("default")
        name = reader.string("name")
        workspace = reader.string("workspace")
        model = ModelChoice(reader, "model")
        identity = Identity(
            name: reader.string("identity.name"), theme: reader.string("identity.theme"),
            emoji: reader.string("identity.emoji"), avatar: reader.string("identity.avatar"))
        skills = reader.optionalStrings("skills")
        thinkingDefault = reader.string("thinkingDefault")
        params = reader.json("params")?.objectValue ?? [:]
        tools = reader.json("tools")?.objectValue ?? [:]
    }
}
