#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
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
    ///
    /// By hand: every record of the log needs one, and the first use of a calendar costs a start milliseconds.
    public static func iso8601(_ time: EpochMilliseconds) -> String {
        let dayLength: Int64 = 86_400_000
        let inDay = (time % dayLength + dayLength) % dayLength
        let (year, month, day) = CivilDate.date(ofDay: (time - inDay) / dayLength)
        var text: [UInt8] = []
        text.reserveCapacity(24)
        func append(_ number: Int64, digits: Int, then separator: Unicode.Scalar) {
            var scale: Int64 = 1
            for _ in 1..<digits { scale *= 10 }
            while scale > 0 {
                text.append(UInt8(48 + number / scale % 10))
                scale /= 10
            }
            text.append(UInt8(ascii: separator))
        }
        append(max(0, min(year, 9999)), digits: 4, then: "-")
        append(month, digits: 2, then: "-")
        append(day, digits: 2, then: "T")
        append(inDay / 3_600_000, digits: 2, then: ":")
        append(inDay / 60_000 % 60, digits: 2, then: ":")
        append(inDay / 1000 % 60, digits: 2, then: ".")
        append(inDay % 1000, digits: 3, then: "Z")
        return String(decoding: text, as: UTF8.self)
    }

    /// The time that `iso8601` wrote; nil for any other form.
    public static func parse(iso8601 text: String) -> EpochMilliseconds? {
        let bytes = Array(text.utf8)
        guard bytes.count == 24 else { return nil }
        for (offset, separator) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "."), (23, "Z")]
            as [(Int, Unicode.Scalar)]
        {
            guard bytes[offset] == UInt8(ascii: separator) else { return nil }
        }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            let milliseconds = number(20..<23), hour < 24, minute < 60, second < 60
        else { return nil }
        let days = CivilDate.day(year: year, month: month, day: day)
        guard CivilDate.date(ofDay: days) == (year, month, day) else { return nil }
        return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milliseconds
    }
}

/// Days since 1970-01-01 and dates of the Gregorian calendar, which is counted here from March 1 of the year 0 so that
/// a leap day is the last of its year.
private enum CivilDate {
    private static let daysToEpoch: Int64 = 719_468
    private static let daysOfEra: Int64 = 146_097

    static func date(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + daysToEpoch
        let era = (shifted >= 0 ? shifted : shifted - daysOfEra + 1) / daysOfEra
        let inEra = shifted - era * daysOfEra
        let yearOfEra = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * inYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, inYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    /// The inverse; a month or day that does not exist gives some other date's day.
    static func day(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let inYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * daysOfEra + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + inYear - daysToEpoch
    }
}
