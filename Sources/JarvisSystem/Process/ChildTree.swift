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
        for entry in table where entry.parent == getpid() && entry.isZombie { _ = ProcessEnd.collect(entry.pid) }
        let alive = table.filter { !$0.isZombie }
        let own = ProcessTable.descendants(of: [getpid()], in: alive)
        let spared = ProcessTable.descendants(of: sparing, in: alive).union(sparing)
        let ancestors = ProcessTable.ancestors(of: getpid(), in: alive)
        let tagged = alive.filter { ProcessTable.carries(Self.tag, instanceId, pid: $0.pid) }.map(\.pid)
        return own.union(tagged).subtracting(spared).subtracting(ancestors).subtracting([getpid()]).sorted()
    }
}

/// Who is whose child, from `/proc`. Empty where there is none.
private enum ProcessTable {
    struct Entry {
        var pid: Int32
        var parent: Int32
        var isZombie: Bool
    }

    static func read() -> [Entry] {
        guard let handle = opendir("/proc") else { return [] }
        defer { closedir(handle) }
        var entries: [Entry] = []
        while let item = readdir(handle) {
            let name = withUnsafePointer(to: &item.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let pid = Int32(name) else { continue }
            let bytes = try? DurableFile.read("/proc/\(pid)/stat", limit: 4096)  // gone meanwhile
            guard let bytes, let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { continue }
            let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 1, let parent = Int32(String(decoding: fields[1], as: UTF8.self)) else { continue }
            let state = String(decoding: fields[0], as: UTF8.self)
            entries.append(Entry(pid: pid, parent: parent, isZombie: state == "Z" || state == "X"))
        }
        return entries
    }

    static func descendants(of roots: Set<Int32>, in entries: [Entry]) -> Set<Int32> {
        let children = Dictionary(grouping: entries, by: \.parent)
        var found: Set<Int32> = []
        var open = Array(roots)
        while let next = open.popLast() {
            for child in children[next] ?? [] where found.insert(child.pid).inserted { open.append(child.pid) }
        }
        return found
    }

    static func ancestors(of pid: Int32, in entries: [Entry]) -> Set<Int32> {
        let parents = Dictionary(entries.map { ($0.pid, $0.parent) }, uniquingKeysWith: { first, _ in first })
        var found: Set<Int32> = []
        var next = parents[pid]
        while let current = next, current > 0, found.insert(current).inserted { next = parents[current] }
        return found
    }

    /// Whether the environment that a process of this user began with has `name=value`.
    static func carries(_ name: String, _ value: String, pid: Int32) -> Bool {
        let bytes = try? DurableFile.read("/proc/\(pid)/environ", limit: 1 << 20)  // another user's: not ours
        guard let bytes else { return false }
        let wanted = Array("\(name)=\(value)".utf8)
        return bytes.split(separator: 0).contains { $0.elementsEqual(wanted) }
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
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let context = Unmanaged.passRetained(self).toOpaque()
        _ = pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<ChildStarter>.fromOpaque(context).takeUnretainedValue().run()
                return nil
            }, context)
    }
}
