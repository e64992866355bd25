import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the kernel tells about one process.
package struct ProcessSnapshot: Sendable, Hashable {
    /// The process id.
    package var pid: Int32
    /// Clock ticks between the boot of the machine and the start of the process. Together with the pid it names one
    /// process: a recycled pid has another start time.
    package var startTime: Int64
    /// The process that started it, or that took it over when that one ended.
    package var parent: Int32 = 0
    /// One letter: `R`, `S`, `D`, `Z` (dead, not yet collected) …
    package var state: String
    /// The kernel's short name of the command, at most 15 bytes. Chosen by the process: for people, never proof.
    package var command: String
    /// Threads.
    package var threads: Int
    /// Resident memory in bytes.
    package var residentBytes: Int

    /// Whether it still runs; a zombie does not.
    package var isAlive: Bool { state != "Z" && state != "X" }
}

/// Reads `/proc`. Where there is none (macOS) every answer is nil.
package struct ProcessInfoReader: Sendable {
    private let root: String

    /// A reader of the process file system mounted at `root`.
    package init(root: String = "/proc") { self.root = root }

    /// The process `pid`; nil when there is none or it can't be read.
    package func read(pid: Int32) -> ProcessSnapshot? {
        guard pid > 0 else { return nil }
        let bytes = try? DurableFile.read("\(root)/\(pid)/stat", limit: 4096)  // a process that is gone is an answer
        guard let bytes else { return nil }
        return Self.parse(bytes, pageSize: Int(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// The program file that process `pid` runs, as the kernel spells it: with ` (deleted)` at the end when it was removed
    /// or replaced since. Nil when the process is another user's or gone.
    package func executable(pid: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink("\(root)/\(pid)/exe", $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// The words that process `pid` was started with. One that writes its own title over them shows that as one word.
    /// Empty for a kernel thread, a zombie, or one that is gone.
    package func commandLine(pid: Int32) -> [String] {
        let bytes = try? DurableFile.read("\(root)/\(pid)/cmdline", limit: 1 << 20)  // gone: no words
        var words = (bytes ?? []).split(separator: 0, omittingEmptySubsequences: false)
        while words.last?.isEmpty ?? false { words.removeLast() }
        return words.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The value of variable `name` in the environment that process `pid` began with; nil when it had none, is another
    /// user's, or is gone.
    package func environment(_ pid: Int32, _ name: String) -> String? {
        let bytes = try? DurableFile.read("\(root)/\(pid)/environ", limit: 1 << 20)  // another user's: not ours to read
        let wanted = Array("\(name)=".utf8)
        let found = bytes?.split(separator: 0).first { $0.starts(with: wanted) }
        return found.map { String(decoding: $0.dropFirst(wanted.count), as: UTF8.self) }
    }

    /// The effective user that process `pid` runs as; nil when it is gone.
    package func userId(pid: Int32) -> UInt32? {
        var info = stat()
        return stat("\(root)/\(pid)", &info) == 0 ? info.st_uid : nil
    }

    /// This process.
    package func current() -> ProcessSnapshot? { read(pid: getpid()) }

    /// Whether the process that had `pid` and `startTime` still runs.
    package func isAlive(pid: Int32, startTime: Int64) -> Bool {
        guard let info = read(pid: pid) else { return false }
        return info.startTime == startTime && info.isAlive
    }

    /// Reads one line of `/proc/<pid>/stat`; nil when it has another shape. The command stands in parentheses and may
    /// itself hold blanks and parentheses, so the fields count from the last one.
    package static func parse(_ bytes: [UInt8], pageSize: Int = 4096) -> ProcessSnapshot? {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")), let close = bytes.lastIndex(of: UInt8(ascii: ")")),
            open < close, let pid = Int32(String(decoding: bytes[..<open], as: UTF8.self).filter { $0 != " " })
        else { return nil }
        let fields = String(decoding: bytes[(close + 1)...], as: UTF8.self)
            .split(whereSeparator: { $0 == " " || $0 == "\n" })
        // Field 3 of proc(5) is fields[0]: threads is 20, start time 22, resident pages 24.
        guard fields.count > 21, let parent = Int32(fields[1]), let threads = Int(fields[17]),
            let startTime = Int64(fields[19]), let pages = Int(fields[21])
        else { return nil }
        return ProcessSnapshot(
            pid: pid, startTime: startTime, parent: parent, state: String(fields[0]),
            command: String(decoding: bytes[(open + 1)..<close], as: UTF8.self), threads: threads,
            residentBytes: pages * pageSize)
    }
}
