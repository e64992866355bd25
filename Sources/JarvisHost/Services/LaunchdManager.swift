import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// launchd: an agent of the user, in the domain of the user's desktop session.
package struct LaunchdManager: ServiceManager {
    package let kind = ServiceManagerKind.launchd
    private let environment: HostEnvironment
    private let runner: ChildRunner

    /// The agents of the user that `environment` describes.
    package init(environment: HostEnvironment) {
        self.environment = environment
        var kept: [String: String] = [:]
        for name in ["PATH", "HOME", "USER", "LOGNAME"] { kept[name] = environment[name] }
        runner = ChildRunner(environment: kept)
    }

    private var domain: String { "gui/\(environment.userId)" }

    package func availability() -> ServiceAvailability {
        do throws(JarvisError) {
            let outcome = try launchctl(["print", domain])
            guard outcome.isSuccess else {
                throw JarvisError(
                    "service.no_bus", "launchd has no desktop session of this user (\(domain)).",
                    hint: "Log in at the desktop once, or use: gateway install --supervisor builtin")
            }
            return .ready(notes: [])
        } catch {
            return .missing(error)
        }
    }

    package func installed() -> [InstalledService] {
        ServiceScan.installed(environment: environment, includeSystem: true).filter { $0.manager == kind }
    }

    package func service(for unit: ServiceUnit) -> InstalledService {
        let directory = ServiceDirectories(environment: environment).launchd[0].path
        let path = HostPath.join(directory, "\(unit.names.launchdLabel).plist")
        return LaunchdPlist.read(LaunchdPlist.render(unit), path: path, scope: .user)
            ?? InstalledService(manager: kind, scope: .user, name: unit.names.launchdLabel, path: path)
    }

    package func install(_ unit: ServiceUnit, start: Bool) throws -> ServiceChange {
        let service = service(for: unit)
        let file = ServiceFile(path: service.path, 0o600)
        try file.requireOwn(unit.instanceId) { ServiceScan.read($0, manager: kind, scope: .user) }
        try DurableFile.createDirectory("\(unit.stateDirectory)/logs")
        let written = try file.write(LaunchdPlist.render(unit))
        let isLoaded = try launchctl(["print", target(service)]).isSuccess
        if written.isChanged, isLoaded { _ = try launchctl(["bootout", target(service)]) }
        var change = ServiceChange(
            written.isChanged ? .installed : .alreadyInstalled, service,
            paths: written.isChanged ? [service.path] : [], backup: written.backup)
        if start, written.isChanged || !isLoaded { change.runtime = try self.start(service).runtime }
        change.runtime = change.runtime ?? runtime(of: service)
        return change
    }

    package func uninstall(_ service: InstalledService) throws -> ServiceChange {
        _ = try launchctl(["bootout", target(service)])
        guard unlink(service.path) == 0 || errno == ENOENT else {
            throw SystemCallError(call: "unlink", errorNumber: errno, subject: service.path)
        }
        return ServiceChange(.uninstalled, service, paths: [service.path])
    }

    package func start(_ service: InstalledService) throws -> ServiceChange {
        if try launchctl(["print", target(service)]).isSuccess {
            try require(["kickstart", target(service)])
        } else {
            try require(["enable", target(service)])
            try require(["bootstrap", domain, service.path])
        }
        return ServiceChange(.started, service, runtime: runtime(of: service))
    }

    package func stop(_ service: InstalledService) throws -> ServiceChange {
        _ = try launchctl(["bootout", target(service)])
        return ServiceChange(.stopped, service, runtime: runtime(of: service))
    }

    package func restart(_ service: InstalledService) throws -> ServiceChange {
        guard try launchctl(["print", target(service)]).isSuccess else {
            return ServiceChange(.restarted, service, runtime: try start(service).runtime)
        }
        try require(["kickstart", "-k", target(service)])
        return ServiceChange(.restarted, service, runtime: runtime(of: service))
    }

    package func runtime(of service: InstalledService) -> ServiceRuntime {
        let outcome = try? launchctl(["print", target(service)])  // no launchctl is no state
        guard let outcome else { return ServiceRuntime(status: .unknown, detail: "there is no launchctl") }
        guard outcome.isSuccess else { return ServiceRuntime(status: .stopped, detail: "not loaded") }
        var fields: [String: String] = [:]
        for line in outcome.output.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.split(separator: " ").joined(separator: " ") }
            if parts.count == 2, fields[parts[0]] == nil { fields[parts[0]] = parts[1] }
        }
        let state = fields["state"]
        return ServiceRuntime(
            status: state == "running" ? .running : .stopped, pid: fields["pid"].flatMap(Int32.init), state: state,
            lastExitStatus: fields["last exit code"].flatMap(Int.init), isEnabled: true)
    }

    private func target(_ service: InstalledService) -> String { "\(domain)/\(service.name)" }

    private func require(_ arguments: [String]) throws(JarvisError) {
        let outcome = try launchctl(arguments)
        guard outcome.isSuccess else {
            throw JarvisError(
                "service.failed",
                "launchctl \(arguments.joined(separator: " ")): \(outcome.errors.split(whereSeparator: \.isNewline).first ?? "failed")"
            )
        }
    }

    private func launchctl(_ arguments: [String]) throws(JarvisError) -> ChildRunner.Outcome {
        guard let program = runner.find("launchctl") else {
            throw JarvisError("service.no_launchd", "There is no launchctl on this host.")
        }
        do {
            return try runner.run(program, arguments, timeout: .seconds(60))
        } catch {
            throw JarvisError("service.failed", "\(program) can't be started: \(error)", cause: error)
        }
    }
}
