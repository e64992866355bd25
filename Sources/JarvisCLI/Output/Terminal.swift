import JarvisCore
import JarvisHost

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the terminal can do, and the two channels: output to stdout, messages to stderr.
struct Terminal: Sendable {
    /// Whether stdout is a terminal.
    let isInteractive: Bool
    /// Whether somebody can type an answer.
    let canAsk: Bool
    /// Whether colours may be used on stdout: a terminal, no `NO_COLOR`, no `--no-color`.
    let hasColor: Bool
    /// Whether stderr is a terminal.
    let errorIsInteractive: Bool
    /// Whether colours may be used on stderr.
    let errorHasColor: Bool

    init(noColor: Bool, environment: HostEnvironment) {
        isInteractive = isatty(STDOUT_FILENO) == 1
        errorIsInteractive = isatty(STDERR_FILENO) == 1
        canAsk = isatty(STDIN_FILENO) == 1 && isInteractive
        let mayPaint = !noColor && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb"
        hasColor = isInteractive && mayPaint
        errorHasColor = errorIsInteractive && mayPaint
    }

    /// The family's palette, by meaning.
    enum Style: String {
        case accent = "38;2;255;90;45"
        case success = "38;2;47;191;113"
        case warn = "38;2;255;176;32"
        case error = "38;2;226;61;45"
        case muted = "38;2;139;127;119"
        case bold = "1"
    }

    /// `text` in a style, where stdout has colours.
    func paint(_ text: String, _ style: Style) -> String {
        hasColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The columns of the terminal on stdout; 80 when nobody knows.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// A line to stderr.
    static func error(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Text to stdout without a newline, at once.
    static func write(_ text: String) { write(text, to: STDOUT_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var copy = text
        copy.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count, let base = bytes.baseAddress {
                #if canImport(Darwin)
                    let count = Darwin.write(descriptor, base + offset, bytes.count - offset)
                #elseif canImport(Musl)
                    let count = Musl.write(descriptor, base + offset, bytes.count - offset)
                #else
                    let count = Glibc.write(descriptor, base + offset, bytes.count - offset)
                #endif
                if count < 0 {
                    if errno == EINTR { continue }
                    // Who reads no more has enough; a full disk has lost what was asked for.
                    guard descriptor == STDOUT_FILENO, errno != EPIPE else { return }
                    error("The output can't be written: \(SystemCallError.text(errno)).")
                    exit(1)
                }
                offset += count
            }
        }
    }

    /// Everything on stdin, at most `limit` bytes.
    ///
    /// - Throws: `usage.stdin` when there is more.
    static func readStandardInput(limit: Int = 64 << 20) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > limit {
                throw JarvisError(
                    "usage.stdin", "Standard input holds more than \(Humanize.bytes(limit)).", exitCode: 2)
            }
        }
    }
}
