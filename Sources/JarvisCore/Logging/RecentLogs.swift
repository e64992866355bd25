import DequeModule
import Synchronization

/// The last log lines in memory: what `status` and the operator show when asked what went wrong.
package final class RecentLogs: LogSink {
    /// From which level on lines are kept.
    package let threshold: LogThreshold
    private let capacity: Int
    private let kept = Mutex<Deque<LogRecord>>([])

    /// Keeps the newest `capacity` lines from `threshold` on.
    package init(capacity: Int = 100, threshold: LogThreshold = .warn) {
        self.capacity = max(1, capacity)
        self.threshold = threshold
    }

    /// The kept lines, oldest first.
    package var records: [LogRecord] { kept.withLock { Array($0) } }

    /// Keeps one line.
    package func write(_ record: LogRecord) {
        kept.withLock { lines in
            if lines.count == capacity { lines.removeFirst() }
            lines.append(record)
        }
    }
}
