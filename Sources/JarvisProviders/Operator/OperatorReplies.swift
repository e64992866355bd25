import JarvisCore
import JarvisKit

/// The answers that need only the facts. The first line answers; the rest helps.
struct OperatorReplies: Sendable {
    /// The facts.
    var health: OperatorHealth
    /// The failure that made the operator stand in, in this very run.
    var failure: OperatorModelFailure?

    typealias Words = OperatorWords

    private var command: String { health.commandPrefix }

    /// `I am the operator …`, with the reason why no model speaks.
    var introduction: String {
        if let failure {
            return
                "I am the operator, the built-in assistant. The model `\(Words.inert(failure.model, limit: 80))` did not "
                + "answer: \(Words.failure(failure))."
        }
        guard let model = health.model else {
            return "I am the operator, the built-in assistant. No model is connected yet."
        }
        return "I am the operator, the built-in assistant, not the model `\(Words.inert(model, limit: 80))`."
    }

    /// The introduction where the answer itself already tells about the model.
    var shortIntroduction: String { "I am the operator, the built-in assistant." }

    /// What can be asked, for help and for everything else that is not understood.
    var abilities: String {
        """
        - **status** · **what is wrong** · **last errors** · **logs**
        - **connect a model** · **which model**
        - **get** `gateway.port` · **set** `gateway.port to 19000` · **undo**
        - **restart** · **sessions** · **dashboard** · **version**
        """
    }

    var help: String { "I can do this, in your own words or as `/status`, `/restart` …:\n\(abilities)" }

    var greeting: String {
        "Hello. \(introduction)\nThis is \(name), up for \(uptime). Say **status**, **what is wrong** or **help**."
    }

    var presence: String {
        "Yes, the gateway \(name) is here, up for \(uptime).\n\(modelSentence)"
    }

    var identity: String {
        """
        \(introduction)
        I am a fixed program inside the gateway \(name), JARVIS \(Words.inert(health.version, limit: 40)): I report, \
        change settings after a yes, and restart. I can't hold a conversation; that takes a model. Say **help** for the list.
        """
    }

    var thanks: String { "You're welcome. The operator stays here; say **help** for what I can do." }

    var goodbye: String { "Goodbye. The gateway stays up." }

    /// The gateway in numbers.
    var status: String {
        var lines = ["\(verdict) The gateway \(name) is up for \(uptime)."]
        lines.append("- Model: \(modelFact)")
        lines.append("- Port \(health.port.map(String.init) ?? "none") · pid \(health.pid)\(memory)")
        let active = max(0, health.activeRuns - 1)
        lines.append(
            "- \(Words.count(health.sessionCount, "session")), \(active == 0 ? "no other run" : Words.count(active, "other run")) "
                + "in progress")
        if !health.configIssues.isEmpty {
            lines.append("- Config: \(Words.count(health.configIssues.count, "problem")); say **validate config**")
        } else if !health.configWarnings.isEmpty {
            lines.append("- Config: \(Words.count(health.configWarnings.count, "warning"))")
        }
        if let error = health.recentErrors.first {
            lines.append("- Last error \(Words.ago(error.at, health)): \(Words.inert(error.message, limit: 100))")
        }
        lines.append("- JARVIS \(Words.inert(health.version, limit: 40))")
        return lines.joined(separator: "\n")
    }

    /// What is wrong, worst first, with the remedy.
    var diagnosis: String {
        var findings: [String] = []
        if let failure = currentFailure {
            findings.append(
                "The model `\(Words.inert(failure.model, limit: 80))` does not answer (\(Words.ago(failure.at, health))): "
                    + "\(Words.failure(failure)). \(Words.remedy(failure, health))")
        } else if health.model == nil {
            findings.append("No model is connected, so only I answer. Say **connect a model**.")
        }
        findings += health.configIssues.prefix(3).map { "Config: \(Words.inert($0))" }
        let errors = health.recentErrors.prefix(3)
        guard !findings.isEmpty || !errors.isEmpty else {
            return "Nothing is wrong that I can see: the gateway \(name) is up for \(uptime), no errors, "
                + "model `\(Words.inert(health.model ?? "", limit: 80))`."
        }
        var lines: [String] = []
        if findings.count == 1 {
            lines.append(findings[0])
        } else if findings.isEmpty {
            lines.append("The gateway works, but it logged \(errors.count == 1 ? "an error" : "errors"):")
        } else {
            lines.append("\(findings.count) problems:")
            lines += findings.enumerated().map { "\($0.offset + 1). \($0.element)" }
        }
        if !findings.isEmpty, !errors.isEmpty { lines.append("Last errors:") }
        if !errors.isEmpty { lines.append(Words.list(Array(errors), health, limit: 120)) }
        return lines.joined(separator: "\n")
    }

    /// Why no model answers.
    var silence: String {
        guard let failure = currentFailure else {
            guard let model = health.model else {
                return "No model is connected, so only I, the operator, can answer.\n\(connectShort)"
            }
            return
                "I see no failure of `\(Words.inert(model, limit: 80))`: the gateway is up for \(uptime) and ready.\n"
                + "Write again; if it stays silent, say **last errors** or **restart**."
        }
        return
            "The model `\(Words.inert(failure.model, limit: 80))` did not answer (\(Words.ago(failure.at, health))): "
            + "\(Words.failure(failure)).\n\(Words.remedy(failure, health))"
    }

    /// How to connect a model.
    func connectModel(provider: String?) -> String {
        let known = Self.providers.first { $0.id == provider } ?? Self.providers[0]
        let key = known.variable.map {
            "\n`\(command) config set models.providers.\(known.id).apiKey '${\($0)}'`"
        }
        return """
            Run `\(command) onboard` in a terminal on this machine: it asks for provider, key and model.
            By hand:
            `\(command) config set models.providers.\(known.id).baseUrl \(known.url)`\(key ?? "")
            `\(command) config set agents.defaults.model \(known.model)`
            Never send a key in this chat: chats are stored.\(known.variable.map { " `${\($0)}` is read from the gateway's environment." } ?? "")
            """
    }

    private static let providers: [(id: String, url: String, variable: String?, model: String)] = [
        ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "openai/gpt-4o"),
        ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "openrouter/MODEL"),
        ("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "groq/MODEL"),
        ("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "mistral/MODEL"),
        ("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "deepseek/MODEL"),
        ("anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "anthropic/MODEL"),
        (
            "google", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY", "google/MODEL"
        ),
        ("ollama", "http://127.0.0.1:11434/v1", nil, "ollama/MODEL"),
    ]

    private var connectShort: String {
        "To connect one: `\(command) onboard` in a terminal on this machine, then write again.\n"
            + "Say **connect a model** for doing it by hand."
    }

    var modelStatus: String {
        guard let model = health.model else {
            return "None: no model is connected. I am the operator, a fixed program.\n\(connectShort)"
        }
        let state = currentFailure.map { "It failed \(Words.ago($0.at, health)): \(Words.failure($0))." }
        return "The configured model is `\(Words.inert(model, limit: 80))`. \(state ?? "I know of no failure.")\n"
            + "Change it: `set agents.defaults.model to provider/model`. This answer is the operator's."
    }

    var configHelp: String {
        """
        The settings are in `\(Words.inert(health.configPath, limit: 300))`.
        - Read: **get** `gateway.port`, or a section: **config get** `gateway`
        - Change: **set** `gateway.port to 19000` (I ask before I write), **unset** `gateway.port`, **undo**
        - Check: **validate config**, or `\(command) config validate`
        """
    }

    var configFile: String { "The config file of \(name) is `\(Words.inert(health.configPath, limit: 300))`." }

    var configValidation: String {
        let issues = health.configIssues
        let warnings = health.configWarnings
        guard !issues.isEmpty || !warnings.isEmpty else {
            return "The config is valid: `\(Words.inert(health.configPath, limit: 300))`, no problems, no warnings."
        }
        let first =
            issues.isEmpty
            ? "The config is valid, with \(Words.count(warnings.count, "warning")):"
            : "The config has \(Words.count(issues.count, "problem")):"
        let lines =
            issues.prefix(8).map { "- \(Words.inert($0))" } + warnings.prefix(5).map { "- warning: \(Words.inert($0))" }
        return ([first] + lines + ["All of them: `\(command) config validate`"]).joined(separator: "\n")
    }

    var uptimeAnswer: String {
        "Up for \(uptime), since \(WallClock.iso8601(health.startedAt).prefix(19)) UTC. This is \(name)."
    }

    var version: String { "JARVIS \(Words.inert(health.version, limit: 40)), instance \(name)." }

    var port: String {
        guard let port = health.port else { return "No port is open right now." }
        return "Port \(port). Change it: `set gateway.port to …`."
    }

    var dashboard: String {
        let link =
            health.dashboardURL.map { "The page is at \(Words.inert($0, limit: 200))" } ?? "The page is switched off"
        return "\(link).\nTo open it signed in: `\(command) dashboard` on this machine."
    }

    var instance: String {
        let profile = health.profile.map { "profile `\(Words.inert($0, limit: 64))`" } ?? "the default profile"
        return """
            You talk to \(name), \(profile), on port \(health.port.map(String.init) ?? "none").
            - Config: `\(Words.inert(health.configPath, limit: 300))`
            - Instance id: `\(Words.inert(health.instanceId, limit: 64))` · pid \(health.pid)
            - Commands for it begin with `\(command)`
            """
    }

    var shutdown: String {
        "I don't stop the gateway from chat: nobody could reach me to start it again.\n"
            + "Say **restart**, or stop it on its machine, where it was started."
    }

    var newSession: String {
        "To begin a new conversation, send `/new`, or press “New” on the page.\n"
            + "What was said stays in the store; `\(command) sessions list` shows it."
    }

    /// A request that needs a model.
    var general: String {
        let advice = failure.map { failure in
            let remedy = Words.remedy(failure, health)
            return failure.reason == .auth ? remedy : "\(remedy) Or connect another: `\(command) onboard`."
        }
        return
            "\(introduction)\n\(advice ?? "That takes a model. \(connectShort)")\nWhat I can do myself:\n\(abilities)"
    }

    func unknownCommand(_ name: String) -> String {
        let shown = name.isEmpty ? "that command" : "`/\(Words.inert(name, limit: 20))`"
        return "I, the operator, don't have \(shown). What I can do:\n\(abilities)"
    }

    /// The refusal of a secret, with the way that works. Never repeats what was sent.
    func secret(path: String?, wasSent: Bool) -> String {
        let target = path.map { Words.inert($0, limit: 200) } ?? "models.providers.openai.apiKey"
        var text = """
            I don't take secrets in chat: chats are stored. Nothing was changed.
            In a terminal on this machine: `\(command) onboard`, or for one setting:
            `\(command) config set \(target) '${NAME}'` with the secret in the environment variable NAME.
            """
        if wasSent {
            text += "\nIf what you sent was real, replace it at its issuer: it is in this chat's history now."
        }
        return text
    }

    // MARK: Facts

    /// The instance's name in bold.
    var name: String { "**\(Words.inert(health.displayName, limit: 64))**" }

    var uptime: String { Words.span(health.now - health.startedAt) }

    private var memory: String { health.memoryBytes.map { " · \(max(1, $0 / 1_048_576)) MiB memory" } ?? "" }

    /// The newest failure of the configured model, unless it is an hour old: then it may long be over.
    var currentFailure: OperatorModelFailure? {
        if let failure { return failure }
        return health.modelFailures.first { health.now - $0.at < 3_600_000 }
    }

    private var modelFact: String {
        guard let model = health.model else { return "none connected; say **connect a model**" }
        let failed = currentFailure.map { ", failing: \(Words.failure($0))" } ?? ""
        return "`\(Words.inert(model, limit: 80))`\(failed)"
    }

    var modelSentence: String {
        if let failure = currentFailure {
            return "The model `\(Words.inert(failure.model, limit: 80))` is not answering: \(Words.failure(failure))."
        }
        if let model = health.model { return "The model `\(Words.inert(model, limit: 80))` is configured." }
        return "No model is connected yet; say **connect a model**."
    }

    private var verdict: String {
        if !health.configIssues.isEmpty || currentFailure != nil { return "Running, with problems." }
        if health.model == nil { return "Running, without a model." }
        return "All good."
    }
}
