/// When a browser that did not start may be started again: later each time, and at most five times in five minutes. Pure.
struct LaunchBackoff: Sendable, Hashable {
    /// Failed starts that are remembered.
    static let limit = 5
    /// How long they count.
    static let window = Duration.seconds(300)
    /// The wait after the first failure; doubled with each one more.
    static let firstDelay = Duration.milliseconds(500)
    /// The longest wait.
    static let longestDelay = Duration.seconds(8)

    /// What to do.
    enum Step: Sendable, Hashable {
        /// Start after this long.
        case start(after: Duration)
        /// No start before this long is over.
        case parked(Duration)
    }

    private var failures: [Duration] = []
    /// What the last failure was.
    private(set) var lastReason = ""

    /// The next step at `now`, a time of a monotonic clock.
    ///
    /// - Parameter jitter: 0 to 1, shortens the wait to as little as half.
    mutating func next(now: Duration, jitter: Double) -> Step {
        failures.removeAll { now - $0 >= Self.window }
        guard let last = failures.last, let first = failures.first else { return .start(after: .zero) }
        if failures.count >= Self.limit { return .parked(first + Self.window - now) }
        var delay = Self.firstDelay
        for _ in 1..<failures.count { delay *= 2 }
        let wanted = min(delay, Self.longestDelay) * (1 - min(max(jitter, 0), 1) / 2)
        return .start(after: max(.zero, wanted - (now - last)))
    }

    /// A start failed at `now`.
    mutating func failed(now: Duration, reason: String) {
        failures.append(now)
        lastReason = reason
    }

    /// A start worked.
    mutating func succeeded() { self = LaunchBackoff() }
}
