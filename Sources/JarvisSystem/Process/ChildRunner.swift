import CJarvisShims
import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Runs a short program of the system to its end and keeps what it printed. Blocking; no shell; the child gets an empty
/// standard input, exactly the environment it is given, and a process group of its own.
package struct ChildRunner: Sendable {
    /// How a child ended.
    package struct Outcome: Sendable {
        /// Its exit code; nil when a signal ended it.
        package var exitCode: Int32?
        /// The signal that ended it.
        package var signal: Int32?
        /// What it wrote to standard output, at most `outputLimit` bytes, with broken UTF-8 replaced.
        package var output: String
        /// The same of standard error.
        package var errors: String
        /// Whether more was written than kept.
        package var isTruncated: Bool
        /// Whether it was killed because its time was over.
        package var isTimedOut: Bool

        /// Whether it ended with 0.
        package var isSuccess: Bool { exitCode == 0 }
    }

    /// The environment of children.
    package var environment: [String: String]
    /// Bytes kept of each stream.
    package var outputLimit: Int

    /// A runner.
    package init(environment: [String: String], outputLimit: Int = 256 << 10) {
        self.environment = environment
        self.outputLimit = outputLimit
    }

    /// The executable file `name` on the runner's `PATH`, then in the system's directories; nil when there is none.
    package func find(_ name: String) -> String? {
        let listed = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for directory in listed + ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        where directory.hasPrefix("/") {
            let path = "\(directory)/\(name)"
            if access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// Runs the program at `path`, an absolute path. When `timeout` is over, its whole process group is killed.
    ///
    /// - Throws: `SystemCallError` when it can't be started.
    package func run(_ path: String, _ arguments: [String], timeout: Duration = .seconds(30)) throws -> Outcome {
        var pipes = try Pipes()
        defer { pipes.close() }
        let pid = try spawn(path, arguments, pipes)
        pipes.closeWriters()
        var capture = Capture(limit: outputLimit)
        let deadline = ContinuousClock.now + timeout
        var status: Int32?
        var isTimedOut = false
        while status == nil {
            let left = ContinuousClock.now.duration(to: deadline)
            if left <= .zero, !isTimedOut {
                isTimedOut = true
                kill(-pid, SIGKILL)
                kill(pid, SIGKILL)
            }
            // The pipes end when the last writer does, which may be a grandchild that outlives the program: the program
            // itself is asked too.
            capture.drain(pipes, waitMilliseconds: isTimedOut ? 5 : 20)
            status = Self.reap(pid)
        }
        capture.drain(pipes, waitMilliseconds: 0)
        let raw = status ?? 0
        let signal = raw & 0x7F
        return Outcome(
            exitCode: signal == 0 ? (raw >> 8) & 0xFF : nil, signal: signal == 0 ? nil : signal,
            output: capture.text(0), errors: capture.text(1), isTruncated: capture.isTruncated, isTimedOut: isTimedOut)
    }

    private static func reap(_ pid: pid_t) -> Int32? {
        var status: Int32 = 0
        while true {
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { return status }
            if result == 0 { return nil }
            if errno != EINTR { return 0 }
        }
    }

    private func spawn(_ path: String, _ arguments: [String], _ pipes: Pipes) throws -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, pipes.writers[0], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, pipes.writers[1], STDERR_FILENO)
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = Int32(POSIX_SPAWN_SETPGROUP) | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) }
        var variables: [UnsafeMutablePointer<CChar>?] = environment.sorted { $0.key < $1.key }.map {
            strdup("\($0.key)=\($0.value)")
        }
        defer { for pointer in words + variables { free(pointer) } }
        words.append(nil)
        variables.append(nil)
        var pid = pid_t()
        let failure = posix_spawn(&pid, path, &actions, &attributes, &words, &variables)
        guard failure == 0 else { throw SystemCallError(call: "posix_spawn", errorNumber: failure, subject: path) }
        return pid
    }
}

/// The two streams of a child: standard output, standard error. Every end is closed on exec.
private struct Pipes {
    private(set) var readers: [Int32] = []
    private(set) var writers: [Int32] = []

    init() throws {
        for _ in 0..<2 {
            var ends: [Int32] = [-1, -1]
            guard jarvis_pipe_cloexec(&ends) == 0 else {
                let number = errno
                close()
                throw SystemCallError(call: "pipe", errorNumber: number)
            }
            _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
            readers.append(ends[0])
            writers.append(ends[1])
        }
    }

    mutating func closeWriters() {
        for end in writers { Self.shut(end) }
        writers = []
    }

    mutating func close() {
        closeWriters()
        for end in readers { Self.shut(end) }
        readers = []
    }

    private static func shut(_ descriptor: Int32) {
        #if canImport(Darwin)
            _ = Darwin.close(descriptor)
        #elseif canImport(Musl)
            _ = Musl.close(descriptor)
        #else
            _ = Glibc.close(descriptor)
        #endif
    }
}

/// What was read so far.
private struct Capture {
    let limit: Int
    private var kept: [[UInt8]] = [[], []]
    private var isOpen = [true, true]
    private(set) var isTruncated = false

    init(limit: Int) { self.limit = limit }

    func text(_ index: Int) -> String { String(decoding: kept[index], as: UTF8.self) }

    /// Waits until something can be read, then reads all that is there.
    mutating func drain(_ pipes: Pipes, waitMilliseconds: Int32) {
        var waits = pipes.readers.indices.map { index in
            pollfd(fd: isOpen[index] ? pipes.readers[index] : -1, events: Int16(POLLIN), revents: 0)
        }
        _ = poll(&waits, nfds_t(waits.count), waitMilliseconds)
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        for index in pipes.readers.indices where isOpen[index] {
            while true {
                let count = read(pipes.readers[index], &chunk, chunk.count)
                if count > 0 {
                    let room = max(0, limit - kept[index].count)
                    kept[index] += chunk[..<min(count, room)]
                    if count > room { isTruncated = true }
                    continue
                }
                if count < 0, errno == EINTR { continue }
                if count == 0 { isOpen[index] = false }
                break
            }
        }
    }
}
