import JarvisConfig
import JarvisCore
import JarvisHost

/// The gateways that the words of a `profile` command name. A name is a profile of this home; variables that name
/// another instance or another place do not count, because one command deals with two of them.
struct ProfileTarget {
    let context: CLIContext
    /// The environment in which a name means one place only.
    let environment: HostEnvironment

    init(_ context: CLIContext) {
        self.context = context
        var environment = context.environment
        for name in Self.variables { environment.variables[name] = nil }
        self.environment = environment
    }

    private static let variables = [
        "JARVIS_PROFILE", "JARVIS_STATE_DIR", "JARVIS_CONFIG_PATH", "JARVIS_GATEWAY_PORT", "JARVIS_INSTANCE_ID",
    ]

    /// The instance that `name` means; `source` is how the command line spells it (`NAME`, `SRC`). Creates nothing.
    ///
    /// - Throws: `profile.invalid`, `profile.reserved`, exit 2, with a name that would do.
    func instance(_ name: String, source: String) throws -> Instance {
        _ = try ProfileName.parse(name, source: source)
        return try InstanceResolver.resolve(selection: ProfileSelection(flag: name), environment: environment)
    }

    /// The same for an instance that must exist.
    ///
    /// - Throws: also `profile.unknown`, `instance.missing`, exit 2, with the name that was probably meant.
    func existing(_ name: String, source: String) throws -> Instance {
        let instance = try instance(name, source: source)
        try InstanceScanner.requireExisting(instance, environment: environment)
        return instance
    }

    /// The one name of a command that takes a word or `--profile`.
    ///
    /// - Throws: `usage.profile`, exit 2, when there is none or there are two.
    func name(_ word: String?, usage: String) throws -> String {
        let globals = context.globals.selection
        let flag = globals.dev && globals.flag == nil ? "dev" : globals.flag
        switch (word, flag) {
        case (let word?, nil): return word
        case (nil, let flag?): return flag
        case (let word?, let flag?):
            if word.lowercased() == flag.lowercased() { return word }
            throw JarvisError(
                "usage.profile", "Two profiles are named: “\(word.prefix(80))” and --profile \(flag.prefix(80)).",
                hint: "Leave one of the two away.", exitCode: 2)
        case (nil, nil):
            throw JarvisError("usage.profile", "The profile is missing.", hint: usage, exitCode: 2)
        }
    }

    /// Refuses a global `--profile` beside names that it can't mean.
    ///
    /// - Throws: `usage.profile`, exit 2.
    func refuseFlag(besides names: [String]) throws {
        guard let flag = context.globals.selection.flag else { return }
        if names.contains(where: { $0.lowercased() == flag.lowercased() }) { return }
        throw JarvisError(
            "usage.profile",
            "--profile \(flag.prefix(80)) is neither of the profiles that the command names.",
            hint: "Leave --profile away: the names say it all.", exitCode: 2)
    }

    func configStore(_ instance: Instance) -> ConfigStore {
        ConfigStore(
            path: instance.configPath, stateDirectory: instance.stateDirectory, environment: environment.variables,
            version: Version.text)
    }

    var trash: Trash {
        get throws { Trash(hostDirectory: try HostDirectory.path(environment)) }
    }

    /// What the instances of this host have set aside.
    var leases: LeaseStore {
        get throws { try LeaseStore(environment: environment) }
    }

    /// Takes the services of an instance away, which stops it, and stops it where something else has started it.
    ///
    /// - Parameter isWished: whether a gateway that runs may be stopped; when not, nothing is done to it.
    /// - Returns: the services that were uninstalled.
    /// - Throws: `profile.running`, exit 2, when it runs and may not be stopped; `service.failed`; the errors of the
    ///   request.
    func retire(
        _ instance: Instance, isWished: Bool, to purpose: String, command: String
    ) async throws -> [InstalledService] {
        if !isWished, StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) {
            throw running(instance, purpose, hint: Self.stopHint(command))
        }
        // First: a unit would start it again, and without its state directory make a new one.
        let changes = try ServiceInstaller.uninstall(instance, environment: environment)
        try await stop(instance, to: purpose)
        return changes.map(\.service)
    }

    private func stop(_ instance: Instance, to purpose: String) async throws {
        guard StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) else { return }
        let outcome = try await GatewayLifecycle.stop(
            instance, reason: "to be \(purpose)",
            context: CLIContext(globals: context.globals, environment: environment))
        guard outcome.ticket.isPending else { return }
        throw running(instance, purpose, hint: "It has not stopped yet. Look at it with: \(instance.command) status")
    }

    private static func stopHint(_ command: String) -> String { "Let the command stop it: \(command) --stop" }

    private func running(_ instance: Instance, _ purpose: String, hint: String) -> JarvisError {
        let note = OwnerNote.read(stateDirectory: instance.stateDirectory)
        let pid = DirectoryLock.holderPid(of: instance.stateDirectory) ?? note?.pid
        return JarvisError(
            "profile.running",
            "The gateway “\(instance.displayName)” is running\(pid.map { " (pid \($0))" } ?? "") and can't be"
                + " \(purpose) now.", hint: hint, metadata: ["profile": instance.displayName], exitCode: 2)
    }

    /// The lock of an instance's state directory, so that no gateway starts over it meanwhile.
    ///
    /// - Throws: `profile.running`, exit 2, when a gateway holds it; `profile.write`.
    func lock(_ instance: Instance, to purpose: String, command: String) throws -> DirectoryLock {
        do {
            return try DirectoryLock.acquire(instance.stateDirectory, allowNetworkFileSystem: true)
        } catch DirectoryLock.Failure.held {
            throw running(instance, purpose, hint: Self.stopHint(command))
        } catch {
            throw JarvisError(
                "profile.write", "The state directory \(instance.stateDirectory) can't be locked: \(error).",
                metadata: ["path": instance.stateDirectory])
        }
    }

    /// The workspaces of an instance: its agents' directories, absolute, each once.
    func workspaces(_ instance: Instance, _ config: Config) -> [String] {
        var found = [config.agents.defaults.workspace.map(instance.expand) ?? instance.defaultWorkspace]
        for agent in config.agents.list {
            let path = agent.workspace.map(instance.expand) ?? instance.defaultWorkspace(agent: agent.id)
            if !found.contains(path), agent.workspace != nil || DurableFile.exists(path) { found.append(path) }
        }
        return found
    }
}
