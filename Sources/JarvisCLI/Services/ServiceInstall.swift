import JarvisConfig
import JarvisCore
import JarvisHost

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Installs the service of one instance: completes the instance, renders the unit, hands it to the manager.
struct ServiceInstall {
    let context: CLIContext
    let instance: Instance
    /// The domain; nil takes the one that this host has.
    var kind: ServiceManagerKind?
    var starts = true
    var force = false
    /// `gateway.port` to set first.
    var port: Int?
    /// `gateway.auth.token` to set first.
    var token: String?

    /// Does it. Blocking until the service is up.
    ///
    /// - Throws: what `ServiceInstaller.install` throws; the errors of completing the instance.
    func run() async throws -> ServiceActionReport {
        let before = try ServiceInstaller(instance: instance, environment: context.environment)
        try before.refuseManagedHost()
        let kind = try kind ?? usualKind(before)
        let owner = try account(kind)
        var notes = try complete(isOwner: owner == nil || owner == context.environment.userId)
        // Its identity may be new.
        let services = try ServiceContext(context, instance)
        guard let id = services.installer.instanceId else { throw noIdentity }
        try FleetCheck.requireDisjoint(instance, environment: context.environment)
        let (unit, doubt) = try unit(kind, id: id, owner: owner)
        if let doubt { notes.append("The service will start \(unit.executable), but \(doubt).") }

        let old = try services.installer.service()
        let outsider = services.outsider(of: old)
        let done = try services.installer.install(unit, start: starts && outsider == nil, force: force)
        return try await report(services, done.change, notes + done.notes, outsider, isNew: old == nil)
    }

    /// What would be installed. Changes nothing.
    ///
    /// - Throws: `instance.missing`, exit 2, before the instance is set up.
    func preview() throws -> CommandOutput {
        let services = try ServiceContext(context, instance)
        guard let id = services.installer.instanceId else { throw noIdentity }
        let kind = try kind ?? usualKind(services.installer)
        let unit = try unit(kind, id: id, owner: account(kind)).unit
        let service = services.installer.manager(kind).service(for: unit)
        var files: [(path: String, text: String)]
        switch kind {
        case .builtin:
            files = [(service.path, JSONWriter.pretty(SupervisedInstance(unit, isWanted: starts).json) + "\n")]
        case .systemdUser, .systemdSystem: files = [(service.path, SystemdUnitText.render(unit))]
        case .launchd: files = [(service.path, LaunchdPlist.render(unit))]
        case .schtasks:
            files = [
                (service.path, TaskDefinition.script(unit)),
                (
                    HostPath.join(instance.stateDirectory, "gateway-task.xml"),
                    TaskDefinition.render(unit, script: service.path)
                ),
            ]
        }
        return CommandOutput(
            json: [
                "ok": true, "action": "install", "dryRun": true, "service": service.json,
                "files": .array(files.map { ["path": .string($0.path), "content": .string($0.text)] }),
            ], text: files.map { "# \($0.path)\n\($0.text)" }.joined(separator: "\n"))
    }

    /// The manager when none was named: our own supervisor where it has the instance already, else the host's.
    private func usualKind(_ installer: ServiceInstaller) throws -> ServiceManagerKind {
        try installer.service()?.manager == .builtin ? .builtin : ServiceInstaller.usualKind
    }

    private func unit(
        _ kind: ServiceManagerKind, id: String, owner: UInt32?
    ) throws -> (unit: ServiceUnit, doubt: String?) {
        let entry = try EntryPath.current(name: CommandLine.arguments[0], environment: context.environment)
        let unit = try ServiceUnit(
            instance: instance, instanceId: id, manager: kind, executable: entry.path, version: Version.text,
            environment: context.environment,
            owner: owner,
            systemdVersion: SystemdManager.version(environment: context.environment))
        return (unit, entry.doubt)
    }

    private var noIdentity: JarvisError {
        JarvisError(
            "instance.missing", "\(instance.stateDirectory) holds no identity yet.",
            hint: "\(instance.command) setup", exitCode: 2)
    }

    private func report(
        _ services: ServiceContext, _ change: ServiceChange, _ notes: [String], _ outsider: Int32?, isNew: Bool
    ) async throws -> ServiceActionReport {
        if services.isOwner {
            try InstanceManifest.record(
                .service, path: change.service.path, stateDirectory: instance.stateDirectory, by: "install")
        }
        let name = ServiceContext.named(change.service)
        let message =
            change.result == .alreadyInstalled
            ? "The gateway \"\(instance.displayName)\" is already installed as \(name)."
            : "Installed the gateway \"\(instance.displayName)\" as \(name)."
        var report = services.report("install", change, message)
        report.warnings += notes
        if isNew { report.undo = "\(instance.command) gateway uninstall" }
        if let outsider {
            let pid = outsider > 0 ? " (pid \(outsider))" : ""
            report.hints.append(
                "A gateway of this instance runs outside the service\(pid) and was left alone. To hand over, stop it:"
                    + " \(instance.command) gateway stop, then: \(instance.command) gateway start")
        } else if starts {
            let gateway = try await services.proof(change.runtime)
            report.provenPid = gateway?.proof.pid
            if gateway == nil {
                report.warnings.append(
                    "The service was started, but the gateway has not proven itself. Its log: \(instance.command) logs")
            }
        } else {
            report.hints.append("Start it: \(instance.command) gateway start")
        }
        return report
    }

    // MARK: The instance

    private var instanceOwner: UInt32? {
        var status = stat()
        return stat(instance.stateDirectory, &status) == 0 ? status.st_uid : nil
    }

    /// The user whose instance it is.
    ///
    /// - Throws: `service.owner`, exit 2, for a user's unit of an instance that is somebody else's.
    private func account(_ kind: ServiceManagerKind) throws -> UInt32? {
        guard let owner = instanceOwner, owner != context.environment.userId, kind != .systemdSystem else {
            return instanceOwner
        }
        throw JarvisError(
            "service.owner",
            "\(instance.stateDirectory) belongs to user \(UserAccounts.name(of: owner) ?? String(owner)), not to you.",
            hint: "Install it as that user, or as root with --system.", exitCode: 2)
    }

    /// Adds what a service needs and the instance lacks: mode, token, identity, and what was asked for. Nothing is
    /// written when nothing is missing.
    private func complete(isOwner: Bool) throws -> [String] {
        let snapshot = context.configStore(instance).load()
        let gateway = snapshot.config.gateway
        let lacksToken = gateway.auth.effectiveMode == .token && gateway.auth.token == nil && !gateway.auth.isBroken
        let hasIdentity = DurableFile.exists(instance.paths.identityFile)
        let wantsPort = port != nil && port != gateway.port
        let wantsToken = token != nil && token != gateway.auth.token?.reveal()
        let isComplete = snapshot.exists && gateway.mode != nil && !lacksToken && hasIdentity
        if isComplete, !wantsPort, !wantsToken { return environmentNotes(gateway.port) }
        guard isOwner else {
            throw JarvisError(
                "service.incomplete",
                "\(instance.configPath) is not complete, and it belongs to another user: root writes nothing into it.",
                hint: "As that user: \(instance.command) setup", exitCode: 2)
        }
        var wishes = SetupWishes()
        wishes.port = port
        wishes.token = token
        wishes.actor = "install"
        let result = try InstanceSetup(context: context, instance: instance).apply(wishes)
        let changed = result.changed.map(\.description)
        return environmentNotes(result.snapshot.config.gateway.port)
            + (changed.isEmpty ? [] : ["Written to \(instance.configPath): \(changed.joined(separator: ", "))."])
    }

    /// A variable of this shell that the service will not see.
    private func environmentNotes(_ configured: Int?) -> [String] {
        guard let said = instance.portVariable, Int(said) != configured else { return [] }
        return [
            "JARVIS_GATEWAY_PORT=\(said.prefix(10)) of this shell is not carried into the service, which uses"
                + " \(configured.map { "gateway.port \($0)" } ?? "the default port"). To change it:"
                + " \(instance.command) gateway install --port \(said.prefix(10))"
        ]
    }
}
