import CJarvisShims
import JarvisCore
import JarvisSystem
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is needed to start a browser.
package struct LaunchPlan: Sendable {
    /// The browser's program, absolute.
    package var executable: String
    /// Its user-data directory, absolute; made when it is missing.
    package var userDataDir: String
    /// Whether it shows no window.
    package var headless: Bool
    /// Whether its sandbox is off (needed as root).
    package var noSandbox: Bool
    /// A debugging port to open on 127.0.0.1 beside the pipe; nil: none.
    package var cdpPort: Int?
    /// `host:port` of the proxy that everything goes through; nil: none.
    package var proxy: String?
    /// More arguments, from the configuration.
    package var extraArgs: [String]
    /// Its environment, whole.
    package var environment: [String: String]
    /// Who starts it and answers for its end.
    package var children: ChildTree
    /// How long it may take until it answers. Default 15 s.
    package var readyTimeout: Duration = .seconds(15)

    /// A plan.
    package init(
        executable: String, userDataDir: String, headless: Bool = false, noSandbox: Bool = false, cdpPort: Int? = nil,
        proxy: String? = nil, extraArgs: [String] = [], environment: [String: String] = [:], children: ChildTree
    ) {
        self.executable = executable
        self.userDataDir = userDataDir
        self.headless = headless
        self.noSandbox = noSandbox
        self.cdpPort = cdpPort
        self.proxy = proxy
        self.extraArgs = extraArgs
        self.environment = environment
        self.children = children
    }
}

/// Starts browsers.
package enum BrowserLauncher {
    /// Starts a browser and returns once it answers over its debugging pipe.
    ///
    /// - Throws: `BrowserError` 500 `launch_failed` with what the browser said, 400 for arguments that can't be given.
    package static func launch(_ plan: LaunchPlan) async throws -> LaunchedBrowser {
        let browser = try await offPool { try spawn(plan) }
        do throws(CDPFailure) {
            let version = try await browser.connection.send("Browser.getVersion", timeout: plan.readyTimeout)
            browser.learn(version)
            return browser
        } catch {
            await browser.stop()
            throw BrowserError(500, "launch_failed", "The browser \(plan.executable) did not start: \(error)")
        }
    }

    private static func spawn(_ plan: LaunchPlan) throws -> LaunchedBrowser {
        var toBrowser: [Int32] = [-1, -1]
        var fromBrowser: [Int32] = [-1, -1]
        guard jarvis_pipe_cloexec(&toBrowser) == 0 else { throw SystemCallError(call: "pipe", errorNumber: errno) }
        guard jarvis_pipe_cloexec(&fromBrowser) == 0 else {
            let number = errno
            for end in toBrowser { systemClose(end) }
            throw SystemCallError(call: "pipe", errorNumber: number)
        }
        defer {
            systemClose(toBrowser[0])
            systemClose(fromBrowser[1])
        }
        var child = ProcessSpawn(
            path: plan.executable, arguments: BrowserFlags.arguments(plan), environment: plan.environment)
        child.moreDescriptors = [toBrowser[0], fromBrowser[1]]
        let pid: Int32
        do {
            pid = try plan.children.start(child)
        } catch {
            systemClose(toBrowser[1])
            systemClose(fromBrowser[0])
            throw error
        }
        let transport = try PipeTransport(reading: fromBrowser[0], writing: toBrowser[1])
        return LaunchedBrowser(plan: plan, pid: pid, connection: CDPConnection(transport: transport))
    }
}

/// A browser that this process started and that answered.
package final class LaunchedBrowser: Sendable {
    /// What it was started with.
    package let plan: LaunchPlan
    /// Its process, which leads a group of its own.
    package let pid: Int32
    /// The way to command it.
    package let connection: CDPConnection
    private let version = Mutex(JSONValue.null)

    init(plan: LaunchPlan, pid: Int32, connection: CDPConnection) {
        self.plan = plan
        self.pid = pid
        self.connection = connection
    }

    func learn(_ version: JSONValue) { self.version.withLock { $0 = version } }

    /// Its name and version, such as `Chrome/156.0.7258.66`.
    package var product: String { version.withLock { $0["product"]?.stringValue ?? "" } }

    /// Ends it with everything that it started, and returns when nothing of it is left.
    package func stop() async {
        // A browser that closes does not always answer first.
        _ = try? await connection.send("Browser.close", timeout: .seconds(2))  // then by signal
        let pid = pid
        try? await offPool {  // never throws
            let deadline = ContinuousClock.now + .seconds(3)
            var isAsked = false
            while ProcessEnd.collect(pid) == nil {
                if ContinuousClock.now > deadline { kill(-pid, isAsked ? SIGKILL : SIGTERM) }
                isAsked = true
                usleep(10_000)
            }
            kill(-pid, SIGKILL)
        }
        connection.close()
    }
}
