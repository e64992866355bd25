import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis gateway uninstall`.
struct GatewayUninstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Stop the service of this gateway and remove it; the gateway's files stay.",
        discussion: """
            Removes what carries this instance's id and nothing else. Configuration, state, workspace and your drop-ins \
            stay.

            Examples:
              jarvis gateway uninstall
              jarvis --profile rescue gateway uninstall --json

            Exit codes: 0 removed, or there was none; 1 the service manager refused; 2 no such instance.
            """)

    @Option(help: "Only the one of: \(SupervisorChoice.allCases.map(\.rawValue).joined(separator: ", ")).")
    var supervisor: SupervisorChoice?

    @OptionGroup var json: JSONOption

    func run() async throws {
        let services = try ServiceContext(.current)
        let changes = try services.installer.uninstall(supervisor?.kind)
        guard let last = changes.last else {
            var report = services.notLoaded("uninstall")
            report.isOk = true
            try report.show(json)
            return
        }
        let names = changes.map { ServiceContext.named($0.service) }.joined(separator: ", ")
        var report = services.report(
            "uninstall", last, "Removed \(names) of the gateway \"\(services.instance.displayName)\".")
        report.paths = changes.flatMap(\.paths)
        report.warnings = changes.flatMap(\.warnings)
        let wasBuiltin = changes.contains { $0.service.manager == .builtin }
        report.undo = "\(services.instance.command) gateway install\(wasBuiltin ? " --supervisor builtin" : "")"
        try forget(changes, services)
        try report.show(json)
    }

    private func forget(_ changes: [ServiceChange], _ services: ServiceContext) throws {
        let state = services.instance.stateDirectory
        guard services.isOwner, var manifest = InstanceManifest.load(stateDirectory: state) else { return }
        let before = manifest
        for change in changes { manifest.remove(.service, path: change.service.path, stateDirectory: state) }
        if manifest != before { try manifest.write(stateDirectory: state) }
    }
}
