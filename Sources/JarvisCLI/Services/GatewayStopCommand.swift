import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis gateway stop`.
struct GatewayStopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop this gateway.",
        discussion: """
            Stops its service; a gateway that runs in a terminal is asked over its control socket, after it has proven \
            to be this instance. It stays down until it is started, or until the next login or boot.

            Examples:
              jarvis gateway stop
              jarvis --profile rescue gateway stop --json

            Exit codes: 0 it does not run any more; 1 nothing to stop, or it could not be stopped.
            """)

    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let services = try ServiceContext(context)
        let instance = services.instance
        let service = try services.installer.service()
        if services.outsider(of: service) != nil || services.isInside {
            try await ask(services, service, context).show(json)
            return
        }
        guard let service else {
            try services.notLoaded("stop").show(json)
            return
        }
        let manager = services.installer.manager(service.manager)
        let before = manager.runtime(of: service).pid
        let change = try manager.stop(service)
        var report = services.report(
            "stop", change, "Stopped \(ServiceContext.named(service)) of the gateway \"\(instance.displayName)\".")
        report.pidBefore = before
        report.undo = "\(instance.command) gateway start"
        report.isOk = change.runtime?.status != .running
        try report.show(json)
    }

    private func ask(
        _ services: ServiceContext, _ service: InstalledService?, _ context: CLIContext
    ) async throws -> ServiceActionReport {
        let instance = services.instance
        let outcome = try await GatewayLifecycle.stop(instance, context: context)
        let isDown = !StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory)
        var report = ServiceActionReport(
            instance: instance, instanceId: services.installer.instanceId, action: "stop", result: .stopped,
            message: isDown
                ? "Stopped the gateway \"\(instance.displayName)\"."
                : "The gateway \"\(instance.displayName)\" was asked to stop.", service: service)
        report.ticket = outcome.json
        report.isOk = outcome.isAccepted
        report.undo = "\(instance.command) gateway\(service == nil ? "" : " start")"
        return report
    }
}
