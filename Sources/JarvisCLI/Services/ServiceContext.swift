import ArgumentParser
import JarvisCore
import JarvisHost

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One instance and its service, for the commands that act on it.
struct ServiceContext {
    let context: CLIContext
    let instance: Instance
    let installer: ServiceInstaller

    /// The instance that the command line means.
    ///
    /// - Throws: `profile.unknown`, `instance.missing`, exit 2; `instance.identity`, exit 78.
    init(_ context: CLIContext) throws {
        try self.init(context, context.existingInstance())
    }

    init(_ context: CLIContext, _ instance: Instance) throws {
        self.context = context
        self.instance = instance
        installer = try ServiceInstaller(instance: instance, environment: context.environment)
    }

    /// The process that holds the state directory but is not the service's; nil when there is none.
    func outsider(of service: InstalledService?) -> Int32? {
        guard StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory) else { return nil }
        let holder = DirectoryLock.holderPid(of: instance.stateDirectory)
        guard let service else { return holder ?? 0 }
        let runtime = installer.manager(service.manager).runtime(of: service)
        if let pid = runtime.pid { return holder == nil || holder == pid ? nil : holder }
        return runtime.status == .running ? nil : holder ?? 0
    }

    /// Waits until the gateway of the instance has proven itself, with the process that its manager named when it named
    /// one.
    ///
    /// - Returns: nil when the time is over.
    func proof(_ runtime: ServiceRuntime?, timeout: Duration = .seconds(60)) async throws -> AttestedGateway? {
        let end = ContinuousClock.now + timeout
        while ContinuousClock.now < end {
            let gateway = try? ControlSocket.ask(instance)  // not yet there: asked again
            if let gateway, gateway.phase != "starting", runtime?.pid == nil || gateway.proof.pid == runtime?.pid {
                return gateway
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }

    /// Whether this command was started by a tool of the gateway that it is about: then the service manager would end
    /// the command together with the gateway.
    var isInside: Bool {
        guard let tag = context.environment["JARVIS_INSTANCE"] else { return false }
        return tag == installer.instanceId
    }

    /// Whether the instance belongs to the user who runs this command; what belongs to another is not written.
    var isOwner: Bool {
        var status = stat()
        return stat(instance.stateDirectory, &status) == 0 && status.st_uid == context.environment.userId
    }

    /// There is no service and nothing runs: what the caller may do.
    func notLoaded(_ action: String) -> ServiceActionReport {
        var hints = ["Install it: \(instance.command) gateway install", "Or run it here: \(instance.command) gateway"]
        let others = ServiceScan.installed(environment: context.environment, includeSystem: false)
            .filter { !$0.belongs(to: installer.instanceId) }.compactMap(\.profile)
        if !others.isEmpty {
            hints.append("Services of other gateways (not touched): \(others.joined(separator: ", "))")
        }
        return ServiceActionReport(
            instance: instance, instanceId: installer.instanceId, action: action, result: .notLoaded,
            message: "The gateway \"\(instance.displayName)\" is not installed as a service.", hints: hints, isOk: false
        )
    }

    /// A report about `change`.
    func report(_ action: String, _ change: ServiceChange, _ message: String) -> ServiceActionReport {
        ServiceActionReport(
            instance: instance, instanceId: installer.instanceId, action: action, result: change.result,
            message: message, service: change.service, runtime: change.runtime, paths: change.paths,
            backup: change.backup, warnings: change.warnings)
    }

    /// `jarvis-gateway-rescue.service (systemd-user)`.
    static func named(_ service: InstalledService) -> String { "\(service.name) (\(service.manager.rawValue))" }
}

/// `--supervisor`, where a command must know which domain is meant.
enum SupervisorChoice: String, ExpressibleByArgument, CaseIterable {
    case systemd
    case systemdUser = "systemd-user"
    case systemdSystem = "systemd-system"
    case launchd
    case schtasks
    case builtin

    var kind: ServiceManagerKind {
        switch self {
        case .systemd, .systemdUser: .systemdUser
        case .systemdSystem: .systemdSystem
        case .launchd: .launchd
        case .schtasks: .schtasks
        case .builtin: .builtin
        }
    }
}
