import JarvisCore

/// Counts failed credentials by address and locks an address out for a while.
///
/// Defaults: 10 failures in 60 s lock for 5 min. A loopback client that is no browser is never locked out (the owner's
/// own terminal), a page on loopback is. At most 10,000 addresses are remembered; the stalest goes first.
struct AuthRateLimiter: Sendable {
    /// The numbers of `gateway.auth.rateLimit`.
    struct Limits: Sendable, Hashable {
        /// Failures in a window before the lock.
        var maxAttempts = 10
        /// The window in milliseconds.
        var windowMs: Int64 = 60_000
        /// The lock in milliseconds.
        var lockoutMs: Int64 = 300_000
        /// Whether loopback clients without an Origin are never locked.
        var exemptLoopback = true
    }

    private struct Bucket {
        var failures: [EpochMilliseconds] = []
        var lockedUntil: EpochMilliseconds = 0
        var touched: EpochMilliseconds
    }

    /// The numbers in force.
    var limits = Limits()
    private var buckets: [String: Bucket] = [:]
    private let capacity = 10_000

    /// How long `key` is still locked, in milliseconds; nil when it may try.
    func lockedFor(_ key: String, now: EpochMilliseconds) -> Int? {
        guard let bucket = buckets[key], bucket.lockedUntil > now else { return nil }
        return Int(bucket.lockedUntil - now)
    }

    /// Records a failure of `key`.
    mutating func recordFailure(_ key: String, now: EpochMilliseconds) {
        if buckets[key] == nil, buckets.count >= capacity,
            let stalest = buckets.min(by: { $0.value.touched < $1.value.touched })
        {
            buckets[stalest.key] = nil
        }
        var bucket = buckets[key] ?? Bucket(touched: now)
        bucket.failures.removeAll { $0 <= now - limits.windowMs }
        bucket.failures.append(now)
        bucket.touched = now
        if bucket.failures.count >= limits.maxAttempts {
            bucket.lockedUntil = now + limits.lockoutMs
            bucket.failures = []
        }
        buckets[key] = bucket
    }

    /// Forgets the failures of `key` after a success.
    mutating func recordSuccess(_ key: String) { buckets[key] = nil }
}
