import JarvisCore

/// The service of one instance, in whatever domain it is.
///
/// Whose a service is, the instance id in its file says. Every action looks it up anew and touches nothing else.
package struct ServiceInstaller: Sendable {
    /// The instance.
    package let instance: Instance
    /// Its id; nil before it is set up, and then nothing is its service.
    package let instanceId: String?
    private let environment: HostEnvironment

    /// The services of `instance`. Reads its identity.
    ///
    /// - Throws: `instance.identity`, exit 78, when the identity can't be read.
    package init(instance: Instance, environment: HostEnvironment) throws(JarvisError) {
        self.instance = instance
        self.environment = environment
        instanceId = try InstanceIdentity.load(stateDirectory: instance.stateDirectory)?.instanceId
    }

    /// The manager of a kind.
    package func manager(_ kind: ServiceManagerKind) -> any ServiceManager {
        switch kind {
        case .systemdUser: SystemdManager(isSystem: false, environment: environment)
        case .builtin: BuiltinServiceManager(environment: environment)
        case .systemdSystem: SystemdManager(isSystem: true, environment: environment)
        case .launchd: LaunchdManager(environment: environment)
        case .schtasks: TaskManager(stateDirectory: instance.stateDirectory, environment: environment)
        }
    }

    /// The manager that a host like this one has for the services of a user.
    package static var usualKind: ServiceManagerKind {
        #if os(macOS)
            .launchd
        #elseif os(Windows)
            .schtasks
        #else
            .systemdUser
        #endif
    }

    /// The services that carry the id of this instance, in every domain.
    package func installed() -> [InstalledService] {
        guard let instanceId else { return [] }
        return ServiceScan.of(instanceId: instanceId, environment: environment)
    }

    /// The one service of this instance; nil when there is none.
    ///
    /// - Throws: `service.twice`, exit 2, when several domains have one: which is meant would be a guess.
    package func service() throws(JarvisError) -> InstalledService? {
        let found = installed()
        guard found.count > 1 else { return found.first }
        throw JarvisError(
            "service.twice",
            "The gateway “\(instance.displayName)” is installed \(found.count) times: "
                + found.map { "\($0.name) (\($0.manager.rawValue), \($0.path))" }.joined(separator: ", ") + ".",
            hint:
                "Keep one: \(ServiceSpelling.command(found[0], "gateway uninstall --supervisor \(found[0].manager.rawValue)"))",
            exitCode: 2)
    }

    // MARK: Install

    /// Defines the service in the domain of `kind`, after a look at all others.
    ///
    /// - Throws: `service.nix`, `service.elsewhere`, `service.foreign` (exit 2), what the manager says when it can't be
    ///   used, `service.failed`.
    package func install(
        _ unit: ServiceUnit, start: Bool, force: Bool = false
    ) throws -> (change: ServiceChange, notes: [String]) {
        try refuseManagedHost()
        try requireOnlyHere(unit)
        let manager = manager(unit.manager)
        let notes: [String]
        switch manager.availability() {
        case .ready(let said): notes = said
        case .missing(let error): throw spelled(error)
        }
        var change = try manager.install(unit, start: start)
        if force, start, change.result == .alreadyInstalled {
            change.runtime = try manager.restart(change.service).runtime
            change.result = .installed
        }
        return (change, notes)
    }

    /// The hint of a manager, which knows no instance, with the words that reach this one.
    private func spelled(_ error: JarvisError) -> JarvisError {
        var error = error
        if error.code == "service.root" {
            error.hint =
                "As root: sudo env JARVIS_HOME=\(instance.home) \(instance.command) gateway install --system"
        }
        guard error.code != "service.root", let hint = error.hint else { return error }
        let words = hint.split(separator: " ", omittingEmptySubsequences: false)
        guard let index = words.indices.first(where: { words[$0...].starts(with: ["gateway", "install"]) }) else {
            return error
        }
        error.hint = (words[..<index] + [Substring(instance.command)] + words[index...]).joined(separator: " ")
        return error
    }

    /// Why the manager of `kind` can't be used now; nil when it can.
    package func obstacle(_ kind: ServiceManagerKind) -> JarvisError? {
        if case .missing(let error) = manager(kind).availability() { return spelled(error) }
        return nil
    }

    /// Passes when this host lets a program install services.
    ///
    /// - Throws: `service.nix`, exit 2.
    package func refuseManagedHost() throws(JarvisError) {
        guard environment["JARVIS_NIX_MODE"] == "1" else { return }
        throw JarvisError(
            "service.nix", "JARVIS_NIX_MODE=1: services of this host are declared elsewhere, jarvis installs none.",
            hint: "Declare the service in the host's configuration, or unset JARVIS_NIX_MODE.", exitCode: 2)
    }

    /// Passes when no other domain starts this instance or its state directory.
    ///
    /// - Throws: `service.elsewhere`, exit 2, with the command that removes the other one.
    private func requireOnlyHere(_ unit: ServiceUnit) throws(JarvisError) {
        let target = manager(unit.manager).service(for: unit)
        for other in ServiceScan.installed(environment: environment, includeSystem: true) {
            if environment.canonicalize(other.path) == environment.canonicalize(target.path) { continue }
            let sameState = other.stateDirectory.map(environment.canonicalize) == instance.canonicalStateDirectory
            guard other.belongs(to: unit.instanceId) || sameState else { continue }
            let words = "gateway uninstall --supervisor \(other.manager.rawValue)"
            let isRoots = other.manager == .systemdSystem && environment.userId != 0
            let sudo = isRoots ? "sudo env JARVIS_HOME=\(instance.home) " : ""
            throw JarvisError(
                "service.elsewhere",
                "The gateway “\(instance.displayName)” is already installed as \(other.name) (\(other.manager.rawValue),"
                    + " \(other.path)). Two managers of one gateway would revive it against each other.",
                hint: "Remove that one first: \(sudo)\(ServiceSpelling.command(other, words))",
                metadata: ["path": other.path, "manager": other.manager.rawValue], exitCode: 2)
        }
    }

    // MARK: Uninstall

    /// Removes every service of this instance, or the one of `kind`; also one that an earlier instance left behind for
    /// the same state directory. The instance itself stays.
    ///
    /// - Throws: `service.failed`; what was removed before stays removed.
    package func uninstall(_ kind: ServiceManagerKind? = nil) throws -> [ServiceChange] {
        try (installed() + leftovers()).filter { kind == nil || $0.manager == kind }
            .map { try manager($0.manager).uninstall($0) }
    }

    /// Services that start the state directory of this instance under an id that it no longer has.
    package func leftovers() -> [InstalledService] {
        ServiceScan.installed(environment: environment, includeSystem: true).filter { service in
            !service.belongs(to: instanceId)
                && service.stateDirectory.map(environment.canonicalize) == instance.canonicalStateDirectory
        }
    }

    /// Removes every service of `instance`.
    ///
    /// - Throws: as `uninstall()`.
    package static func uninstall(_ instance: Instance, environment: HostEnvironment) throws -> [ServiceChange] {
        try ServiceInstaller(instance: instance, environment: environment).uninstall()
    }
}
