import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a browser leaves behind when its first process is gone: zygotes, renderers, handlers of crashes. They end by
/// themselves as a rule; this makes sure.
enum BrowserRemains {
    /// Ends what is left of the browser whose first process was `pid`, and collects it. Blocks, at most `limit`.
    ///
    /// - Returns: who is still there; empty but for processes that not even SIGKILL ends.
    @discardableResult
    static func end(
        of pid: Int32, startTime: Int64, directory: String, limit: Duration = .seconds(5)
    ) -> [Int32] {
        let deadline = ContinuousClock.now + limit
        while true {
            let left = members(of: pid, startTime: startTime, directory: directory, in: ProcessTable.read())
            for entry in left where entry.isZombie && entry.parent == getpid() { _ = ProcessEnd.collect(entry.pid) }
            let alive = left.filter { !$0.isZombie }
            if alive.isEmpty || ContinuousClock.now > deadline { return alive.map(\.pid) }
            for entry in alive { ProcessHandle(pid: entry.pid, startTime: entry.startTime)?.signal(SIGKILL) }
            usleep(5_000)
        }
    }

    private static func members(
        of pid: Int32, startTime: Int64, directory: String, in table: ProcessTable
    ) -> [ProcessTable.Entry] {
        // A process with the number and another start means that the group has died out and the number is another's.
        let isRecycled = table.entries.contains { $0.pid == pid && $0.startTime != startTime }
        return table.entries.filter { entry in
            if !isRecycled, entry.group == pid, entry.startTime >= startTime { return true }
            guard entry.parent == getpid() else { return false }
            // The handlers of crashes leave the group and become ours when they have none any more; nobody else waits
            // for them.
            if entry.isZombie {
                // Who is in another session was started by a browser, and not here.
                return entry.command == "chrome_crashpad"
                    || entry.session != getsid(0) && BrowserWords.isFamily(executable: entry.command)
            }
            let command = ProcessInfoReader().commandLine(pid: entry.pid)
            // One that is just ending has no words any more.
            if command.isEmpty { return entry.command == "chrome_crashpad" }
            let words = BrowserWords(command)
            return words.isHelper && words.uses(directory)
        }
    }
}

/// What the command line of a process says about a browser. Pure.
struct BrowserWords: Sendable, Hashable {
    private let words: [String]

    /// The words as the kernel has them. A helper process shows all of them as one.
    init(_ words: [String]) { self.words = words }

    /// Whether it is not the first process of a browser, but one that the first started.
    var isHelper: Bool {
        words.contains { $0.hasPrefix("--type=") || $0.contains(" --type=") || $0.contains("crashpad_handler") }
    }

    /// The user-data directory of a first process, as it was given; nil when it was given none.
    var userDataDir: String? {
        guard !isHelper else { return nil }
        let prefix = "--user-data-dir="
        // Given twice, the last counts.
        return words.last { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    /// Whether the debugging port or pipe was asked for.
    var isDebuggable: Bool { words.contains { $0.hasPrefix("--remote-debugging-") } }

    /// Whether it runs on this user-data directory.
    func uses(_ directory: String) -> Bool {
        let wanted = "--user-data-dir=\(directory)"
        return words.contains { word in
            word == wanted || word == wanted + "/" || word.hasSuffix(" " + wanted) || word.contains(" \(wanted) ")
                || word.contains("--database=\(directory)/")
        }
    }

    /// Whether the program's name is one of the Chromium family.
    static func isFamily(executable: String) -> Bool {
        let deleted = " (deleted)"
        let path = executable.hasSuffix(deleted) ? executable.dropLast(deleted.count) : executable[...]
        let name = (path.split(separator: "/").last ?? "").lowercased()
        return ["chrome", "chromium", "brave", "msedge", "microsoft-edge", "vivaldi", "opera", "headless_shell"]
            .contains { name.hasPrefix($0) || name.hasPrefix("google chrome") || name.hasPrefix("microsoft edge") }
    }
}
