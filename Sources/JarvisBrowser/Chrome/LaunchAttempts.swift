import JarvisCore
import Synchronization

/// Starts browsers, again where that helps, and never so often that a broken browser wears the machine out.
package final class LaunchAttempts: Sendable {
    /// Starts within one request: a browser that dies at once is tried again, one that hangs is not.
    private static let triesPerRequest = 3
    /// The code of a browser that dies at once.
    private static let quick = "launch_failed"
    /// The codes of failures that may pass.
    private static let counted: Set = [quick, "launch_timeout"]

    private let clock: MonotonicClock
    private let random: @Sendable () -> Double
    private let backoffs = Mutex<[String: LaunchBackoff]>([:])

    /// No failures yet.
    package convenience init(clock: MonotonicClock = .system) {
        self.init(clock: clock, random: { Double.random(in: 0...1) })
    }

    init(clock: MonotonicClock, random: @escaping @Sendable () -> Double) {
        self.clock = clock
        self.random = random
    }

    /// Starts the browser of `profile`. After a failure the next start waits; after five in five minutes there is none
    /// until the first of them is five minutes old.
    ///
    /// - Parameter launch: starts it once: `BrowserLauncher.launch`.
    /// - Throws: what `launch` throws; `BrowserError` 409 `launch_parked` naming the last failure and the command.
    package func start<T: Sendable>(
        _ profile: String, _ launch: @Sendable () async throws -> T
    ) async throws -> T {
        var tries = 0
        while true {
            try await wait(for: profile)
            tries += 1
            do {
                let started = try await launch()
                backoffs.withLock { $0[profile] = nil }
                return started
            } catch let error as BrowserError where Self.counted.contains(error.code) {
                let now = clock.now()
                backoffs.withLock { $0[profile, default: LaunchBackoff()].failed(now: now, reason: error.message) }
                guard error.code == Self.quick, tries < Self.triesPerRequest, !isParked(profile) else { throw error }
            }
        }
    }

    private func isParked(_ profile: String) -> Bool {
        let now = clock.now()
        return backoffs.withLock { all in
            if case .parked = all[profile]?.next(now: now, jitter: 1) { true } else { false }
        }
    }

    private func wait(for profile: String) async throws {
        let (now, jitter) = (clock.now(), random())
        let (step, reason) = backoffs.withLock { all in
            let step = all[profile]?.next(now: now, jitter: jitter) ?? .start(after: .zero)
            return (step, all[profile]?.lastReason ?? "")
        }
        switch step {
        case .start(let delay): if delay > .zero { try await clock.sleep(delay) }
        case .parked(let left):
            let seconds = Int(left.components.seconds) + 1
            throw BrowserError(
                409, "launch_parked",
                "The browser of profile \"\(profile)\" failed to start \(LaunchBackoff.limit) times in five minutes and "
                    + "is left alone for \(seconds) s more. The last time: \(reason) Then try again: "
                    + CommandWords.current.browser("start"))
        }
    }
}
