import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Task Scheduler: a task at the user's logon that runs `<state>/gateway.cmd`.
package struct TaskManager: ServiceManager {
    package let kind = ServiceManagerKind.schtasks
    private let environment: HostEnvironment
    private let runner: ChildRunner
    private let stateDirectory: String

    /// The tasks of the user that `environment` describes; `stateDirectory` is where the instance's script lies.
    package init(stateDirectory: String, environment: HostEnvironment) {
        self.stateDirectory = stateDirectory
        self.environment = environment
        runner = ChildRunner(environment: environment.variables.filter { ["PATH", "SystemRoot"].contains($0.key) })
    }

    private var script: String { HostPath.join(stateDirectory, "gateway.cmd") }

    package func availability() -> ServiceAvailability {
        runner.find("schtasks") == nil
            ? .missing(JarvisError("service.no_scheduler", "There is no schtasks on this host.")) : .ready(notes: [])
    }

    package func installed() -> [InstalledService] {
        ServiceScan.read(script, manager: kind, scope: .user).map { [$0] } ?? []
    }

    package func service(for unit: ServiceUnit) -> InstalledService {
        TaskDefinition.read(script: TaskDefinition.script(unit), path: script)
            ?? InstalledService(manager: kind, scope: .user, name: unit.names.taskName, path: script)
    }

    package func install(_ unit: ServiceUnit, start: Bool) throws -> ServiceChange {
        let service = service(for: unit)
        let file = ServiceFile(path: script, 0o600)
        try file.requireOwn(unit.instanceId) { ServiceScan.read($0, manager: kind, scope: .user) }
        let written = try file.write(TaskDefinition.script(unit))
        let definition = HostPath.join(stateDirectory, "gateway-task.xml")
        try DurableFile.write(Array(TaskDefinition.render(unit, script: script).utf8), to: definition)
        try require(["/create", "/f", "/tn", service.name, "/xml", definition])
        if start { try require(["/run", "/tn", service.name]) }
        return ServiceChange(
            written.isChanged ? .installed : .alreadyInstalled, service,
            paths: written.isChanged ? [script, definition] : [], backup: written.backup,
            runtime: runtime(of: service))
    }

    package func uninstall(_ service: InstalledService) throws -> ServiceChange {
        _ = try schtasks(["/end", "/tn", service.name])
        try require(["/delete", "/f", "/tn", service.name])
        unlink(script)
        return ServiceChange(.uninstalled, service, paths: [script])
    }

    package func start(_ service: InstalledService) throws -> ServiceChange {
        try require(["/run", "/tn", service.name])
        return ServiceChange(.started, service, runtime: runtime(of: service))
    }

    package func stop(_ service: InstalledService) throws -> ServiceChange {
        _ = try schtasks(["/end", "/tn", service.name])
        return ServiceChange(.stopped, service, runtime: runtime(of: service))
    }

    package func restart(_ service: InstalledService) throws -> ServiceChange {
        _ = try stop(service)
        return ServiceChange(.restarted, service, runtime: try start(service).runtime)
    }

    package func runtime(of service: InstalledService) -> ServiceRuntime {
        let outcome = try? schtasks(["/query", "/tn", service.name, "/fo", "list", "/v"])  // no program is no state
        guard let outcome else { return ServiceRuntime(status: .unknown, detail: "there is no schtasks") }
        guard outcome.isSuccess else {
            return ServiceRuntime(status: .stopped, detail: "no such task", isMissing: true)
        }
        let isRunning = outcome.output.split(whereSeparator: \.isNewline).contains {
            $0.hasPrefix("Status:") && $0.hasSuffix("Running")
        }
        return ServiceRuntime(status: isRunning ? .running : .stopped, isEnabled: true)
    }

    private func require(_ arguments: [String]) throws(JarvisError) {
        let outcome = try schtasks(arguments)
        guard outcome.isSuccess else {
            throw JarvisError(
                "service.failed",
                "schtasks \(arguments.joined(separator: " ")): \(outcome.errors.split(whereSeparator: \.isNewline).first ?? "failed")"
            )
        }
    }

    private func schtasks(_ arguments: [String]) throws(JarvisError) -> ChildRunner.Outcome {
        guard let program = runner.find("schtasks") else {
            throw JarvisError("service.no_scheduler", "There is no schtasks on this host.")
        }
        do {
            return try runner.run(program, arguments, timeout: .seconds(60))
        } catch {
            throw JarvisError("service.failed", "\(program) can't be started: \(error)", cause: error)
        }
    }
}
