import JarvisAgent
import JarvisConfig
import JarvisCore
import JarvisHost

/// What the caller of a setup asks for; nil leaves it to what is there, or to the default.
struct SetupWishes: Sendable {
    /// `agents.defaults.workspace`.
    var workspace: String?
    /// `gateway.port`.
    var port: Int?
    /// `gateway.bind`.
    var bind: String?
    /// `gateway.auth.mode`.
    var authMode: String?
    /// `gateway.auth.token`, perhaps a reference.
    var token: String?
    /// `gateway.auth.password`, perhaps a reference.
    var password: String?
    /// More configuration, merged in.
    var patch: JSONObject = [:]
    /// Who writes, for the journal.
    var actor = "setup"
}

/// What a setup did.
struct SetupResult: Sendable {
    var instance: Instance
    var identity: InstanceIdentity
    var configCreated: Bool
    var changed: [ConfigPath]
    var undoId: String?
    var workspace: String
    var workspaceFiles: [String]
    var port: EffectivePort
    var notes: [String]
    var snapshot: ConfigSnapshot
}

/// Makes an instance, or completes one: configuration, identity, workspace, directories. What is there stays.
struct InstanceSetup {
    let context: CLIContext
    let instance: Instance

    init(context: CLIContext, instance: Instance) {
        self.context = context
        self.instance = instance
    }

    /// Does it. Blocking.
    ///
    /// - Throws: `config.invalid` when the configuration can't be read; `port.sibling` and `fleet.overlap`, exit 2, for a
    ///   port or a workspace that belongs to another instance; `leases.unwritable`; the errors of writing.
    func apply(_ wishes: SetupWishes) throws -> SetupResult {
        let store = context.configStore(instance)
        let before = store.load()
        guard before.isUsable else {
            throw JarvisError(
                "config.invalid",
                "\(before.path) can't be read: \(before.errors.first?.description ?? "unknown problem")",
                hint: "\(instance.command) config validate")
        }
        if let workspace = wishes.workspace {
            try FleetCheck.requireFree(workspace: workspace, for: instance, environment: context.environment)
        }
        let choice = PortChoice(context: context, instance: instance)
        let configured = before.config.gateway.port
        let reserved = try choice.reserve(
            wishes.port.map { .exactly($0) } ?? configured.map { .keep($0) } ?? .any)
        let proposed = configured == nil && wishes.port == nil ? reserved : nil
        let (snapshot, changed, undoId) =
            try before.exists
            ? complete(before, wishes, proposed: proposed, store: store)
            : create(wishes, proposed: proposed, store: store)

        let identity = try InstanceIdentity.loadOrCreate(
            stateDirectory: instance.stateDirectory, displayName: instance.displayName)
        let workspace = instance.expand(snapshot.config.agents.defaults.workspace ?? instance.defaultWorkspace)
        let files =
            snapshot.config.agents.defaults.skipBootstrap ? [] : try Workspace(directory: workspace).prepare()
        let madeWorkspace = !files.isEmpty || !DurableFile.exists(workspace)
        try DurableFile.createDirectory(workspace)
        try DurableFile.createDirectory(instance.paths.store)
        if madeWorkspace {
            try InstanceManifest.record(
                .workspace, path: workspace, stateDirectory: instance.stateDirectory, by: wishes.actor)
        }

        try context.leases().register(
            RegisteredInstance(
                instance, instanceId: identity.instanceId, workspaces: [HostPath.canonical(workspace)],
                base: snapshot.config.gateway.port ?? reserved), sync: false)

        let port = try instance.resolvePort(configured: snapshot.config.gateway.port)
        return SetupResult(
            instance: instance, identity: identity, configCreated: !before.exists, changed: changed, undoId: undoId,
            workspace: workspace, workspaceFiles: files, port: port,
            notes: try choice.notes(port.value) + FleetCheck.notes(for: instance, environment: context.environment)
                + snapshot.errors.map(\.description), snapshot: snapshot)
    }

    // MARK: The configuration

    private typealias Written = (ConfigSnapshot, [ConfigPath], String?)

    private func create(_ wishes: SetupWishes, proposed: Int?, store: ConfigStore) throws -> Written {
        let usesToken = (wishes.authMode ?? (wishes.password == nil ? "token" : "password")) == "token"
        let text = ConfigTemplate.minimal(
            port: wishes.port ?? proposed, bind: wishes.bind,
            token: usesToken ? wishes.token ?? Identifiers.randomHex(bytes: 24) : nil,
            workspace: wishes.workspace ?? instance.defaultWorkspace)
        var result = try store.replace(raw: text, actor: wishes.actor, base: .current)
        let more = additions(to: result.snapshot, wishes, proposed: nil)
        if !more.isEmpty { result = try store.patch(.object(more), actor: wishes.actor, base: .current) }
        return (result.snapshot, [], nil)
    }

    private func complete(
        _ before: ConfigSnapshot, _ wishes: SetupWishes, proposed: Int?, store: ConfigStore
    ) throws -> Written {
        let more = additions(to: before, wishes, proposed: proposed)
        if more.isEmpty { return (before, [], nil) }
        let result = try store.patch(.object(more), actor: wishes.actor, base: .current)
        return (result.snapshot, result.changed, result.undoId)
    }

    /// What is missing in `snapshot`, and what is explicitly wished, as a merge patch.
    private func additions(to snapshot: ConfigSnapshot, _ wishes: SetupWishes, proposed: Int?) -> JSONObject {
        let config = snapshot.config
        var gateway: JSONObject = [:]
        if config.gateway.mode == nil { gateway["mode"] = "local" }
        if let port = wishes.port ?? proposed, port != config.gateway.port { gateway["port"] = JSONValue(port) }
        if let bind = wishes.bind, bind != config.gateway.bind.rawValue { gateway["bind"] = .string(bind) }
        let auth = authAdditions(config.gateway.auth, wishes)
        if !auth.isEmpty { gateway["auth"] = .object(auth) }
        var patch = wishes.patch
        if !gateway.isEmpty { patch["gateway"] = .object(gateway) }
        let workspace = wishes.workspace ?? (config.agents.defaults.workspace == nil ? instance.defaultWorkspace : nil)
        if let workspace, workspace != config.agents.defaults.workspace {
            var agents = patch["agents"]?.objectValue ?? [:]
            var defaults = agents["defaults"]?.objectValue ?? [:]
            defaults["workspace"] = .string(workspace)
            agents["defaults"] = .object(defaults)
            patch["agents"] = .object(agents)
        }
        return patch
    }

    private func authAdditions(_ auth: GatewayAuthConfig, _ wishes: SetupWishes) -> JSONObject {
        var added: JSONObject = [:]
        if let mode = wishes.authMode, mode != auth.mode?.rawValue { added["mode"] = .string(mode) }
        if let token = wishes.token, token != auth.token?.reveal() { added["token"] = .string(token) }
        if let password = wishes.password, password != auth.password?.reveal() { added["password"] = .string(password) }
        let mode = wishes.authMode ?? (wishes.password == nil ? auth.effectiveMode.rawValue : "password")
        // A reference that leads nowhere now may lead somewhere for the gateway: no second token.
        if mode == "token", auth.token == nil, wishes.token == nil, !auth.isBroken {
            if auth.mode == nil { added["mode"] = "token" }
            added["token"] = .string(Identifiers.randomHex(bytes: 24))
        }
        return added
    }
}
