import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes sure that a user-data directory is there and that no other browser runs on it.
enum UserDataClaim {
    /// Makes the directory, ends what an earlier gateway of this instance left running on it, and removes old locks.
    /// Blocks.
    ///
    /// - Throws: `BrowserError` 409 `directory_in_use` naming who; 500 `directory` when it can't be made.
    static func prepare(_ plan: LaunchPlan) throws {
        let directory = plan.userDataDir
        try make(directory)
        let instanceId = plan.children.instanceId
        // Not every browser takes a lock, so the command lines are asked too.
        for owner in browsers(on: directory) {
            // Nobody else gets into a directory of ours, so words that say so are only words.
            if plan.ownsDirectory, let user = owner.userId, user != geteuid(), user != 0 { continue }
            try displace(owner, from: directory, instanceId)
        }
        let decision = SingletonLock.decide(
            link: SingletonLock.read(in: directory), host: hostName(), directory: directory,
            ownsDirectory: plan.ownsDirectory, instanceId: instanceId, owner: { BrowserOwner(pid: $0) })
        switch decision {
        case .none: break
        case .clear: SingletonLock.clear(in: directory)
        case .end(let pid):
            if let owner = BrowserOwner(pid: pid) { try displace(owner, from: directory, instanceId) }
            SingletonLock.clear(in: directory)
        case .heldBy(let owner): throw inUse(directory, by: owner)
        case .heldElsewhere(let host):
            throw BrowserError(
                409, "directory_in_use",
                "The user-data directory \(directory) was last used by a browser on the host \"\(host)\", which may "
                    + "still run. When it does not, remove \(directory)/SingletonLock and start again.")
        }
    }

    /// The first processes of all browsers that run on `directory`.
    static func browsers(on directory: String) -> [BrowserOwner] {
        let reader = ProcessInfoReader()
        // A script that starts a browser has the same words.
        return ProcessTable.pids().compactMap { pid in
            guard let used = BrowserWords(reader.commandLine(pid: pid)).userDataDir,
                same(used.hasPrefix("/") ? used : "/proc/\(pid)/cwd/\(used)", directory),
                pid != getpid(), let owner = BrowserOwner(pid: pid)
            else { return nil }
            return owner
        }
    }

    private static func displace(_ owner: BrowserOwner, from directory: String, _ instanceId: String) throws {
        guard let pid = owner.pid else { return }
        guard owner.instanceId == instanceId else { throw inUse(directory, by: owner) }
        guard let handle = ProcessHandle(pid: pid, startTime: owner.startTime) else { return }
        handle.signal(SIGTERM)
        if !handle.waitForEnd(.seconds(2)) {
            handle.signal(SIGKILL)
            _ = handle.waitForEnd(.seconds(2))
        }
        BrowserRemains.end(of: pid, startTime: owner.startTime, directory: directory)
    }

    private static func inUse(_ directory: String, by owner: BrowserOwner) -> BrowserError {
        BrowserError(
            409, "directory_in_use",
            "The user-data directory \(directory) is in use by \(owner). End that browser, or set another "
                + "browser.profiles.<name>.userDataDir.")
    }

    /// Whether two spellings name the same directory.
    static func same(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        guard let left = canonical(left), let right = canonical(right) else { return false }
        return left == right
    }

    static func canonical(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Makes a directory and those above it, for this user alone.
    private static func make(_ directory: String) throws {
        var path = ""
        for step in directory.split(separator: "/") {
            path += "/\(step)"
            guard mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
            let number = errno
            var info = stat()
            if stat(path, &info) == 0 { continue }
            throw BrowserError(
                500, "directory", "The directory \(path) can't be made: \(SystemCallError.text(number)).")
        }
        // What else may be there: a file, a link to nowhere, a directory of another user, a disk that is read only. A
        // browser says nothing useful about any of them.
        var info = stat()
        var number: Int32 = 0
        if stat(directory, &info) != 0 {
            number = errno
        } else if info.st_mode & S_IFMT != S_IFDIR {
            number = ENOTDIR
        } else if access(directory, R_OK | W_OK | X_OK) != 0 {
            number = errno
        }
        guard number == 0 else {
            throw BrowserError(
                500, "directory",
                "The user-data directory \(directory) can't be used: \(SystemCallError.text(number)). Make it a directory "
                    + "that this user may write to.")
        }
    }
}
