import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The lock that writers of one configuration share, across threads and processes. The kernel frees it when the holder
/// dies.
struct ConfigLock: ~Copyable {
    private let descriptor: Int32

    /// Waits at most `timeout` milliseconds. The file stays behind: removing it would let two holders in.
    ///
    /// - Throws: `config.locked` (exit 2), `config.write`.
    init(path: String, timeoutMs: Int) throws(JarvisError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard opened >= 0 else {
            throw ConfigStore.writeFailure(SystemCallError(call: "open", errorNumber: errno, subject: path))
        }
        var waited = 0
        while flock(opened, LOCK_EX | LOCK_NB) != 0 {
            let number = errno
            if number == EINTR { continue }
            guard number == EWOULDBLOCK else {
                close(opened)
                throw ConfigStore.writeFailure(SystemCallError(call: "flock", errorNumber: number, subject: path))
            }
            guard waited < timeoutMs else {
                close(opened)
                throw JarvisError(
                    "config.locked",
                    "another writer has held the lock \(path) for \(timeoutMs) ms; nothing was written",
                    hint: "try again", exitCode: 2)
            }
            usleep(5000)
            waited += 5
        }
        descriptor = opened
    }

    deinit { close(descriptor) }
}
