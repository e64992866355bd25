import CJarvisShims
import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Starts browsers.
package enum BrowserLauncher {
    /// The variable that carries the proof that a process came of one particular launch.
    static let nonceName = "JARVIS_BROWSER_LAUNCH"

    /// Starts a browser once and returns when it answers over its debugging pipe and, when it was to open a port, the
    /// port is proven to be its own. `LaunchAttempts` starts it again when that helps.
    ///
    /// - Throws: `BrowserError`: 400 `invalid_args`; 409 `needs_no_sandbox`, `directory_in_use`, `port_taken` (the
    ///   port is somebody else's); 500 `no_browser`; 500 `launch_failed` and `launch_timeout` with what the browser
    ///   said. Then nothing of it is left.
    package static func launch(_ plan: LaunchPlan) async throws -> LaunchedBrowser {
        try await launch(plan) { _ in }.browser
    }

    /// The same, and begins to use the browser over its pipe while it still starts: nobody else is behind that.
    ///
    /// - Parameter begin: what is asked of it besides, from the first moment on.
    /// - Throws: as the other; what `begin` throws, when the browser itself answers.
    package static func launch<Begun: Sendable>(
        _ plan: LaunchPlan, begin: @Sendable (CDPConnection) async throws -> Begun
    ) async throws -> (browser: LaunchedBrowser, begun: Begun) {
        var plan = plan
        let arguments = try BrowserFlags.arguments(plan)
        try checkRoot(plan)
        let nonce = Identifiers.randomHex(bytes: 16)
        plan.environment = environment(plan, nonce: nonce)
        let ready = plan
        let browser = try await offPool {
            // Known before a browser is started for nothing; proven again when it runs.
            if let port = ready.cdpPort, let owner = PortProof.owners(port: port).first { throw taken(port, owner) }
            try UserDataClaim.prepare(ready)
            return try spawn(ready, arguments)
        }
        do {
            let asked = try browser.connection.write("Browser.getVersion", [:])
            async let begun = begin(browser.connection)
            let version = try await browser.connection.answer(to: asked, "Browser.getVersion", plan.readyTimeout)
            browser.learn(version)
            if let port = plan.cdpPort { try await prove(port, browser, nonce: nonce) }
            return (browser, try await begun)
        } catch {
            await browser.stop()
            throw Self.error(error, browser)
        }
    }

    private static func error(_ error: any Error, _ browser: LaunchedBrowser) -> any Error {
        let name = browser.plan.executable
        switch error {
        case CDPFailure.timeout:
            let said = browser.said
            return BrowserError(
                500, "launch_timeout",
                "The browser \(name) started but did not answer within \(browser.plan.readyTimeout.components.seconds) s."
                    + (said.isEmpty ? "" : " It said: \(said)"))
        case CDPFailure.closed(let reason):
            return BrowserError(500, "launch_failed", "The browser \(name) did not start: \(reason)")
        case CDPFailure.remote(_, _, let message):
            return BrowserError(500, "launch_failed", "The browser \(name) refused to say its version: \(message)")
        case CDPFailure.cancelled: return CancellationError()
        default: return error
        }
    }

    private static func checkRoot(_ plan: LaunchPlan) throws(BrowserError) {
        #if os(Linux)
            guard geteuid() == 0, !plan.noSandbox else { return }
            throw BrowserError(
                409, "needs_no_sandbox",
                "A browser can't use its sandbox as root. Run the gateway as an ordinary user, or give the sandbox up: "
                    + CommandWords.current.config("set browser.noSandbox true"))
        #endif
    }

    private static func environment(_ plan: LaunchPlan, nonce: String) -> [String: String] {
        var environment = plan.environment
        // Launch scripts take more flags from these; ours are all that count.
        for name in ["CHROMIUM_FLAGS", "CHROMIUM_USER_FLAGS", "CHROME_USER_DATA_DIR", "CHROME_CONFIG_HOME"] {
            environment[name] = nil
        }
        environment["BREAKPAD_DUMP_LOCATION"] = plan.userDataDir + "/Crashpad"
        environment[nonceName] = nonce
        return environment
    }

    private static func spawn(_ plan: LaunchPlan, _ arguments: [String]) throws -> LaunchedBrowser {
        do {
            return try begin(plan, arguments)
        } catch let error as SystemCallError {
            throw BrowserError(
                500, "launch_failed",
                "The browser \(plan.executable) can't be started: \(error.call) failed: "
                    + "\(SystemCallError.text(error.errorNumber)).\(advice(error.errorNumber))")
        }
    }

    private static func advice(_ number: Int32) -> String {
        switch number {
        case EMFILE: " The gateway has as many files open as it may; see ulimit -n."
        case ENFILE: " This machine has as many files open as it can."
        case EAGAIN: " This user has as many processes as it may; see ulimit -u."
        case ENOMEM: " There is no memory left."
        default: ""
        }
    }

    private static func begin(_ plan: LaunchPlan, _ arguments: [String]) throws -> LaunchedBrowser {
        let commands = try Pipe()
        let answers = try Pipe()
        let errors = try Pipe()
        var child = ProcessSpawn(path: plan.executable, arguments: arguments, environment: plan.environment)
        child.moreDescriptors = [commands.reader.number, answers.writer.number]
        child.standardOutput = errors.writer.number
        child.standardError = errors.writer.number
        let pid: Int32
        do {
            pid = try plan.children.start(child)
        } catch let error as SystemCallError where error.call == "exec" {
            throw BrowserError(
                500, "no_browser",
                "The browser \(plan.executable) can't be started: \(SystemCallError.text(error.errorNumber)). Set "
                    + "browser.executablePath to a program of the Chromium family.")
        }
        do {
            let process = try BrowserProcess(pid: pid, errors: errors.reader.take())
            let transport = try PipeTransport(
                reading: answers.reader.take(), writing: commands.writer.take(), companion: process)
            return LaunchedBrowser(plan: plan, process: process, connection: CDPConnection(transport: transport))
        } catch {
            // Nobody would look after it.
            kill(-pid, SIGKILL)
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            throw error
        }
    }

    /// The browser opens its port in its own time, and says nothing when it can't.
    private static func prove(_ port: Int, _ browser: LaunchedBrowser, nonce: String) async throws {
        let deadline = ContinuousClock.now + .seconds(5)
        var isSuspected = false
        while true {
            let (pid, start) = (browser.pid, browser.startTime)
            let verdict = try await offPool {
                PortProof.verdict(port: port, pid: pid, startTime: start, nonce: nonce)
            }
            switch verdict {
            case .own: return
            case .nobody where ContinuousClock.now < deadline: try await Task.sleep(for: .milliseconds(20))
            case .nobody:
                throw BrowserError(
                    409, "port_taken", "The browser did not open its debugging port \(port) on 127.0.0.1.")
            case .foreign where !isSuspected:
                // Who ends while the tables are read can't be named. A stranger is still there at the second look.
                isSuspected = true
                try await Task.sleep(for: .milliseconds(100))
            case .foreign(let owner):
                throw taken(port, owner)
            }
        }
    }

    private static func taken(_ port: Int, _ owner: BrowserOwner) -> BrowserError {
        BrowserError(
            409, "port_taken",
            "The debugging port \(port) is taken by \(owner). End that program and start the browser again.")
    }
}

/// A pipe whose ends are closed with it unless somebody took them.
private struct Pipe: ~Copyable {
    final class End {
        private(set) var number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { if number >= 0 { systemClose(number) } }

        /// The descriptor, which the caller closes from now on.
        func take() -> Int32 {
            defer { number = -1 }
            return number
        }
    }

    let reader: End
    let writer: End

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard jarvis_pipe_cloexec(&ends) == 0 else { throw SystemCallError(call: "pipe", errorNumber: errno) }
        reader = End(ends[0])
        writer = End(ends[1])
    }
}
