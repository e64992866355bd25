import CJarvisShims
import Dispatch
import JarvisCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The processes that one gateway started for its tools, and all that came of them.
///
/// Each child leads a process group, carries the instance's id in `JARVIS_INSTANCE`, and dies when this process does,
/// however that ends (Linux). A descendant whose parent ended becomes a child of this process, so that none is lost.
package final class ChildTree: Sendable {
    /// The variable that names the instance a process belongs to.
    package static let tag = "JARVIS_INSTANCE"

    /// The instance.
    package let instanceId: String
    private let starter = ChildStarter()
    private let started = Atomic<Bool>(false)

    /// Whether a child was ever asked for. Before that there is nothing to stop.
    package var hasStarted: Bool { started.load(ordering: .relaxed) }

    /// The children of the gateway of this instance. Makes this process the parent of its orphaned descendants.
    package init(instanceId: String) {
        self.instanceId = instanceId
        _ = jarvis_set_subreaper()
    }

    /// Starts a child and returns its pid. Blocks for about a millisecond. The caller, or `stop`, collects it.
    ///
    /// - Throws: `SystemCallError` when it can't be started.
    package func start(_ spawn: ProcessSpawn) throws -> Int32 {
        var spawn = spawn
        spawn.startsGroup = true
        spawn.deathSignal = SIGKILL
        spawn.environment[Self.tag] = instanceId
        started.store(true, ordering: .relaxed)
        return try starter.start(spawn)
    }

    /// Ends every descendant of this process and every process that carries its tag: SIGTERM, after `grace` SIGKILL.
    /// Blocks until none is left, at most `limit`.
    ///
    /// - Parameter sparing: processes that came of a tool but belong to themselves, such as another gateway that an
    ///   agent started; what came of them is spared too.
    /// - Returns: who is still there; empty but for processes that not even SIGKILL ends.
    @discardableResult
    package func stop(
        sparing: Set<Int32> = [], grace: Duration = .seconds(2), limit: Duration = .seconds(5)
    ) -> [Int32] {
        let start = ContinuousClock.now
        var asked: Set<Int32> = []
        while true {
            let left = members(sparing: sparing)
            let waited = start.duration(to: ContinuousClock.now)
            if left.isEmpty || waited > limit { return left }
            for pid in left {
                guard waited >= grace || asked.insert(pid).inserted else { continue }
                ProcessHandle(pid: pid)?.signal(waited >= grace ? SIGKILL : SIGTERM)
            }
            usleep(20_000)
        }
    }

    /// Everybody in the tree now, without zombies.
    package func members(sparing: Set<Int32> = []) -> [Int32] {
        let table = ProcessTable.read()
        for entry in table.entries where entry.parent == getpid() && entry.isZombie {
            _ = ProcessEnd.collect(entry.pid)
        }
        let alive = table.alive
        let own = alive.descendants(of: [getpid()])
        let spared = alive.descendants(of: sparing).union(sparing)
        let ancestors = alive.ancestors(of: getpid())
        let tagged = alive.entries.filter { ProcessInfoReader().environment($0.pid, Self.tag) == instanceId }.map(\.pid)
        return own.union(tagged).subtracting(spared).subtracting(ancestors).subtracting([getpid()]).sorted()
    }
}

/// Starts children from one thread that lives as long as the process: the death signal of a child is sent when the
/// thread that started it ends, and threads of a pool end when there is nothing to do.
private final class ChildStarter: Sendable {
    private struct Work {
        var jobs: [@Sendable () -> Void] = []
        var isRunning = false
    }

    private let work = Mutex(Work())
    private let bell = DispatchSemaphore(value: 0)

    func start(_ spawn: ProcessSpawn) throws -> Int32 {
        let done = DispatchSemaphore(value: 0)
        let slot = Slot()
        let mustBegin = work.withLock { work in
            work.jobs.append {
                slot.answer.withLock { $0 = Result { try spawn.start() } }
                done.signal()
            }
            defer { work.isRunning = true }
            return !work.isRunning
        }
        if mustBegin { begin() }
        bell.signal()
        done.wait()
        guard let result = slot.answer.withLock({ $0 }) else {
            throw SystemCallError(call: "fork", errorNumber: EAGAIN, subject: spawn.path)
        }
        return try result.get()
    }

    private final class Slot: Sendable {
        let answer = Mutex<Result<Int32, any Error>?>(nil)
    }

    private func run() {
        while true {
            bell.wait()
            let job = work.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
            job?()
        }
    }

    private func begin() {
        if !DedicatedThread.start({ self.run() }) { work.withLock { $0.isRunning = false } }
    }
}
