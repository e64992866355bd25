import CJarvisShims

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The terminal that this process was started from, and whether it is still there. `kill -HUP` and a closed terminal
/// send the same signal; this tells them apart.
package enum ControllingTerminal {
    /// Whether the process has one now. After the terminal was closed it has none.
    package static func isPresent() -> Bool {
        let descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        close(descriptor)
        return true
    }

    /// Whether whoever started the program wants it to survive the terminal (`nohup`). The first use must come before
    /// the program itself sets the signal.
    package static let isHangupIgnored = jarvis_signal_is_ignored(SIGHUP) == 1

    /// Keeps a SIGHUP that comes before anybody listens for it; by default it would end the program. Call it early.
    package static func keepHangups() {
        if !isHangupIgnored { _ = jarvis_note_signal(SIGHUP) }
    }

    /// Whether one came since `keepHangups`, before somebody listened.
    package static var wasHungUp: Bool { jarvis_signal_was_noted() == 1 }
}
