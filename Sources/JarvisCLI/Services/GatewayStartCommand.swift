import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis gateway start`.
struct GatewayStartCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start the service of this gateway.",
        discussion: """
            Clears an earlier failure first. Only this instance's service is touched.

            Examples:
              jarvis gateway start
              jarvis --profile rescue gateway start --json

            Exit codes: 0 it runs; 1 not installed, or it did not start; 2 it runs already outside the service.
            """)

    @OptionGroup var json: JSONOption

    func run() async throws {
        let services = try ServiceContext(.current)
        let instance = services.instance
        guard let service = try services.installer.service() else {
            try services.notLoaded("start").show(json)
            return
        }
        if let pid = services.outsider(of: service) {
            throw JarvisError(
                "service.foreground",
                "The gateway \"\(instance.displayName)\" runs already, outside its service"
                    + (pid > 0 ? " (pid \(pid))." : "."),
                hint: "Stop that one first: \(instance.command) gateway stop", metadata: ["pid": String(pid)],
                exitCode: 2)
        }
        let change = try services.installer.manager(service.manager).start(service)
        var report = services.report(
            "start", change, "Started \(ServiceContext.named(service)) of the gateway \"\(instance.displayName)\".")
        report.provenPid = try await services.proof(change.runtime)?.proof.pid
        if report.provenPid == nil {
            report.isOk = false
            report.hints.append("The gateway has not proven itself. Its log: \(instance.command) logs")
        }
        report.undo = "\(instance.command) gateway stop"
        try report.show(json)
    }
}
