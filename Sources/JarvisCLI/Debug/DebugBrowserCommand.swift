import ArgumentParser
import Dispatch
import JarvisBrowser
import JarvisCore
import JarvisSystem
import Logging
import NIOPosix

/// `jarvis debug browser`: the control service's routes over one browser, without a gateway.
struct DebugBrowserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "browser",
        abstract: "Start a browser and answer control requests from standard input, one JSON document a line.",
        discussion: """
            A request is {"method","path","query","body"}; the answer is {"status","body"}. A line {"cdp": method, \
            "params": …, "session": …} goes to the browser as it is. It ends with its input.

            Example:
              jarvis debug browser --state /tmp/b --no-sandbox < requests.jsonl
            """)

    @Option(help: "A directory for the user data and all files.")
    var state: String

    @Option(help: "The browser's program; found when it is not given.")
    var executable: String?

    @Option(help: "A debugging port to open beside the pipe, for a witness.")
    var port: Int?

    @Option(help: "The address of a browser that runs already, to connect to instead.")
    var attach: String?

    @Option(help: "With --attach, the user-data directory that it must run on.")
    var userData: String?

    @Option(name: .customLong("arg"), help: "A further argument of the browser, as --arg=--name=value.")
    var arguments: [String] = []

    @Flag(help: "End what an earlier one left behind, and print it, before anything else.")
    var sweep = false

    @Flag(name: .customLong("wait"), help: "Start the browser when a request needs it, not at once.")
    var waits = false

    @Option(help: "How many seconds the browser may take until it answers.")
    var ready: Int = 15

    @Option(help: "A proxy, as host:port.")
    var proxy: String?

    @Flag(help: "Show a window.")
    var headed = false

    @Flag(name: .customLong("no-sandbox"), help: "Turn the browser's sandbox off, as root must.")
    var noSandbox = false

    @Option(help: "The instance id that its processes carry.")
    var instance: String = "debug"

    func run() async throws {
        let directory = try CLIContext.current.absolutePath(state)
        var settings = BrowserSettings(directories: .init(root: directory))
        settings.executablePath = executable
        settings.isHeadless = !headed
        settings.isUnsandboxed = noSandbox
        settings.extraArguments = arguments
        settings.addresses.allowsPrivateNetwork = true
        var logger = Logger(label: "jarvis.browser", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .notice
        let host = BrowserHost(
            tree: ChildTree(instanceId: instance), environment: CLIContext.current.environment.variables,
            group: MultiThreadedEventLoopGroup.singleton, logger: logger)
        if sweep {
            let ended = BrowserSweep.run(instanceId: instance, root: directory)
            Terminal.write(
                JSONWriter.string(["swept": .array(ended.map { JSONValue(Int($0.pid)) })]) + "\n")
        }
        let control = BrowserControl(settings: settings, host: host, opener: opener)
        if !waits {
            let browser = try await control.start(try await control.profile(named: nil))
            Terminal.error("browser \(browser.product ?? "?"), pid \(browser.pid ?? 0)")
        }
        while let line = await Self.nextLine() {
            let answer: JSONValue
            do {
                answer = try await Self.answer(line, control)
            } catch {
                answer = ["status": 500, "body": ["error": .string("\(error)")]]
            }
            Terminal.write(JSONWriter.string(answer) + "\n")
        }
        await control.shutdown()
    }

    /// With `--attach` a browser that runs already, with `--port` a launched one with an open port, else as a gateway
    /// opens it.
    private var opener: BrowserOpener {
        let (port, proxy, attach, expected, ready) = (port, proxy, attach, userData, ready)
        let attempts = LaunchAttempts()
        return { profile, settings, host in
            let rules = settings.rules(settings.policy(host), profile, denials: EgressDenials(), hasProxy: true)
            if let attach {
                let plan = AttachPlan(
                    address: try CDPAddress(attach), userDataDir: expected, instanceId: host.tree.instanceId,
                    group: host.group)
                let browser = try await BrowserAttacher.attach(plan)
                let session = BrowserSession(connection: browser.connection, rules: rules)
                try await session.begin()
                return OpenBrowser(
                    session: session, pid: browser.pid, product: browser.product, stop: { browser.release() })
            }
            let program = try BrowserDetection.find(profile.executablePath, environment: host.environment)
            var plan = LaunchPlan(
                executable: program.path, userDataDir: profile.userDataDir, headless: profile.isHeadless,
                noSandbox: profile.isUnsandboxed, cdpPort: port, proxy: proxy, extraArgs: profile.extraArguments,
                environment: host.environment, children: host.tree)
            plan.readyTimeout = .seconds(ready)
            let wanted = plan
            let (browser, session) = try await attempts.start(profile.name) {
                try await BrowserLauncher.launch(wanted) { connection in
                    let session = BrowserSession(connection: connection, rules: rules)
                    try await session.begin(isNew: true)
                    return session
                }
            }
            return OpenBrowser(
                session: session, pid: browser.pid, port: port, product: browser.product, executable: program.path,
                stop: { await browser.stop() })
        }
    }

    private static func answer(
        _ line: String, _ control: BrowserControl
    ) async throws -> JSONValue {
        let wanted = try JSONParser.parse(line)
        if let method = wanted["cdp"]?.stringValue {
            let browser = try await control.start(try await control.profile(named: nil))
            return [
                "result": try await browser.session.connection.send(
                    method, wanted["params"] ?? [:], session: wanted["session"]?.stringValue)
            ]
        }
        var query: [String: String] = [:]
        for (name, value) in wanted["query"]?.objectValue ?? [:] { query[name] = value.stringValue }
        let reply = await control.handle(
            BrowserRequest(
                wanted["method"]?.stringValue ?? "GET", wanted["path"]?.stringValue ?? "/", query: query,
                body: wanted["body"] ?? [:]))
        return ["status": JSONValue(reply.status), "body": reply.body]
    }

    /// The next line of standard input; waiting for it blocks no thread of the pool.
    private static func nextLine() async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: readLine()) }
        }
    }
}
