import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis gateway restart`.
struct GatewayRestartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Restart this gateway and wait until it has proven itself.",
        discussion: """
            Restarts its service. A gateway that runs in a terminal, and one that is restarted by a tool of its own \
            agent, restarts in place: it is asked over its control socket and answers with a ticket.

            Examples:
              jarvis gateway restart
              jarvis --profile rescue gateway restart --json
              jarvis gateway restart --ticket r-0123456789ab

            Exit codes: 0 restarted; 1 nothing to restart, or it did not come up again.
            """)

    @Option(help: "Restart nothing; say what became of an earlier restart or stop.")
    var ticket: String?

    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        if let ticket { return try GatewayLifecycle.ticket(ticket, of: context.existingInstance()).show(json) }
        let services = try ServiceContext(context)
        let instance = services.instance
        let service = try services.installer.service()
        let isOutside = services.outsider(of: service) != nil
        if isOutside || services.isInside || (service == nil && GatewayLifecycle.isRestarting(instance)) {
            try await ask(services, service, context).show(json)
            return
        }
        guard let service else {
            try services.notLoaded("restart").show(json)
            return
        }
        let manager = services.installer.manager(service.manager)
        let before = manager.runtime(of: service).pid
        let change = try manager.restart(service)
        var report = services.report(
            "restart", change, "Restarted \(ServiceContext.named(service)) of the gateway \"\(instance.displayName)\".")
        report.pidBefore = before
        report.provenPid = try await services.proof(change.runtime)?.proof.pid
        if report.provenPid == nil {
            report.isOk = false
            report.hints.append("The gateway has not proven itself. Its log: \(instance.command) logs")
        }
        try report.show(json)
    }

    private func ask(
        _ services: ServiceContext, _ service: InstalledService?, _ context: CLIContext
    ) async throws -> ServiceActionReport {
        let instance = services.instance
        let outcome = try await GatewayLifecycle.restart(instance, context: context)
        var report = ServiceActionReport(
            instance: instance, instanceId: services.installer.instanceId, action: "restart", result: .restarted,
            message: outcome.isFinal
                ? "Restarted the gateway \"\(instance.displayName)\" in place."
                : "The gateway \"\(instance.displayName)\" was asked to restart.", service: service)
        report.ticket = outcome.json
        report.pidBefore = outcome.ticket.before.pid
        report.isOk = outcome.json["ok"]?.boolValue ?? false
        if outcome.isFinal { report.provenPid = try await services.proof(nil)?.proof.pid }
        return report
    }
}
