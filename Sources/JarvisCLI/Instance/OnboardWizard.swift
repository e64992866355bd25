import JarvisConfig
import JarvisCore
import JarvisHost

/// Onboarding by questions.
struct OnboardWizard {
    let context: CLIContext
    let instance: Instance
    /// Whether a service is installed; nil asks.
    var wantsService: Bool?

    private var terminal: Terminal { context.terminal }

    /// Asks, writes, and says what it made and how to look at it and to remove it.
    ///
    /// - Throws: `onboard.terminal`, exit 2, without a terminal; `onboard.cancelled`, exit 1, when the input ends.
    func run() async throws {
        guard terminal.canAsk else {
            throw JarvisError(
                "onboard.terminal", "onboard asks questions and needs a terminal.",
                hint: "In a script: \(instance.command) onboard --non-interactive --accept-risk …", exitCode: 2)
        }
        do {
            try await ask()
        } catch is Question.Ended {
            Terminal.write("\n")
            throw JarvisError("onboard.cancelled", "Cancelled; nothing was written.")
        }
    }

    private func ask() async throws {
        let color = InstanceColor.of(instanceId: nil, name: instance.displayName)
        Terminal.write(
            """
            Setting up the gateway \(color.paint(instance.displayName, enabled: terminal.hasColor)).
            Everything goes into \(instance.stateDirectory). Ctrl-C leaves without writing.

            An agent acts with your rights on this host: it reads what you let it read, and it can be talked into things.

            """)
        guard try Question.confirm("Go on", fallback: true) else {
            throw JarvisError("onboard.cancelled", "Cancelled; nothing was written.")
        }
        let config = context.configStore(instance).load().config
        var wishes = SetupWishes()
        wishes.actor = "onboard"
        wishes.port = try askPort(config)
        wishes.workspace = try Question.ask(
            "Workspace, where the agent's files are",
            fallback: config.agents.defaults.workspace ?? instance.defaultWorkspace
        ) { answer in
            let path = try context.absolutePath(answer)
            try FleetCheck.requireFree(workspace: path, for: instance, environment: context.environment)
            return path
        }
        let provider = try askProvider()
        let service = try wantsService ?? askService()
        wishes.patch = OnboardPatch.completed(provider?.patch ?? [:], context: context, instance: instance)
        let result = try InstanceSetup(context: context, instance: instance).apply(wishes)
        Terminal.write("\n" + SetupReport(result: result, terminal: terminal).text + "\n")
        let installed = service ? await install() : nil
        Terminal.write(ending(result, provider, installed))
    }

    private func askService() throws -> Bool {
        if let there = try OnboardService(context: context, instance: instance).obstacle() {
            Terminal.write("No service is offered: \(there)\n")
            return false
        }
        return try Question.confirm("Run it as a service, so that it starts by itself", fallback: true)
    }

    /// A gateway without a service is a gateway all the same: what went wrong is said and nothing is taken back.
    private func install() async -> ServiceActionReport? {
        do {
            let report = try await OnboardService(context: context, instance: instance).install()
            Terminal.write("\n" + report.output.text + "\n")
            return report
        } catch {
            let failure = Failure(error)
            Terminal.write(
                "\nThe service was not installed: \(failure.message)\(failure.hint.map { "\n  → \($0)" } ?? "")\n")
            return nil
        }
    }

    private func askPort(_ config: Config) throws -> Int {
        let choice = PortChoice(context: context, instance: instance)
        let proposed = try config.gateway.port ?? choice.propose() ?? instance.defaultPort
        return try Question.ask("Port", fallback: String(proposed)) { answer in
            guard let port = Int(answer) else {
                throw JarvisError("onboard.answer", "a port is a number from 1 to 65535")
            }
            try choice.check(port)
            return port
        }
    }

    private func askProvider() throws -> ProviderChoice? {
        let presets = ProviderChoice.presets
        let chosen = try Question.choose(
            "Which model answers? Without one the built-in operator does: status, logs, settings.",
            ["none for now", "a server with the OpenAI API (local or remote)"]
                + presets.map { "\($0.id) (\($0.baseUrl))" })
        if chosen == 0 { return nil }
        if chosen == 1 { return try askCustom() }
        let preset = presets[chosen - 2]
        let model = try Question.ask("Model", fallback: preset.model) { $0 }
        let key = try Question.secret("Key (not shown; empty: it is in \(preset.variable))")
        return ProviderChoice(
            id: preset.id, baseUrl: preset.baseUrl, model: model, apiKey: key.isEmpty ? "${\(preset.variable)}" : key)
    }

    private func askCustom() throws -> ProviderChoice {
        var provider = ProviderChoice(id: "custom", baseUrl: "", model: "m", apiKey: nil)
        provider.baseUrl = try Question.ask("Base URL", fallback: "http://127.0.0.1:8080/v1") { answer in
            var tried = provider
            tried.baseUrl = answer
            try tried.check()
            return answer
        }
        provider.model = try Question.ask("Model id") { answer in
            guard !answer.isEmpty else { throw JarvisError("onboard.answer", "the server needs to know which model") }
            return answer
        }
        provider.id = ProviderChoice.id(forURL: provider.baseUrl)
        let key = try Question.secret("Key (not shown; empty: none)")
        provider.apiKey = key.isEmpty ? nil : key
        return provider
    }

    private func ending(_ result: SetupResult, _ provider: ProviderChoice?, _ service: ServiceActionReport?) -> String {
        let command = instance.command
        var table = TextTable()
        let end = OnboardEnding(result: result, service: service)
        for (index, path) in end.made.enumerated() { table.add(index == 0 ? "  made" : "", path) }
        table.add("  look at it", end.look)
        table.add(
            "  run it", service == nil ? "\(command) gateway, or as a service: \(command) gateway install" : "it runs")
        table.add("  talk to it", "\(command) chat, or the page: \(command) dashboard")
        if provider == nil { table.add("  a model later", "\(command) onboard again; nothing is lost") }
        table.add("  remove it", end.remove)
        return "\n\(table.text)\n"
    }
}
