import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisSystem

/// Everything `jarvis gateway status` tells, gathered once and rendered twice.
struct GatewayStatusReport: Sendable {
    let instance: Instance
    let instanceId: String?
    /// The service; nil when there is none.
    let service: InstalledService?
    let runtime: ServiceRuntime?
    let issues: [ServiceAudit.Issue]
    /// Why more cannot be said about the service.
    let serviceProblem: String?
    /// The configuration that this command line means.
    let config: ConfigSnapshot
    /// The one that the service means, when it is another.
    let serviceConfig: ConfigSnapshot?
    let port: EffectivePort
    let portStatus: PortStatus
    /// The proof of the running gateway.
    let proof: AttestedGateway?
    /// The gateway's own answer.
    let answer: JSONValue?
    let failure: String?
    let url: String
    let siblings: [InstalledService]
    let foreign: [InstalledService]
    let lastError: String?

    /// What listens on the base port.
    struct PortStatus: Sendable {
        var holder: PortHolder?
        var isFree: Bool
        /// Whose gateway it is, as far as that is known.
        var owner: String?
    }

    static func gather(
        _ services: ServiceContext, probe: ConnectionOptions?, deep: Bool
    ) async throws -> GatewayStatusReport {
        let context = services.context
        let instance = services.instance
        var service: InstalledService?
        var problem: String?
        do {
            service = try services.installer.service()
        } catch {
            service = services.installer.installed().first
            problem = error.message + (error.hint.map { " \($0)" } ?? "")
        }
        let snapshot = context.configStore(instance).load()
        let facts = InstanceFacts(context: context, instance: instance, config: snapshot.config)
        let port = try facts.port()
        let proof = try? ControlSocket.ask(instance)  // not running is told by the fields
        var answer: JSONValue?
        var failure: String?
        if let probe {
            do {
                let client = try await probe.connect(context)
                defer { client.close() }
                answer = try await client.call("status", timeout: probe.wait)
            } catch {
                failure = Failure(error).message
            }
        }
        let wanted = try service.flatMap { service in
            try services.installer.instanceId.map { id in
                try ServiceUnit(
                    instance: instance, instanceId: id, manager: service.manager,
                    executable: EntryPath.current(name: CommandLine.arguments[0], environment: context.environment)
                        .path,
                    version: Version.text, environment: context.environment)
            }
        }
        let issues = service.flatMap { service in wanted.map { ServiceAudit(service, wanted: $0).issues } } ?? []
        let all = ServiceScan.installed(environment: context.environment, includeSystem: deep)
        return GatewayStatusReport(
            instance: instance, instanceId: services.installer.instanceId, service: service,
            runtime: service.map { services.installer.manager($0.manager).runtime(of: $0) }, issues: issues,
            serviceProblem: problem, config: snapshot, serviceConfig: otherConfig(service, instance, context),
            port: port, portStatus: portStatus(port.value, proof, services), proof: proof, answer: answer,
            failure: failure, url: probe?.endpoint.url ?? "ws://127.0.0.1:\(port.value)",
            siblings: all.filter { !$0.belongs(to: services.installer.instanceId) },
            foreign: ForeignServices.find(environment: context.environment, deep: deep),
            lastError: lastError(instance))
    }

    private static func otherConfig(
        _ service: InstalledService?, _ instance: Instance, _ context: CLIContext
    ) -> ConfigSnapshot? {
        guard let path = service?.configPath, path != instance.configPath else { return nil }
        return ConfigLoader.load(
            path: path, stateDirectory: service?.stateDirectory, environment: context.environment.variables)
    }

    private static func portStatus(_ port: Int, _ proof: AttestedGateway?, _ services: ServiceContext) -> PortStatus {
        let holder = PortHolder.find(port: port)
        if proof?.base == port {
            return PortStatus(holder: holder, isFree: false, owner: services.instance.displayName)
        }
        let isFree = PortPlan.isFree(port)
        let siblings = try? InstanceScanner.siblings(  // for a name only
            of: services.instance, environment: services.context.environment)  // for a name only
        let owner = isFree ? nil : siblings?.first { $0.isRunning && $0.runtime?.port == port }?.displayName
        return PortStatus(holder: holder, isFree: isFree, owner: owner)
    }

    private static func lastError(_ instance: Instance) -> String? {
        LogFileTail(path: instance.paths.gatewayLog).lastLines(maximumBytes: 64 << 10).map(LogLine.init)
            .last { $0.isAtLeast(.error) }.map { $0.json["message"]?.stringValue ?? "" }
    }

    /// Whether a healthy service runs the gateway that answers.
    var isServiceRunning: Bool { runtime?.status == .running }
}
