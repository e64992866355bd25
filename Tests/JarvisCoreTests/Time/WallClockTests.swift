import Foundation
import JarvisCore
import Testing

@Suite struct WallClockTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_007, "2000-02-29T00:00:00.007Z"), (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (1_795_359_845_123, "2026-11-22T15:04:05.123Z"),
        ] as [(EpochMilliseconds, String)])
    func writesAndReads(time: EpochMilliseconds, text: String) {
        #expect(WallClock.iso8601(time) == text)
        #expect(WallClock.parse(iso8601: text) == time)
    }

    @Test func agreesWithTheSystemOnEveryDayOfACentury() {
        for day in 0..<36_525 {
            let seconds = Int64(day) * 86_400 + Int64(day) % 86_400
            let system = Date(timeIntervalSince1970: Double(seconds)).ISO8601Format().dropLast() + ".000Z"
            #expect(WallClock.iso8601(seconds * 1000) == system)
        }
    }

    @Test(arguments: [
        "", "2026-11-22T15:04:05Z", "2026-11-22T15:04:05.12Z", "2026-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
        "2026-11-22T24:00:00.000Z", "2026-11-22 15:04:05.123Z", "2026-11-22T15:04:05.123+", "2026-00-10T00:00:00.000Z",
        "+026-11-22T15:04:05.123Z",
    ])
    func refusesOtherForms(text: String) {
        #expect(WallClock.parse(iso8601: text) == nil)
    }
}
