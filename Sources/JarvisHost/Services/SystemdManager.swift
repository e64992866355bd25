import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// systemd: units of the user, or of the machine.
package struct SystemdManager: ServiceManager {
    /// `systemdUser` or `systemdSystem`.
    package let kind: ServiceManagerKind
    private let environment: HostEnvironment
    private let systemctl: SystemctlRunner

    /// The user's manager, or with `isSystem` the machine's.
    package init(isSystem: Bool, environment: HostEnvironment) {
        kind = isSystem ? .systemdSystem : .systemdUser
        self.environment = environment
        systemctl = SystemctlRunner(isUser: !isSystem, environment: environment)
    }

    /// The major version of systemd on this host; nil without one.
    package static func version(environment: HostEnvironment) -> Int? {
        SystemctlRunner.version(environment: environment)
    }

    private var isUser: Bool { kind == .systemdUser }

    // MARK: Can it be used

    /// Whether the manager answers. For a user's manager: that somebody keeps it running after logout.
    package func availability() -> ServiceAvailability {
        do throws(JarvisError) {
            guard UserBus.isBooted else {
                return .missing(Self.noSystemd(environment))
            }
            if !isUser, environment.userId != 0 {
                throw JarvisError(
                    "service.root", "A unit of the machine can only be installed by root.",
                    hint: "Leave --system away, or run the command as root.")
            }
            guard let outcome = try systemctl.run(["show-environment"], timeout: .seconds(15)) else {
                return .missing(Self.noSystemd(environment))
            }
            guard outcome.isSuccess else { return .missing(unreachable(outcome)) }
            return .ready(notes: isUser ? lingerNotes : [])
        } catch {
            return .missing(error)
        }
    }

    private static func noSystemd(_ environment: HostEnvironment) -> JarvisError {
        JarvisError(
            "service.no_systemd", "This host is not run by systemd (there is no /run/systemd/system).",
            hint: "Use the supervisor that comes with jarvis: gateway install --supervisor builtin")
    }

    private func unreachable(_ outcome: ChildRunner.Outcome) -> JarvisError {
        let user = UserBus(environment: environment).userName
        let said = outcome.errors.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no answer"
        if !isUser { return JarvisError("service.no_bus", "The system manager does not answer: \(said)") }
        let runtime = "/run/user/\(environment.userId)"
        if environment.userId == 0 {
            return JarvisError(
                "service.no_bus", "root has no user manager here: \(said)",
                hint: "As root use a unit of the machine: gateway install --system")
        }
        if !DurableFile.exists(runtime) {
            return JarvisError(
                "service.no_bus",
                "The service manager of \(user) does not run (there is no \(runtime)): \(said)",
                hint: "Start it for good with: sudo loginctl enable-linger \(user)", metadata: ["user": user])
        }
        return JarvisError(
            "service.no_bus", "The service manager of \(user) can't be reached: \(said)",
            hint: "Log in as \(user) itself instead of by su or sudo, or run: sudo machinectl shell \(user)@",
            metadata: ["user": user])
    }

    private var lingerNotes: [String] {
        let bus = UserBus(environment: environment)
        guard bus.lingers == false else { return [] }
        return [
            "The gateway stops when you log out and does not start at boot until the user lingers."
                + " Run once: sudo loginctl enable-linger \(bus.userName)"
        ]
    }

    // MARK: What is there

    package func installed() -> [InstalledService] {
        ServiceScan.installed(environment: environment, includeSystem: !isUser).filter { $0.manager == kind }
    }

    package func service(for unit: ServiceUnit) -> InstalledService {
        let directory = place
        let name = unit.names.systemdUnit
        let path = HostPath.join(directory, name)
        let scope: ServiceScope = isUser ? .user : .system
        return SystemdUnitText.read(SystemdUnitText.render(unit), name: name, path: path, manager: kind, scope: scope)
            ?? InstalledService(manager: kind, scope: scope, name: name, path: path)
    }

    private var place: String {
        let places = ServiceDirectories(environment: environment)
        return (isUser ? places.systemdUser : places.systemdSystem)[0].path
    }

    // MARK: Changes

    package func install(_ unit: ServiceUnit, start: Bool) throws -> ServiceChange {
        let service = service(for: unit)
        let file = ServiceFile(path: service.path, isUser ? 0o600 : 0o644)
        try file.requireOwn(unit.instanceId) { ServiceScan.read($0, manager: kind, scope: service.scope) }
        let written = try file.write(SystemdUnitText.render(unit))
        do {
            if written.isChanged { try systemctl.require(["daemon-reload"]) }
            try requireLoaded(service)
        } catch {
            written.revert()
            if written.isChanged { _ = try? systemctl.run(["daemon-reload"]) }  // the first error is the one to tell
            throw error
        }
        let wasEnabled = runtime(of: service).isEnabled
        if !wasEnabled { try systemctl.require(["enable", service.name]) }
        var change = ServiceChange(
            written.isChanged || !wasEnabled ? .installed : .alreadyInstalled, service,
            paths: written.isChanged ? [service.path] : [], backup: written.backup)
        if start {
            let before = runtime(of: service)
            if before.status != .running {
                change.runtime = try self.start(service).runtime
            } else if written.isChanged {
                change.runtime = try restart(service).runtime
            }
        }
        change.runtime = change.runtime ?? runtime(of: service)
        return change
    }

    /// The manager must read the file that was written: another home or another manager would run something else.
    private func requireLoaded(_ service: InstalledService) throws(JarvisError) {
        let seen = systemctl.show(service.name, ["LoadState", "FragmentPath"])
        let fragment = seen["FragmentPath"] ?? ""
        if seen["LoadState"] == "masked" {
            throw JarvisError(
                "service.masked", "\(service.name) is masked: somebody forbade it to start.",
                hint: "If that is over: \(systemctl.spelling) unmask \(service.name)")
        }
        guard seen["LoadState"] == "loaded",
            environment.canonicalize(fragment) == environment.canonicalize(service.path)
        else {
            let found = fragment.isEmpty ? "it finds no such unit" : "it reads \(fragment)"
            throw JarvisError(
                "service.not_read",
                "The service manager does not read \(service.path): \(found)\(seen["LoadState"].map { " (\($0))" } ?? "").",
                hint: "HOME and XDG_CONFIG_HOME must be those of the user's own service manager.")
        }
    }

    package func uninstall(_ service: InstalledService) throws -> ServiceChange {
        try systemctl.require(["disable", "--now", service.name], timeout: .seconds(90))
        guard unlink(service.path) == 0 || errno == ENOENT else {
            throw SystemCallError(call: "unlink", errorNumber: errno, subject: service.path)
        }
        try? DurableFile.syncDirectory(DurableFile.parent(of: service.path))  // the removal itself succeeded
        try systemctl.require(["daemon-reload"])
        _ = try? systemctl.run(["reset-failed", service.name])  // says no when there was no failure
        var warnings: [String] = []
        let additions = "\(service.path).d"
        if DurableFile.exists(additions) { warnings.append("Your additions stay: \(additions)") }
        let backup = "\(service.path).bak"
        if unlink(backup) == 0 {
            return ServiceChange(.uninstalled, service, paths: [service.path, backup], warnings: warnings)
        }
        return ServiceChange(.uninstalled, service, paths: [service.path], warnings: warnings)
    }

    package func start(_ service: InstalledService) throws -> ServiceChange {
        try act("start", service, .started)
    }

    package func stop(_ service: InstalledService) throws -> ServiceChange {
        try systemctl.require(["stop", service.name], timeout: .seconds(90))
        return ServiceChange(.stopped, service, runtime: runtime(of: service))
    }

    package func restart(_ service: InstalledService) throws -> ServiceChange {
        try act("restart", service, .restarted)
    }

    private func act(
        _ verb: String, _ service: InstalledService, _ result: ServiceChange.Result
    ) throws(JarvisError) -> ServiceChange {
        // A unit that failed too often would refuse to start; whoever starts it by hand has seen that.
        _ = try systemctl.run(["reset-failed", service.name])
        do {
            try systemctl.require([verb, service.name], timeout: .seconds(150))
        } catch {
            throw explained(error, service)
        }
        return ServiceChange(result, service, runtime: runtime(of: service))
    }

    /// Why a unit did not come up, as far as its last exit tells.
    private func explained(_ error: JarvisError, _ service: InstalledService) -> JarvisError {
        let now = runtime(of: service)
        let exit = now.lastExitStatus.map { ", exit \($0)" } ?? ""
        let meaning =
            now.lastExitStatus == 78 ? ": its state directory, workspace or port is in use" : ""
        let journal = isUser ? "journalctl --user-unit \(service.name)" : "journalctl --unit \(service.name)"
        return JarvisError(
            "service.failed",
            "\(service.name) did not start (\(now.lastExitReason ?? now.state ?? "no reason given")\(exit))\(meaning).",
            hint:
                "See why: \(journal) -n 20; the gateway's own log is in \(service.stateDirectory ?? "its state directory")/logs",
            metadata: error.metadata, cause: error)
    }

    // MARK: State

    package func runtime(of service: InstalledService) -> ServiceRuntime {
        let seen = systemctl.show(
            service.name,
            [
                "LoadState", "ActiveState", "SubState", "MainPID", "ExecMainStatus", "ExecMainCode", "NRestarts",
                "Result", "UnitFileState", "FragmentPath",
            ])
        guard let active = seen["ActiveState"] else {
            return ServiceRuntime(status: .unknown, detail: "\(systemctl.spelling) does not answer")
        }
        let fragment = seen["FragmentPath"] ?? ""
        let isOther = !fragment.isEmpty && environment.canonicalize(fragment) != environment.canonicalize(service.path)
        if seen["LoadState"] == "not-found" || isOther {
            return ServiceRuntime(
                status: .unknown, state: active,
                detail: isOther ? "the manager reads \(fragment) instead" : "the manager does not know it",
                isMissing: true)
        }
        let status: ServiceRuntime.Status =
            switch active {
            case "active", "activating", "reloading", "deactivating": .running
            case "failed": .failed
            default: .stopped
            }
        let pid = seen["MainPID"].flatMap(Int32.init).flatMap { $0 > 0 ? $0 : nil }
        let hasEnded = seen["ExecMainCode"].map { $0 != "0" } ?? false
        let isWaiting = seen["SubState"] == "auto-restart"
        return ServiceRuntime(
            status: isWaiting ? .failed : status, pid: pid, state: active, subState: seen["SubState"],
            lastExitStatus: hasEnded ? seen["ExecMainStatus"].flatMap(Int.init) : nil,
            lastExitReason: seen["Result"].flatMap { $0 == "success" ? nil : $0 },
            restarts: seen["NRestarts"].flatMap(Int.init),
            isEnabled: ["enabled", "enabled-runtime", "linked", "static"].contains(seen["UnitFileState"] ?? ""),
            detail: isWaiting ? "waits before the next try" : nil)
    }
}
