#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A point in time as epoch milliseconds: the form of the wire and of the store.
public typealias EpochMilliseconds = Int64

/// Where code asks for the time, so that a test can set it.
public struct WallClock: Sendable {
    /// Epoch milliseconds now.
    public var now: @Sendable () -> EpochMilliseconds

    /// A clock that calls `now`.
    public init(now: @escaping @Sendable () -> EpochMilliseconds) { self.now = now }

    /// The system's real-time clock.
    public static let system = WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return EpochMilliseconds(time.tv_sec) * 1000 + EpochMilliseconds(time.tv_nsec) / 1_000_000
    }

    /// `2026-11-22T15:04:05.123Z`.
    public static func iso8601(_ time: EpochMilliseconds) -> String {
        let seconds = time >= 0 ? time / 1000 : (time - 999) / 1000
        let milliseconds = time - seconds * 1000
        let whole = Date(timeIntervalSince1970: Double(seconds)).ISO8601Format()
        let fraction = String(1000 + milliseconds).dropFirst()
        return "\(whole.dropLast()).\(fraction)Z"
    }

    /// The time that `iso8601` wrote; nil for any other form.
    public static func parse(iso8601 text: String) -> EpochMilliseconds? {
        guard text.hasSuffix("Z"), let dot = text.lastIndex(of: ".") else { return nil }
        let fraction = text[text.index(after: dot)...].dropLast()
        guard fraction.count == 3, let milliseconds = Int64(fraction),
            let whole = try? Date(text[..<dot] + "Z", strategy: .iso8601)  // not a time: nil says so
        else { return nil }
        return EpochMilliseconds(whole.timeIntervalSince1970) * 1000 + milliseconds
    }
}
