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

/// A browser that this process started and that answered.
package final class LaunchedBrowser: Sendable {
    /// What it was started with.
    package let plan: LaunchPlan
    /// The way to command it.
    package let connection: CDPConnection
    private let process: BrowserProcess
    private let version = Mutex(JSONValue.null)
    private let stopping = Mutex<Task<Void, Never>?>(nil)

    init(plan: LaunchPlan, process: BrowserProcess, connection: CDPConnection) {
        self.plan = plan
        self.process = process
        self.connection = connection
    }

    func learn(_ version: JSONValue) { self.version.withLock { $0 = version } }

    /// Its process, which leads a group of its own.
    package var pid: Int32 { process.pid }
    /// Clock ticks between boot and the start of its process; with the pid it names one process.
    package var startTime: Int64 { process.startTime }
    /// Its name and version, such as `Chrome/156.0.7258.66`.
    package var product: String { version.withLock { $0["product"]?.stringValue ?? "" } }
    /// What it tells servers that it is.
    package var userAgent: String { version.withLock { $0["userAgent"]?.stringValue ?? "" } }
    /// Its debugging port; nil when none is open.
    package var port: Int? { plan.cdpPort }
    /// Whether it shows no window.
    package var isHeadless: Bool { plan.isHeadless }

    /// What it said last on standard error, short.
    var said: String { process.said }

    /// Ends it with everything that it started, and returns when nothing of it is left. All calls share one end.
    package func stop() async {
        let task = stopping.withLock { stopping in
            // unstructured: must come to its end also when who asked has gone
            let task = stopping ?? Task { await end() }
            stopping = task
            return task
        }
        await task.value
    }

    private func end() async {
        let canAsk = connection.isOpen
        if canAsk, process.end == nil {
            // A browser that closes does not always answer first, and one that hangs never does.
            _ = try? await connection.send("Browser.close", timeout: .milliseconds(1500))  // signals come next
        }
        if await !process.ended(within: canAsk ? .milliseconds(1500) : .zero) {
            process.signalGroup(SIGTERM)
            if await !process.ended(within: .milliseconds(700)) { process.signalGroup(SIGKILL) }
        }
        let (pid, start, directory) = (pid, startTime, plan.userDataDir)
        let work = { @Sendable in
            // What is left after its limit nobody can end.
            if BrowserRemains.end(of: pid, startTime: start, directory: directory).isEmpty {
                SingletonLock.clear(of: pid, in: directory)
            }
        }
        _ = try? await offPool(work)  // does not throw
        connection.close()
    }
}
