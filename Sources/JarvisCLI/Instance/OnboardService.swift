import JarvisCore
import JarvisHost

/// The step of onboarding that makes a service.
struct OnboardService {
    let context: CLIContext
    let instance: Instance

    /// Why this host can't have one now, in one line; nil when it can.
    func obstacle() throws -> String? {
        let installer = try ServiceInstaller(instance: instance, environment: context.environment)
        do throws(JarvisError) {
            try installer.refuseManagedHost()
        } catch {
            return error.message
        }
        return installer.obstacle(ServiceInstaller.usualKind).map { $0.message + ($0.hint.map { " \($0)" } ?? "") }
    }

    /// Installs and starts it.
    ///
    /// - Throws: as `ServiceInstall.run`.
    func install() async throws -> ServiceActionReport {
        try await ServiceInstall(context: context, instance: instance).run()
    }
}

/// What onboarding says at the end: what it made, how to look at it, how to remove it.
struct OnboardEnding {
    let result: SetupResult
    let service: ServiceActionReport?

    /// Paths, in the order of importance.
    var made: [String] {
        let instance = result.instance
        var paths = [instance.stateDirectory]
        if !HostPath.isInside(instance.configPath, instance.stateDirectory) { paths.append(instance.configPath) }
        if !HostPath.isInside(result.workspace, instance.stateDirectory) { paths.append(result.workspace) }
        return paths + (service?.service.map { [$0.path] } ?? [])
    }

    var look: String {
        let command = result.instance.command
        return service == nil ? "\(command) which; \(command) config get gateway" : "\(command) gateway status"
    }

    var remove: String {
        let instance = result.instance
        let first = service == nil ? "stop the gateway" : "\(instance.command) gateway uninstall"
        let outside =
            HostPath.isInside(result.workspace, instance.stateDirectory)
            ? "" : ", and the workspace \(result.workspace)"
        return "\(first), then delete \(instance.stateDirectory)\(outside)"
    }
}
