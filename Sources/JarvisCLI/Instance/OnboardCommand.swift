import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis onboard`.
struct OnboardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "onboard",
        abstract: "Set a gateway up by questions, or by flags without any.",
        discussion: """
            In a terminal it asks. In a script: --non-interactive --accept-risk and flags.

            Examples:
              jarvis onboard
              jarvis --profile rescue onboard
              jarvis onboard --non-interactive --accept-risk --auth-choice skip --gateway-port 18789 --json
              jarvis onboard --non-interactive --accept-risk --custom-base-url http://127.0.0.1:8080/v1 --custom-model-id qwen

            Exit codes: 0 done; 1 can't be done here; 2 wrong usage, or a port that belongs to another gateway.
            """)

    @Flag(help: "Ask nothing; needs --accept-risk.")
    var nonInteractive = false

    @Flag(help: "You know that an agent acts with your rights on this host.")
    var acceptRisk = false

    @Option(help: "Where the agent's files are.")
    var workspace: String?

    @Option(help: "local: this host runs the gateway.")
    var mode: String = "local"

    @Option(help: "quickstart, advanced or manual. No effect: the questions are few.")
    var flow: String?

    @OptionGroup(title: "Model") var model: OnboardModelOptions
    @OptionGroup(title: "Gateway") var gateway: OnboardGatewayOptions
    @OptionGroup(title: "Steps") var steps: OnboardStepOptions
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if mode != "local" {
            throw ValidationError(
                "--mode “\(mode.prefix(40))”: this version sets up local gateways only; expected local.")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let instance = try context.instance()
        guard nonInteractive else {
            try await OnboardWizard(context: context, instance: instance, wantsService: steps.wantsService).run()
            return
        }
        guard acceptRisk else {
            throw JarvisError(
                "onboard.risk", "--non-interactive needs --accept-risk: an agent acts with your rights on this host.",
                hint: "\(instance.command) onboard --non-interactive --accept-risk …")
        }
        let secrets = try OnboardSecrets(
            mode: gateway.secretInputMode, instance: instance, environment: context.environment)
        var wishes = try gateway.wishes(secrets)
        wishes.workspace = try workspace.map(context.absolutePath)
        wishes.actor = "onboard"
        let provider = try model.provider()
        var patch = try provider.map { try secrets.stored($0) }?.patch ?? [:]
        patch = OnboardPatch.completed(patch, context: context, instance: instance)
        wishes.patch = patch
        if let port = wishes.port { try PortChoice(context: context, instance: instance).check(port) }
        if let workspace = wishes.workspace {
            try FleetCheck.requireFree(workspace: workspace, for: instance, environment: context.environment)
        }
        try secrets.save()
        let result = try InstanceSetup(context: context, instance: instance).apply(wishes)
        let service =
            steps.wantsService == true
            ? try await OnboardService(context: context, instance: instance).install() : nil
        let end = OnboardEnding(result: result, service: service)
        let text = [
            SetupReport(result: result, terminal: context.terminal).text, service?.output.text,
            "Look at it: \(end.look)\nRemove it: \(end.remove)",
        ].compactMap { $0 }.joined(separator: "\n\n")
        CommandOutput(json: summary(result, service, end), text: text).show(json: json.isOn)
    }

    private func summary(_ result: SetupResult, _ service: ServiceActionReport?, _ end: OnboardEnding) -> JSONValue {
        let gateway = result.snapshot.config.gateway
        return [
            "ok": true, "mode": "local", "workspace": .string(result.workspace), "authChoice": .string(model.choice),
            "gateway": [
                "port": JSONValue(result.port.value), "bind": .string(gateway.bind.rawValue),
                "authMode": .string(gateway.auth.effectiveMode.rawValue), "tailscaleMode": "off",
            ],
            "installDaemon": .bool(service != nil), "service": service?.output.json ?? .null,
            "made": JSONValue(end.made), "lookAtIt": .string(end.look), "removeIt": .string(end.remove),
            "daemonRuntime": .null, "skipSkills": .bool(steps.skipSkills),
            "skipHealth": .bool(steps.skipHealth), "profile": .string(result.instance.displayName),
            "instanceId": .string(result.identity.instanceId), "configPath": .string(result.instance.configPath),
            "stateDir": .string(result.instance.stateDirectory), "undoId": JSONValue(result.undoId),
            "next": .string("\(result.instance.command) \(service == nil ? "gateway" : "chat")"),
        ]
    }
}

/// Which model answers.
struct OnboardModelOptions: ParsableArguments {
    @Option(help: "\(ProviderChoice.choices.joined(separator: ", ")).")
    var authChoice: String?

    @Option(help: "The base URL of a server with the OpenAI chat completions API.")
    var customBaseUrl: String?

    @Option(help: "The model's id there.")
    var customModelId: String?

    @Option(help: "Its key, if it wants one.")
    var customApiKey: String?

    @Option(help: "A name for it in the configuration.")
    var customProviderId: String?

    @Option(help: "openai.")
    var customCompatibility: String = "openai"

    @Option(help: "The key for openai-api-key.")
    var openaiApiKey: String?

    @Option(help: "The key for openrouter-api-key.")
    var openrouterApiKey: String?

    @Option(help: "The key for mistral-api-key.")
    var mistralApiKey: String?

    mutating func validate() throws {
        guard customCompatibility == "openai" else {
            throw ValidationError("--custom-compatibility “\(customCompatibility.prefix(40))”: expected openai.")
        }
        if let authChoice, !ProviderChoice.choices.contains(authChoice) {
            throw ValidationError(
                "--auth-choice “\(authChoice.prefix(40))”: expected \(ProviderChoice.choices.joined(separator: ", ")).")
        }
    }

    /// The choice as said, or as the other flags imply.
    var choice: String {
        if let authChoice { return authChoice }
        if customBaseUrl != nil { return "custom-api-key" }
        return ProviderChoice.presets.first { key(of: $0) != nil }?.choice ?? "skip"
    }

    private func key(of preset: ProviderChoice.Preset) -> String? {
        switch preset.id {
        case "openai": openaiApiKey
        case "openrouter": openrouterApiKey
        default: mistralApiKey
        }
    }

    /// The provider to connect; nil for skip.
    ///
    /// - Throws: `usage.onboard`, exit 2, for a missing flag.
    func provider() throws -> ProviderChoice? {
        let choice = choice
        if choice == "skip" { return nil }
        if let preset = ProviderChoice.presets.first(where: { $0.choice == choice }) {
            return ProviderChoice(
                id: preset.id, baseUrl: preset.baseUrl, model: customModelId ?? preset.model, apiKey: key(of: preset))
        }
        guard let customBaseUrl, let customModelId else {
            throw JarvisError(
                "usage.onboard", "custom-api-key needs --custom-base-url and --custom-model-id.", exitCode: 2)
        }
        let provider = ProviderChoice(
            id: customProviderId ?? ProviderChoice.id(forURL: customBaseUrl), baseUrl: customBaseUrl,
            model: customModelId,
            apiKey: customApiKey)
        try provider.check()
        return provider
    }
}

/// How clients reach the gateway.
struct OnboardGatewayOptions: ParsableArguments {
    @Option(help: "The base port.")
    var gatewayPort: Int?

    @Option(help: "\(GatewayRunCommand.binds.joined(separator: ", ")).")
    var gatewayBind: String?

    @Option(help: "token or password.")
    var gatewayAuth: String?

    @Option(help: "The token; made when absent.")
    var gatewayToken: String?

    @Option(help: "The password.")
    var gatewayPassword: String?

    @Option(help: "plaintext: secrets stand in the configuration. ref: it only names variables of <state>/.env.")
    var secretInputMode: String = "plaintext"

    @Option(help: "off.")
    var tailscale: String = "off"

    @Flag(help: "No effect.")
    var tailscaleResetOnExit = false

    mutating func validate() throws {
        if let port = gatewayPort, !(1...65_535).contains(port) {
            throw ValidationError("--gateway-port \(port) is no port: expected 1 to 65535.")
        }
        try GatewayRunCommand.check("--gateway-bind", gatewayBind, GatewayRunCommand.binds)
        try GatewayRunCommand.check("--gateway-auth", gatewayAuth, ["token", "password"])
        try GatewayRunCommand.check("--secret-input-mode", secretInputMode, ["plaintext", "ref"])
        try GatewayRunCommand.check("--tailscale", tailscale, ["off"])
        if gatewayAuth == "password", gatewayPassword == nil {
            throw ValidationError("--gateway-auth password needs --gateway-password.")
        }
    }

    func wishes(_ secrets: OnboardSecrets) throws -> SetupWishes {
        var wishes = SetupWishes()
        wishes.port = gatewayPort
        wishes.bind = gatewayBind
        wishes.authMode = gatewayAuth ?? (gatewayPassword != nil && gatewayToken == nil ? "password" : nil)
        wishes.token = try gatewayToken.map { try secrets.stored($0, as: "JARVIS_GATEWAY_TOKEN") }
        wishes.password = try gatewayPassword.map { try secrets.stored($0, as: "JARVIS_GATEWAY_PASSWORD") }
        return wishes
    }
}

/// Steps that other gateways have.
struct OnboardStepOptions: ParsableArguments {
    @Flag(help: "Install the gateway as a service and start it.")
    var installDaemon = false

    @Flag(help: "No service. Without a word on it, questions offer one and --non-interactive makes none.")
    var noInstallDaemon = false

    @Flag(help: "The same as --no-install-daemon.")
    var skipDaemon = false

    @Option(help: "No effect.")
    var daemonRuntime: String?

    @Flag(help: "No effect.")
    var skipChannels = false

    @Flag(help: "No effect.")
    var skipSkills = false

    @Flag(help: "No effect.")
    var skipHealth = false

    @Flag(help: "No effect.")
    var skipUi = false

    @Option(help: "No effect.")
    var nodeManager: String?

    mutating func validate() throws {
        if installDaemon, noInstallDaemon || skipDaemon {
            throw ValidationError("--install-daemon and --no-install-daemon exclude each other.")
        }
    }

    /// Whether a service is wished for; nil when nothing was said.
    var wantsService: Bool? { installDaemon ? true : noInstallDaemon || skipDaemon ? false : nil }
}
