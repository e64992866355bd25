/// How patient the built-in supervisor is with a gateway that ends by itself. All times in milliseconds.
package struct SupervisorPolicy: Sendable, Hashable {
    /// The pause before the first restart; each further one within `window` doubles it. Default 1 s.
    package var firstDelay: Int64 = 1000
    /// The longest pause of that kind. Default 60 s.
    package var longestDelay: Int64 = 60_000
    /// How many restarts within `window` are made; the next failure parks the instance. Default 5.
    package var budget = 5
    /// Default 5 min.
    package var window: Int64 = 300_000
    /// The pause after the same failure twice in a row; each further one doubles it. Default 60 s.
    package var repeatDelay: Int64 = 60_000
    /// How often the same failure in a row is tried before the instance is parked. Default 5.
    package var repeatBudget = 5
    /// How long a process must have lived for its failure to count as a new one. Default 60 s.
    package var settled: Int64 = 60_000
    /// How soon a state directory is looked at again that somebody unknown holds. Default 5 s.
    package var recheck: Int64 = 5000
    /// How long a gateway may take to stop before it is killed. Default 40 s.
    package var stopPatience: Int64 = 40_000

    /// The defaults.
    package init() {}

    /// The same with all times divided by `factor`; for tests.
    package func faster(by factor: Int64) -> SupervisorPolicy {
        guard factor > 1 else { return self }
        var policy = self
        policy.firstDelay = max(1, firstDelay / factor)
        policy.longestDelay = max(1, longestDelay / factor)
        policy.window = max(1, window / factor)
        policy.repeatDelay = max(1, repeatDelay / factor)
        policy.settled = max(1, settled / factor)
        policy.recheck = max(50, recheck / factor)
        return policy
    }
}
