import JarvisCore
import Synchronization

/// Keeps lines back until it is known that the log file is ours: a refused start leaves nothing behind, neither in a
/// directory that does not exist nor in one that another gateway owns.
final class HeldLogSink: LogSink {
    private let sink: any LogSink
    /// The lines held back; nil once they flow.
    private let waiting = Mutex<[LogRecord]?>([])
    private static let limit = 1000

    init(_ sink: any LogSink) { self.sink = sink }

    var threshold: LogThreshold { sink.threshold }

    func write(_ record: LogRecord) {
        let isHeld = waiting.withLock { lines in
            guard let count = lines?.count else { return false }
            if count < Self.limit { lines?.append(record) }
            return true
        }
        if !isHeld { sink.write(record) }
    }

    /// Lets the lines go, and every later one at once.
    func release() {
        let lines = waiting.withLock { lines in
            defer { lines = nil }
            return lines ?? []
        }
        for line in lines { sink.write(line) }
    }
}
