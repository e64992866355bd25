/// Time that only goes forward, and waiting: what deadlines and back-off use, so that a test can move it by hand.
public struct MonotonicClock: Sendable {
    /// The time since some fixed moment.
    public var now: @Sendable () -> Duration
    /// Waits that long; throws `CancellationError` at once when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// A clock of the two functions.
    public init(
        now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.sleep = sleep
    }

    /// The system's continuous clock, which also counts while the machine is suspended.
    public static let system: MonotonicClock = {
        let start = ContinuousClock.now
        return MonotonicClock(
            now: { start.duration(to: ContinuousClock.now) },
            sleep: { try await Task.sleep(for: $0) })
    }()
}
