import Logging

/// From which level on lines are kept, in the words of configuration and command line.
package enum LogThreshold: String, Sendable, Hashable, CaseIterable {
    /// Everything.
    case trace
    /// What helps to find a fault.
    case debug
    /// What a person may want to know; the default.
    case info
    /// What may become a fault.
    case warn
    /// What failed.
    case error
    /// What ends the process.
    case fatal
    /// Nothing.
    case silent

    /// Reads a level in any case; `notice`, `warning` and `critical` are accepted for their neighbours. Nil for any
    /// other text.
    package init?(_ text: String) {
        switch text.lowercased() {
        case "notice": self = .info
        case "warning": self = .warn
        case "critical": self = .fatal
        case let word:
            guard let level = LogThreshold(rawValue: word) else { return nil }
            self = level
        }
    }

    /// The word for a logger's level in a log line.
    package init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info, .notice: self = .info
        case .warning: self = .warn
        case .error: self = .error
        case .critical: self = .fatal
        }
    }

    /// The lowest logger level that passes; `silent` says critical and `allows` refuses even that.
    package var loggerLevel: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        case .fatal, .silent: .critical
        }
    }

    /// Whether a line of `level` is kept.
    package func allows(_ level: Logger.Level) -> Bool { self != .silent && level >= loggerLevel }
}
