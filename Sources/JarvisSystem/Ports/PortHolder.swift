/// Which process listens on a port, as far as the system tells this user.
package struct PortHolder: Sendable, Hashable, CustomStringConvertible {
    /// The process.
    package var pid: Int32
    /// Its command name.
    package var command: String

    /// `nc (pid 4242)`.
    package var description: String { "\(command) (pid \(pid))" }

    /// Looks the listener up in `/proc`: nil for another user's process, and off Linux. Blocks for some milliseconds;
    /// for error messages only. For many ports ask `PortListeners` once.
    package static func find(port: Int) -> PortHolder? { PortListeners(ports: [port])[port]?.holder }

    /// Whether it is `ancestor` or one of the processes that it started. At most 16 generations are looked at.
    package func descends(from ancestor: Int32) -> Bool {
        var current = pid
        for _ in 0..<16 {
            if current == ancestor { return true }
            guard let parent = ProcessInfoReader().read(pid: current)?.parent, parent > 1 else { return false }
            current = parent
        }
        return false
    }
}
