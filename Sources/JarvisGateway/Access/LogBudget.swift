import JarvisCore

/// Keeps a flood of equal events from filling the log: so many records a minute, and the next one tells how many were
/// left out.
struct LogBudget: Sendable {
    private let perMinute: Int
    private var began: EpochMilliseconds = 0
    private var count = 0
    private var leftOut = 0

    /// - Parameter perMinute: Records in a minute, at least 1.
    init(perMinute: Int) { self.perMinute = perMinute }

    /// Nil when the record is to be left out; else how many were left out since the last one.
    mutating func admit(now: EpochMilliseconds) -> Int? {
        if now - began >= 60_000 {
            began = now
            count = 0
        }
        guard count < perMinute else {
            leftOut += 1
            return nil
        }
        count += 1
        defer { leftOut = 0 }
        return leftOut
    }
}
