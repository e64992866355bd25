import CJarvisShims
import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A program to start beside this one. It begins with default signal actions and with no descriptor but the three
/// standard ones and those it is handed.
package struct ProcessSpawn: Sendable {
    /// The program's file, absolute.
    package var path: String
    /// Its arguments without its name.
    package var arguments: [String]
    /// Its whole environment.
    package var environment: [String: String]
    /// Its working directory; this process's own when nil.
    package var directory: String?
    /// Descriptors for standard input, output and error; nil means `/dev/null`.
    package var standardInput: Int32?
    /// See `standardInput`.
    package var standardOutput: Int32?
    /// See `standardInput`.
    package var standardError: Int32?
    /// Descriptors that it finds as 3, 4 and so on; at most 8.
    package var moreDescriptors: [Int32] = []
    /// Whether it leaves the terminal and leads a session of its own: it survives logout and its starter.
    package var startsSession = false
    /// Whether it leads a process group of its own.
    package var startsGroup = false
    /// What it gets when the *thread* that starts it ends (Linux); 0 for nothing.
    package var deathSignal: Int32 = 0

    /// A program.
    package init(path: String, arguments: [String] = [], environment: [String: String] = [:]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// Starts it and returns its pid once its program has begun. The caller collects it with `waitpid`. Blocks for about
    /// a millisecond.
    ///
    /// - Throws: `SystemCallError` `fork` or `exec`; then there is nothing to collect.
    package func start() throws -> Int32 {
        let words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var error: Int32 = 0
        let pid = words.withUnsafeBufferPointer { words in
            variables.withUnsafeBufferPointer { variables in
                path.withCString { path in
                    withOptionalCString(directory) { directory in
                        moreDescriptors.withUnsafeBufferPointer { more in
                            var request = jarvis_spawn()
                            request.extra = more.baseAddress
                            request.extra_count = more.count
                            request.path = path
                            request.arguments = words.baseAddress
                            request.environment = variables.baseAddress
                            request.directory = directory
                            request.standard_input = standardInput ?? -1
                            request.standard_output = standardOutput ?? -1
                            request.standard_error = standardError ?? -1
                            request.new_session = startsSession ? 1 : 0
                            request.new_group = startsGroup ? 1 : 0
                            request.death_signal = deathSignal
                            return jarvis_spawn_process(&request, &error)
                        }
                    }
                }
            }
        }
        guard pid >= 0 else { throw SystemCallError(call: "fork", errorNumber: error, subject: path) }
        guard error == 0 else {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            throw SystemCallError(call: "exec", errorNumber: error, subject: path)
        }
        return pid
    }

    private func withOptionalCString<T>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> T) -> T {
        guard let text else { return body(nil) }
        return text.withCString(body)
    }
}

/// How a child ended.
package enum ProcessEnd: Sendable, Hashable {
    /// It returned this code.
    case exited(Int32)
    /// This signal ended it.
    case signalled(Int32)

    /// From the status of `waitpid`.
    package init(status: Int32) {
        let signal = status & 0x7F
        self = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
    }

    /// Collects the child `pid` if it has ended; nil while it runs. A child that somebody else collected counts as
    /// ended with 0.
    package static func collect(_ pid: Int32) -> ProcessEnd? {
        var status: Int32 = 0
        while true {
            let result = waitpid(pid, &status, WNOHANG)
            if result == pid { return ProcessEnd(status: status) }
            if result == 0 { return nil }
            if errno != EINTR { return .exited(0) }
        }
    }
}

/// One process, held so that a signal can only reach it and never another that got its number later.
///
/// On Linux a descriptor of the kernel stands for it. Elsewhere the start time is compared right before each signal.
package final class ProcessHandle: Sendable {
    /// Its pid.
    package let pid: Int32
    /// Its start time in clock ticks since boot.
    package let startTime: Int64
    /// The descriptor to wait on, which turns readable when it ends; -1 where there is none.
    package let descriptor: Int32

    /// A handle of the process that has `pid` and, when it is told, `startTime`; nil when there is no such process.
    package init?(pid: Int32, startTime: Int64? = nil) {
        let descriptor = jarvis_pidfd_open(pid)
        // Read after the descriptor was opened: who has the number now is whom the descriptor stands for, or is dead.
        guard let found = ProcessInfoReader().read(pid: pid), startTime == nil || found.startTime == startTime else {
            if descriptor >= 0 { close(descriptor) }
            return nil
        }
        self.pid = pid
        self.startTime = found.startTime
        self.descriptor = descriptor
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether it runs.
    package var isAlive: Bool { ProcessInfoReader().isAlive(pid: pid, startTime: startTime) }

    /// Sends a signal; false when it is gone or not ours to signal.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        guard isAlive else { return false }
        if descriptor >= 0 { return jarvis_pidfd_signal(descriptor, number) == 0 }
        return kill(pid, number) == 0
    }

    /// Waits until it has ended, at most `timeout`. Blocks. For a child of this process it must be collected elsewhere.
    package func waitForEnd(_ timeout: Duration) -> Bool {
        let deadline = ContinuousClock.now + timeout
        while isAlive {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            let milliseconds = Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up)))
            if descriptor >= 0 {
                var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                _ = poll(&entry, 1, milliseconds)
            } else {
                usleep(20_000)
            }
        }
        return true
    }
}

/// Where the program of this process lies.
package enum OwnExecutable {
    /// Its file, absolute. After an upgrade the new file at the old place, not the one that was replaced; nil where
    /// the system does not tell.
    package static func path() -> String? {
        #if os(Linux)
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = buffer.withUnsafeMutableBytes { bytes in
                bytes.baseAddress.map { readlink("/proc/self/exe", $0, bytes.count) } ?? -1
            }
            guard count > 0 else { return nil }
            var path = String(decoding: buffer[..<count], as: UTF8.self)
            if path.hasSuffix(" (deleted)") { path.removeLast(" (deleted)".count) }
            return access(path, X_OK) == 0 ? path : "/proc/self/exe"
        #else
            var size = UInt32(4096)
            var buffer = [CChar](repeating: 0, count: Int(size))
            guard _NSGetExecutablePath(&buffer, &size) == 0 else { return nil }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #endif
    }
}
