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

    /// The command also takes the service away and keeps what it removes for a while.
    var remove: String {
        let command = "\(result.instance.command) profile rm"
        // The default gateway must be named, so that nobody removes it by leaving a name out.
        let whole = result.instance.profile == nil ? "jarvis --profile default profile rm" : command
        return HostPath.isInside(result.workspace, result.instance.stateDirectory)
            ? whole : "\(whole), then delete the workspace \(result.workspace)"
    }
}
