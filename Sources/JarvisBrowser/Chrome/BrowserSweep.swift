import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Ends the browsers that an earlier gateway of this instance left behind, when it ended without being able to.
package enum BrowserSweep {
    /// A browser that was ended.
    package struct Ended: Sendable, Hashable {
        /// Its first process.
        package var pid: Int32
        /// The directory that it ran on.
        package var userDataDir: String
    }

    /// Looks for browsers of this instance below `root` (`<state>/browser`) and on `directories`, and ends them. One is
    /// this instance's when the kernel says both: it began with the instance's id in its environment, and it runs on
    /// such a directory. Children of this process are left alone. Blocks, some seconds at most.
    ///
    /// To be called by the one gateway that holds the instance's lock.
    @discardableResult
    package static func run(instanceId: String, root: String, directories: [String] = []) -> [Ended] {
        let table = ProcessTable.read().alive
        let spared = table.descendants(of: [getpid()]).union(table.ancestors(of: getpid())).union([getpid()])
        let reader = ProcessInfoReader()
        let found = table.entries.compactMap { entry -> (owner: BrowserOwner, directory: String)? in
            guard !spared.contains(entry.pid),
                let used = BrowserWords(reader.commandLine(pid: entry.pid)).userDataDir,
                lies(used, below: root) || directories.contains(where: { UserDataClaim.same(used, $0) }),
                let owner = BrowserOwner(pid: entry.pid), owner.instanceId == instanceId, owner.userId == geteuid()
            else { return nil }
            return (owner, used)
        }
        let handles = found.compactMap { browser in
            browser.owner.pid.flatMap { ProcessHandle(pid: $0, startTime: browser.owner.startTime) }
        }
        for handle in handles { handle.signal(SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(2)
        for handle in handles {
            if !handle.waitForEnd(ContinuousClock.now.duration(to: deadline)) { handle.signal(SIGKILL) }
        }
        for browser in found {
            guard let pid = browser.owner.pid else { continue }
            BrowserRemains.end(of: pid, startTime: browser.owner.startTime, directory: browser.directory)
            SingletonLock.clear(of: pid, in: browser.directory)
        }
        return found.compactMap { browser in
            browser.owner.pid.map { Ended(pid: $0, userDataDir: browser.directory) }
        }
    }

    // Through links as well: the gateway before may have been told another name of the same home.
    private static func lies(_ path: String, below root: String) -> Bool {
        guard let path = UserDataClaim.canonical(path), let root = UserDataClaim.canonical(root) else { return false }
        return path.hasPrefix(root + "/")
    }
}
