import ArgumentParser
import JarvisCore
import JarvisHost

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `jarvis dashboard`.
struct DashboardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dashboard",
        abstract: "Print the address of the gateway's page and open it on a desktop.",
        discussion: """
            The address holds the token: give it to nobody.

            Examples:
              jarvis dashboard
              jarvis dashboard --no-open

            Exit codes: 0 printed; 2 no such instance.
            """)

    @Flag(help: "Only print the address.")
    var noOpen = false

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let instance = try context.existingInstance()
        let config = context.configStore(instance).load().config
        let facts = InstanceFacts(context: context, instance: instance, config: config)
        let page = DashboardAddress(
            port: try facts.port().value, basePath: config.gateway.controlUi.basePath,
            token: DashboardAddress.token(config, environment: context.environment))
        if !facts.isRunning {
            Terminal.error(
                "note: the gateway \"\(instance.displayName)\" is not running; start it: \(instance.command) gateway")
        }
        let opened = !noOpen && !json.isOn && facts.isRunning && DesktopBrowser.open(page.text, context: context)
        CommandOutput(
            json: [
                "url": .string(page.text), "running": .bool(facts.isRunning), "opened": .bool(opened),
                "profile": .string(instance.displayName),
            ], text: page.text
        ).show(json: json.isOn)
    }
}

/// The browser of an interactive desktop.
enum DesktopBrowser {
    /// Opens `url`; false where there is no desktop in front of the user.
    static func open(_ url: String, context: CLIContext) -> Bool {
        guard context.terminal.canAsk, context.environment["SSH_CONNECTION"] == nil else { return false }
        #if os(macOS)
            return launch("open", url, context.environment)
        #else
            guard context.environment["DISPLAY"] != nil || context.environment["WAYLAND_DISPLAY"] != nil else {
                return false
            }
            return launch("xdg-open", url, context.environment)
        #endif
    }

    private static func launch(_ program: String, _ url: String, _ environment: HostEnvironment) -> Bool {
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(url), nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.variables.map { strdup("\($0.key)=\($0.value)") }
        variables.append(nil)
        defer { for text in arguments + variables { free(text) } }
        var pid = pid_t()
        guard posix_spawnp(&pid, program, nil, nil, &arguments, &variables) == 0 else { return false }
        var status: Int32 = 0
        return waitpid(pid, &status, 0) == pid && status == 0
    }
}
