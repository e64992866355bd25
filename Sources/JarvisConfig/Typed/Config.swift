import JarvisCore

/// The configuration in types, defaults filled in. A value that is absent or was refused has its default.
package struct Config: Sendable {
    /// The server.
    package let gateway: GatewayConfig
    /// Who answers.
    package let agents: AgentsConfig
    /// Where answers come from.
    package let models: ModelsConfig
    /// How messages become conversations.
    package let session: SessionConfig
    /// What is written down.
    package let logging: LoggingConfig
    /// How the page looks.
    package let ui: UIConfig
    /// How replies look.
    package let messages: MessagesConfig
    /// Slash commands.
    package let commands: CommandsConfig
    /// What agents may do.
    package let tools: ToolsConfig
    /// The canvas.
    package let canvasHost: CanvasHostConfig
    /// The browsers that agents drive.
    package let browser: BrowserConfig
    /// What JARVIS noted about the file.
    package let meta: MetaConfig

    private let redacted: JSONValue

    init(reading value: JSONValue, disabled: [String], redacted: JSONValue = [:]) {
        let reader = ConfigReader(value)
        gateway = GatewayConfig(reader.section("gateway"), isAuthBroken: disabled.contains("gateway.auth"))
        agents = AgentsConfig(reader.section("agents"))
        models = ModelsConfig(reader.section("models"), disabled: disabled)
        session = SessionConfig(reader.section("session"))
        logging = LoggingConfig(reader.section("logging"))
        ui = UIConfig(reader.section("ui"))
        messages = MessagesConfig(reader.section("messages"))
        commands = CommandsConfig(reader.section("commands"))
        tools = ToolsConfig(reader.section("tools"))
        canvasHost = CanvasHostConfig(reader.section("canvasHost"))
        browser = BrowserConfig(reader.section("browser"))
        meta = MetaConfig(reader.section("meta"))
        self.redacted = redacted
    }

    /// A configuration of defaults only.
    package static let defaults = Config(reading: [:], disabled: [])

    /// A section that is passed through (`channels`, `cron`, `hooks` …) with secrets as the sentinel; nil
    /// when the file has none. The secrets are in `ConfigSnapshot.secret(at:)`.
    package func section(_ name: String) -> JSONValue? { redacted[name] }
}

/// `logging`.
package struct LoggingConfig: Sendable {
    /// `silent`, `fatal`, `error`, `warn`, `info` (default), `debug` or `trace`.
    package let level: String
    /// The log file; nil: the default place in the state directory.
    package let file: String?
    /// The size in bytes at which a new file begins. Default 10 MiB.
    package let maxFileBytes: Int
    /// The level for the terminal. Default: `level`.
    package let consoleLevel: String
    /// `pretty` (default), `compact` or `json`.
    package let consoleStyle: String
    /// `off` or `tools` (default).
    package let redactSensitive: String
    /// Regular expressions of further secrets.
    package let redactPatterns: [String]

    init(_ reader: ConfigReader) {
        level = reader.string("level", else: "info")
        file = reader.string("file")
        maxFileBytes = reader.int("maxFileBytes", else: 10_485_760)
        consoleLevel = reader.string("consoleLevel") ?? level
        consoleStyle = reader.string("consoleStyle", else: "pretty")
        redactSensitive = reader.string("redactSensitive", else: "tools")
        redactPatterns = reader.strings("redactPatterns")
    }
}

/// `ui`.
package struct UIConfig: Sendable {
    /// The accent colour, `#RRGGBB`; nil: the instance's own.
    package let seamColor: String?
    /// The assistant's name in the page.
    package let assistantName: String?
    /// The assistant's picture in the page.
    package let assistantAvatar: String?

    init(_ reader: ConfigReader) {
        seamColor = reader.string("seamColor")
        assistantName = reader.string("assistant.name")
        assistantAvatar = reader.string("assistant.avatar")
    }
}

/// `messages`, as far as it is read here.
package struct MessagesConfig: Sendable {
    /// Put before every reply; nil: nothing.
    package let responsePrefix: String?
    /// Put before every message that the model reads; nil: nothing.
    package let messagePrefix: String?
    /// Whether failed tools are left out of replies. Default false.
    package let suppressToolErrors: Bool

    init(_ reader: ConfigReader) {
        responsePrefix = reader.string("responsePrefix")
        messagePrefix = reader.string("messagePrefix")
        suppressToolErrors = reader.flag("suppressToolErrors")
    }
}

/// `commands`.
package struct CommandsConfig: Sendable {
    /// Whether slash commands are read in messages. Default true.
    package let text: Bool
    /// Whether `!` runs a command. Default false.
    package let bash: Bool
    /// Whether `/config` is there. Default false.
    package let config: Bool
    /// Whether `/debug` is there. Default false.
    package let debug: Bool
    /// Whether `/restart` is there. Default true.
    package let restart: Bool
    /// Whether access groups decide who may use them. Default true.
    package let useAccessGroups: Bool

    init(_ reader: ConfigReader) {
        text = reader.flag("text")
        bash = reader.flag("bash")
        config = reader.flag("config")
        debug = reader.flag("debug")
        restart = reader.flag("restart")
        useAccessGroups = reader.flag("useAccessGroups")
    }
}

/// `tools`, as far as it is read here.
package struct ToolsConfig: Sendable {
    /// `minimal`, `coding`, `messaging` or `full`; nil: all tools.
    package let profile: String?
    /// Only these tools; nil: no restriction.
    package let allow: [String]?
    /// These besides the profile.
    package let alsoAllow: [String]
    /// Never these.
    package let deny: [String]

    init(_ reader: ConfigReader) {
        profile = reader.string("profile")
        allow = reader.optionalStrings("allow")
        alsoAllow = reader.strings("alsoAllow")
        deny = reader.strings("deny")
    }
}

/// `canvasHost`.
package struct CanvasHostConfig: Sendable {
    /// Whether the canvas is served. Default true.
    package let enabled: Bool
    /// The directory of its files as written; nil: the default place in the state directory.
    package let root: String?
    /// Whether shown pages load anew when a file changes. Default true.
    package let liveReload: Bool
    /// How long an address of the canvas stays good after its last use, in seconds. Default 600.
    package let capabilityTtlSeconds: Int

    init(_ reader: ConfigReader) {
        enabled = reader.flag("enabled")
        root = reader.string("root")
        liveReload = reader.flag("liveReload")
        capabilityTtlSeconds = reader.int("capabilityTtlSeconds", else: 600)
    }
}

/// `meta`.
package struct MetaConfig: Sendable {
    /// The version that wrote the file last.
    package let lastTouchedVersion: String?
    /// When it wrote, ISO 8601.
    package let lastTouchedAt: String?

    init(_ reader: ConfigReader) {
        lastTouchedVersion = reader.string("lastTouchedVersion")
        lastTouchedAt = reader.string("lastTouchedAt")
    }
}
