import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The terminal on stdin without line discipline: each key arrives at once and unechoed, until `restore`.
final class RawTerminal: Sendable {
    private let saved = Mutex<termios?>(nil)

    /// Turns it on, with bracketed paste. Nothing happens when stdin is no terminal. What was typed before stays.
    func enable() {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return }
        let old = settings
        saved.withLock { $0 = old }
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        settings.c_iflag &= ~tcflag_t(IXON | ICRNL | INLCR | ISTRIP | BRKINT)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &settings)
        Terminal.write("\u{1B}[?2004h")
    }

    /// Gives the terminal back as it was.
    func restore() {
        guard
            var old = saved.withLock({ saved in
                defer { saved = nil }
                return saved
            })
        else { return }
        Terminal.write("\u{1B}[?2004l")
        tcsetattr(STDIN_FILENO, TCSADRAIN, &old)
    }
}
