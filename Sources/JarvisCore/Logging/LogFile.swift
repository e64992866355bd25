import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A log file of JSON lines: 0600, links not followed, rotated by size.
///
/// A caller only appends to a bounded buffer; the disk is touched on a queue of its own. When the buffer is full or the
/// disk refuses, lines are dropped and counted, and a line that says so is written once the disk takes lines again:
/// logging never stops the program.
package final class LogFile: LogSink {
    /// The sizes.
    package struct Limits: Sendable, Hashable {
        /// From this size on the file is rotated, in bytes. Default 10 MiB.
        package var fileBytes: Int
        /// How many rotated files (`gateway.log.1` is the newest) are kept. Default 5.
        package var keptFiles: Int
        /// How many bytes may wait for the disk. Default 1 MiB.
        package var bufferBytes: Int

        /// Limits.
        package init(fileBytes: Int = 10 << 20, keptFiles: Int = 5, bufferBytes: Int = 1 << 20) {
            self.fileBytes = fileBytes
            self.keptFiles = keptFiles
            self.bufferBytes = bufferBytes
        }
    }

    private struct Pending {
        var bytes: [UInt8] = []
        var lines = 0
        var isScheduled = false
        var unreported = 0
        var dropped = 0
    }

    /// The file's path.
    package let path: String
    private let limits: Limits
    private let clock: WallClock
    private let level: Mutex<LogThreshold>
    private let pending = Mutex(Pending())
    private let output: Mutex<LogFileOutput>
    private let queue = DispatchQueue(label: "ai.jarvis.log")

    /// A log at `path`; the file and its directory (0700) are made with the first line.
    package init(
        path: String, threshold: LogThreshold = .info, limits: Limits = Limits(), clock: WallClock = .system
    ) {
        self.path = path
        self.limits = limits
        self.clock = clock
        level = Mutex(threshold)
        output = Mutex(LogFileOutput(path: path, limits: limits))
    }

    /// From which level on lines are kept.
    package var threshold: LogThreshold { level.withLock { $0 } }

    /// Changes the level.
    package func setThreshold(_ threshold: LogThreshold) { level.withLock { $0 = threshold } }

    /// How many lines were lost so far.
    package var droppedLines: Int { pending.withLock { $0.dropped } }

    /// Takes one line; returns at once.
    package func write(_ record: LogRecord) {
        let line = record.jsonLine
        let mustSchedule = pending.withLock { pending in
            guard pending.bytes.count + line.count <= limits.bufferBytes else {
                pending.dropped += 1
                pending.unreported += 1
                return false
            }
            pending.bytes.append(contentsOf: line)
            pending.lines += 1
            defer { pending.isScheduled = true }
            return !pending.isScheduled
        }
        if mustSchedule { queue.async { self.drain() } }
    }

    /// Waits until every line taken so far has reached the file or was dropped. Blocks on the disk: for the end of the
    /// process and for tests.
    package func flush() { queue.sync { drain() } }

    /// Only ever on the queue.
    private func drain() {
        let (bytes, lines, unreported) = pending.withLock { pending in
            defer {
                pending.bytes.removeAll(keepingCapacity: pending.bytes.capacity <= 64 << 10)
                pending.lines = 0
                pending.unreported = 0
                pending.isScheduled = false
            }
            return (pending.bytes, pending.lines, pending.unreported)
        }
        guard !bytes.isEmpty || unreported > 0 else { return }
        let note = unreported > 0 ? dropNote(unreported) : []
        let isWritten = output.withLock { $0.append(bytes + note) }
        if !isWritten {
            pending.withLock { pending in
                pending.dropped += lines
                pending.unreported += lines + unreported
            }
        }
    }

    private func dropNote(_ count: Int) -> [UInt8] {
        LogRecord(
            time: clock.now(), level: .warning, subsystem: "log", message: "Log lines were dropped",
            metadata: ["count": .stringConvertible(count)], redactor: Redactor()
        ).jsonLine
    }
}

/// The open file behind a `LogFile`.
private struct LogFileOutput: ~Copyable {
    let path: String
    let limits: LogFile.Limits
    private var descriptor: Int32 = -1
    private var size = 0

    init(path: String, limits: LogFile.Limits) {
        self.path = path
        self.limits = limits
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Writes whole lines; false when nothing or only a part reached the file.
    mutating func append(_ bytes: [UInt8]) -> Bool {
        if descriptor >= 0, !isStillNamed() { shut() }
        if descriptor < 0, !reopen() { return false }
        if size > 0, size + bytes.count > limits.fileBytes, !rotate() { return false }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                guard let base = buffer.baseAddress else { return 0 }
                #if canImport(Darwin)
                    return Darwin.write(descriptor, base + offset, bytes.count - offset)
                #elseif canImport(Musl)
                    return Musl.write(descriptor, base + offset, bytes.count - offset)
                #else
                    return Glibc.write(descriptor, base + offset, bytes.count - offset)
                #endif
            }
            if count > 0 {
                offset += count
            } else if count < 0, errno == EINTR {
                continue
            } else {
                // A torn line would glue to the next one: cut it off.
                ftruncate(descriptor, off_t(size))
                return false
            }
        }
        size += bytes.count
        return true
    }

    /// Somebody may have moved or removed the file.
    private func isStillNamed() -> Bool {
        var named = stat()
        var held = stat()
        guard lstat(path, &named) == 0, fstat(descriptor, &held) == 0 else { return false }
        return named.st_dev == held.st_dev && named.st_ino == held.st_ino
    }

    private mutating func reopen() -> Bool {
        do { try DurableFile.createDirectory(DurableFile.parent(of: path)) } catch { return false }
        removePlanted()
        let opened = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard opened >= 0 else { return false }
        var status = stat()
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_mode & 0o077 == 0 || fchmod(opened, 0o600) == 0
        else {
            close(opened)
            return false
        }
        descriptor = opened
        size = Int(status.st_size)
        return true
    }

    /// A link at the log's name, symbolic or hard, leads to a file that is not ours to write: the name is taken back.
    private func removePlanted() {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        let isLink = status.st_mode & S_IFMT == S_IFLNK
        if isLink || (status.st_mode & S_IFMT == S_IFREG && status.st_nlink > 1) { unlink(path) }
    }

    private mutating func rotate() -> Bool {
        shut()
        if limits.keptFiles == 0 {
            unlink(path)
        } else {
            unlink("\(path).\(limits.keptFiles)")
            for number in stride(from: limits.keptFiles - 1, to: 0, by: -1) {
                rename("\(path).\(number)", "\(path).\(number + 1)")
            }
            rename(path, "\(path).1")
        }
        return reopen()
    }

    private mutating func shut() {
        if descriptor >= 0 { close(descriptor) }
        descriptor = -1
    }
}
