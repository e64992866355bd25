import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisSystem

/// The questions a start must answer before it touches anything. All calls block.
enum StartGate {
    /// Whether the configuration allows a start; returns the version to start with.
    ///
    /// - Throws: `gateway.unconfigured`, `gateway.mode`, `config.invalid`; exit 1.
    static func check(
        _ snapshot: ConfigSnapshot, launch: GatewayLaunch, configStore: ConfigStore
    ) throws -> ConfigSnapshot {
        let command = launch.instance.command
        guard snapshot.isUsable else {
            guard let good = configStore.loadLastGood() else {
                throw JarvisError(
                    "config.invalid",
                    "The configuration \(snapshot.path) can't be read: "
                        + (snapshot.errors.first?.description ?? "unknown problem"),
                    hint: "\(command) config validate", exitCode: 1)
            }
            launch.logger.error(
                "configuration can't be read; starting with the last good version",
                metadata: [
                    "path": "\(snapshot.path)", "problem": "\(snapshot.errors.first?.description ?? "")",
                    "next": "\(command) config validate",
                ])
            return good
        }
        try admit(snapshot, launch: launch)
        for issue in snapshot.errors {
            launch.logger.warning(
                "configuration problem; the section is off",
                metadata: ["path": "\(issue.path)", "problem": "\(issue.message)"])
        }
        for issue in snapshot.warnings {
            launch.logger.notice(
                "configuration note", metadata: ["path": "\(issue.path)", "note": "\(issue.message)"])
        }
        return snapshot
    }

    /// Whether a gateway that serves on `servedPort` would come up again with `snapshot`, as far as that can be told
    /// beforehand. Changes nothing.
    ///
    /// - Throws: what the start would throw.
    static func rehearse(
        _ snapshot: ConfigSnapshot, servedPort: Int, launch: GatewayLaunch, configStore: ConfigStore
    ) throws {
        try admit(snapshot, launch: launch)
        let auth = givenCredentials(launch).resolve(snapshot.config)
        // In token mode the start makes a token where there is none.
        if auth.mode != .token { try checkUsable(auth, snapshot, launch) }
        _ = try Listeners.addresses(
            launch.options.bind ?? snapshot.config.gateway.bind.rawValue, config: snapshot.config, auth: auth)
        let port = try port(snapshot, launch: launch)
        if port == 0 || port == servedPort { return }
        let claim = StartClaim(
            instance: launch.instance,
            identity: try InstanceIdentity.load(stateDirectory: launch.instance.stateDirectory), base: port,
            workspaces: [])
        try Holdings.leaseStore(launch).checkStart(claim, environment: launch.environment)
        if !PortPlan.isFree(port) {
            throw JarvisError(
                "gateway.port_in_use",
                "port \(port) is in use\(PortHolder.find(port: port).map { " by \($0)" } ?? "")",
                hint: "\(launch.instance.command) config set gateway.port <another>", exitCode: 78)
        }
    }

    private static func admit(_ snapshot: ConfigSnapshot, launch: GatewayLaunch) throws {
        let command = launch.instance.command
        guard snapshot.exists || launch.options.allowUnconfigured else {
            throw JarvisError(
                "gateway.unconfigured",
                "No configuration at \(snapshot.path): the gateway \"\(launch.instance.displayName)\" is not set up.",
                hint: "\(command) setup   (or start with --allow-unconfigured)", exitCode: 1)
        }
        if snapshot.exists, snapshot.config.gateway.mode != .local, !launch.options.allowUnconfigured {
            let found = snapshot.config.gateway.mode.map { "\"\($0.rawValue)\"" } ?? "not set"
            throw JarvisError(
                "gateway.mode",
                "Gateway start blocked: set gateway.mode=local (current: \(found)) in \(snapshot.path).",
                hint: "\(command) config set gateway.mode local",
                metadata: ["audit": launch.instance.paths.configAudit],
                exitCode: 1)
        }
    }

    /// The base port; 0 only when a test asked for it.
    static func port(_ snapshot: ConfigSnapshot, launch: GatewayLaunch) throws -> Int {
        if launch.options.port == 0 { return 0 }
        let port = try launch.instance.resolvePort(
            flag: launch.options.port, configured: snapshot.config.gateway.port)
        return try PortSpan(base: port.value).base
    }

    /// The shared secret; makes and saves a token where there is none: in token mode for clients, in the others for the
    /// browser control service, which always asks for one.
    ///
    /// - Throws: `gateway.auth`; exit 1.
    static func credentials(
        _ snapshot: ConfigSnapshot, launch: GatewayLaunch, configStore: ConfigStore
    ) throws -> (ConfigSnapshot, SharedSecretAuthFacts) {
        var facts = givenCredentials(launch)
        let auth = facts.resolve(snapshot.config)
        try checkUsable(auth, snapshot, launch)
        guard auth.controlSecret == nil || (auth.mode == .token && !auth.isUsable) else { return (snapshot, facts) }
        let token = Secret(Identifiers.randomHex(bytes: 24))
        if launch.options.auth != nil || !snapshot.isUsable {
            facts.generatedToken = token
            return (snapshot, facts)
        }
        var section: JSONValue = ["token": .string(token.reveal())]
        if auth.mode == .token { section["mode"] = "token" }
        let result = try configStore.patch(["gateway": ["auth": section]], actor: "gateway", base: .current)
        launch.logger.notice(
            auth.mode == .token ? "made a token for clients" : "made a token for the browser control service",
            metadata: ["saved": "\(result.path)", "key": "gateway.auth.token"])
        return (result.snapshot, facts)
    }

    /// Whether clients could prove themselves, as far as no token can be made for them.
    private static func checkUsable(
        _ auth: SharedSecretAuth, _ snapshot: ConfigSnapshot, _ launch: GatewayLaunch
    ) throws {
        switch auth.mode {
        case .password where !auth.isUsable:
            throw JarvisError(
                "gateway.auth", "Password mode needs a password, and there is none.",
                hint: "\(launch.instance.command) gateway --password …, or set JARVIS_GATEWAY_PASSWORD", exitCode: 1)
        case .trustedProxy where snapshot.config.gateway.trustedProxies.isEmpty:
            throw JarvisError(
                "gateway.auth", "trusted-proxy mode needs gateway.trustedProxies, and the list is empty.",
                hint: "\(launch.instance.command) config set gateway.trustedProxies '[\"127.0.0.1\"]'", exitCode: 1)
        case .token where !auth.isUsable && snapshot.config.gateway.auth.isBroken:
            throw JarvisError(
                "gateway.auth",
                "gateway.auth can't be used: "
                    + (snapshot.errors.first { $0.path.hasPrefix("gateway.auth") }?.message ?? "it holds an error"),
                hint: "\(launch.instance.command) config validate", exitCode: 1)
        default: break
        }
    }

    /// What flags and environment say about the shared secret.
    private static func givenCredentials(_ launch: GatewayLaunch) -> SharedSecretAuthFacts {
        var facts = SharedSecretAuthFacts()
        facts.mode = launch.options.auth
        facts.token = launch.options.token
        facts.password = launch.options.password
        facts.environmentToken = launch.environment["JARVIS_GATEWAY_TOKEN"].map(Secret.init)
        facts.environmentPassword = launch.environment["JARVIS_GATEWAY_PASSWORD"].map(Secret.init)
        return facts
    }
}
