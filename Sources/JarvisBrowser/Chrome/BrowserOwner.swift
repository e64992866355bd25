import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whose a process is that holds a debugging port or a user-data directory.
package struct BrowserOwner: Sendable, Hashable, CustomStringConvertible {
    /// The process; nil when the system does not tell it.
    package var pid: Int32?
    /// Clock ticks between boot and its start; with the pid it names one process.
    package var startTime: Int64 = 0
    /// The name of its command; chosen by the process.
    package var command = "a process"
    /// The user that it runs as; nil when unknown.
    package var userId: UInt32?
    /// The user-data directory of its command line; nil when it has none.
    package var userDataDir: String?
    /// The instance that it came of, from its environment; nil when none.
    package var instanceId: String?
    /// Whether it is the first process of a browser of the Chromium family, as its program file says.
    package var isBrowser = false

    /// The name of its program file; empty when unknown.
    var program = ""
    /// Whether that file is root's.
    var isSystemProgram = false

    /// Somebody of whom nothing is known.
    init() {}

    /// What the kernel tells about a process. Blocks for a moment; nil when there is no such process.
    package init?(pid: Int32) {
        let reader = ProcessInfoReader()
        guard let info = reader.read(pid: pid), info.isAlive else { return nil }
        self.pid = pid
        startTime = info.startTime
        command = info.command
        userId = reader.userId(pid: pid)
        let words = BrowserWords(reader.commandLine(pid: pid))
        userDataDir = words.userDataDir
        instanceId = reader.environment(pid, ChildTree.tag)
        guard let path = reader.executable(pid: pid) else { return }
        isBrowser = BrowserWords.isFamily(executable: path) && !words.isHelper
        program = String(path.split(separator: "/").last ?? "")
        var file = stat()
        isSystemProgram = stat(path, &file) == 0 && file.st_uid == 0 && file.st_mode & 0o022 == 0
    }

    /// `chromium (pid 4242) on /home/u/.config/chromium`.
    package var description: String {
        var text = pid.map { "\(command) (pid \($0))" } ?? "a program of user \(userId.map(String.init) ?? "?")"
        if let userDataDir { text += " on \(userDataDir.prefix(200))" }
        if let instanceId { text += " of the gateway with id \(instanceId.prefix(64))" }
        return text
    }
}
