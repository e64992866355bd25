import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Log lines on standard error.
package final class LogConsole: LogSink {
    /// How a line looks.
    package enum Style: Sendable, Hashable {
        /// For people, with colours.
        case pretty
        /// For people, without colours.
        case plain
        /// One JSON object a line.
        case json
    }

    private let style: Style
    private let level: Mutex<LogThreshold>
    private let output: @Sendable ([UInt8]) -> Void

    /// A console that writes to `output`; by default standard error, one write call a line.
    package init(
        style: Style, threshold: LogThreshold = .info,
        output: @escaping @Sendable ([UInt8]) -> Void = { LogConsole.writeToStandardError($0) }
    ) {
        self.style = style
        self.level = Mutex(threshold)
        self.output = output
    }

    /// From which level on lines are shown.
    package var threshold: LogThreshold { level.withLock { $0 } }

    /// Changes the level.
    package func setThreshold(_ threshold: LogThreshold) { level.withLock { $0 = threshold } }

    /// Shows one line.
    package func write(_ record: LogRecord) {
        output(style == .json ? record.jsonLine : record.textLine(color: style == .pretty))
    }

    /// One write call. What a closed or full terminal does not take is lost: logging never stops the program.
    package static func writeToStandardError(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            #if canImport(Darwin)
                _ = Darwin.write(STDERR_FILENO, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
                _ = Musl.write(STDERR_FILENO, buffer.baseAddress, buffer.count)
            #else
                _ = Glibc.write(STDERR_FILENO, buffer.baseAddress, buffer.count)
            #endif
        }
    }
}
