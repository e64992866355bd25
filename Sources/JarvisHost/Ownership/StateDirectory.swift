import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The checks that make a state directory safe to write into.
package enum StateDirectory {
    /// Makes the directories that a gateway needs, each 0700, and takes group and other bits away from those that are
    /// there. Call it with the lock held.
    ///
    /// - Throws: `instance.state_dir`, exit 78: a link or a file where a directory belongs, or a directory of another
    ///   user.
    package static func prepare(_ paths: InstancePaths) throws(JarvisError) {
        for directory in [
            paths.state, paths.run, paths.logs, paths.store, paths.configJournal, paths.identity, paths.devices,
            paths.agents,
            paths.credentials, paths.canvas, paths.media,
        ] {
            if directory == paths.state { try checkOwner(directory) } else { try checkDirectory(directory) }
            do {
                try DurableFile.createDirectory(directory)
                try restrict(directory)
            } catch {
                throw unusable(directory, "\(error)")
            }
        }
    }

    /// Makes `directory` (0700) for a socket or a temporary file outside the state directory and checks that it is a
    /// real directory of this user that nobody else can enter.
    ///
    /// - Throws: `instance.state_dir`, exit 78.
    package static func preparePrivate(_ directory: String) throws(JarvisError) {
        do { try DurableFile.createDirectory(directory) } catch { throw unusable(directory, "\(error)") }
        try checkDirectory(directory)
        do { try restrict(directory) } catch { throw unusable(directory, "\(error)") }
    }

    /// The state directory itself may be a link: its owner may have put it on another disk.
    static func checkOwner(_ path: String) throws(JarvisError) {
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        try check(status, path)
    }

    /// What lies inside is ours: a link there was planted.
    static func checkDirectory(_ path: String) throws(JarvisError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        if status.st_mode & S_IFMT == S_IFLNK { throw unusable(path, "it is a symbolic link") }
        try check(status, path)
    }

    private static func check(_ status: stat, _ path: String) throws(JarvisError) {
        guard status.st_mode & S_IFMT == S_IFDIR else { throw unusable(path, "it is no directory") }
        // Root may serve a directory of another user: containers with mounted volumes do.
        guard status.st_uid == geteuid() || geteuid() == 0 else {
            throw unusable(path, "it belongs to user \(status.st_uid), not to you (\(geteuid()))")
        }
    }

    private static func restrict(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & 0o077 != 0 else { return }
        guard fchmod(descriptor, 0o700) == 0 else {
            throw SystemCallError(call: "fchmod", errorNumber: errno, subject: path)
        }
    }

    private static func unusable(_ path: String, _ reason: String) -> JarvisError {
        JarvisError(
            "instance.state_dir", "\(path) can't be used: \(reason).",
            hint: "Move it away or correct its owner, then start again.", metadata: ["path": path], exitCode: 78)
    }
}
