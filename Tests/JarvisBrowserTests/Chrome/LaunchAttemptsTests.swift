import JarvisCore
import JarvisTestSupport
import Synchronization
import Testing

@testable import JarvisBrowser

@Suite("Starting again")
struct LaunchAttemptsTests {
    @Test("The wait doubles, is cut by jitter, and ends in a pause after five failures in five minutes")
    func backoff() {
        var backoff = LaunchBackoff()
        #expect(backoff.next(now: .seconds(1), jitter: 0) == .start(after: .zero))
        var now = Duration.seconds(1)
        for delay in [500, 1000, 2000, 4000] {
            backoff.failed(now: now, reason: "r")
            #expect(backoff.next(now: now, jitter: 0) == .start(after: .milliseconds(delay)))
            #expect(backoff.next(now: now, jitter: 1) == .start(after: .milliseconds(delay / 2)))
            #expect(backoff.next(now: now + .seconds(60), jitter: 0) == .start(after: .zero))
            now += .seconds(1)
        }
        backoff.failed(now: now, reason: "last")
        #expect(backoff.next(now: now, jitter: 0) == .parked(.seconds(296)))
        #expect(backoff.lastReason == "last")
        #expect(backoff.next(now: .seconds(301), jitter: 0) == .start(after: .zero))
    }

    @Test("Whatever is asked for, five minutes see five starts of a browser that dies")
    func cap() async throws {
        let clock = InstantClock()
        let attempts = LaunchAttempts(clock: clock.clock(), random: { 0.5 })
        let count = Mutex(0)
        for _ in 0..<20 {
            _ = try? await attempts.start("p") { () async throws -> Int in  // refused or failed: counted below
                count.withLock { $0 += 1 }
                throw BrowserError(500, "launch_failed", "it died")
            }
        }
        #expect(count.withLock { $0 } == 5)
        let words = {
            var words = CommandWords()
            words.browserProfile = "p"
            return words
        }()
        await #expect {
            try await CommandWords.$current.withValue(words) { try await attempts.start("p") { 1 } }
        } throws: { error in
            let error = error as? BrowserError
            return error?.code == "launch_parked" && error?.message.contains("it died") ?? false
                && error?.message.contains("jarvis browser --browser-profile p start") ?? false
        }
        #expect(try await attempts.start("other") { 2 } == 2)
    }

    @Test("What does not get better by itself is not tried again and not counted")
    func permanent() async {
        let attempts = LaunchAttempts(clock: InstantClock().clock(), random: { 0 })
        let count = Mutex(0)
        for _ in 0..<10 {
            await #expect(throws: BrowserError(409, "directory_in_use", "x")) {
                try await attempts.start("p") { () async throws -> Int in
                    count.withLock { $0 += 1 }
                    throw BrowserError(409, "directory_in_use", "x")
                }
            }
        }
        #expect(count.withLock { $0 } == 10)
    }
}
