import JarvisCore

/// Times as transcripts spell them.
enum TranscriptTime {
    /// Epoch milliseconds of a number (milliseconds) or of an ISO 8601 date and time such as
    /// `2026-11-22T15:04:05.123Z` or `…+02:00`; nil for anything else.
    static func milliseconds(_ json: JSONValue) -> EpochMilliseconds? {
        if let number = json.intValue { return EpochMilliseconds(number) }
        return json.stringValue.flatMap(iso8601)
    }

    private static func iso8601(_ text: String) -> EpochMilliseconds? {
        var rest = Substring(text)
        func number(_ digits: Int) -> Int64? {
            let part = rest.prefix(digits)
            guard part.utf8.count == digits, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(digits)
            return Int64(part)
        }
        func skip(_ characters: Set<Character>) -> Bool {
            guard let first = rest.first, characters.contains(first) else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4), skip(["-"]), let month = number(2), skip(["-"]), let day = number(2),
            (1...12).contains(month), (1...31).contains(day), skip(["T", "t", " "]), let hour = number(2), skip([":"]),
            let minute = number(2), skip([":"]), let second = number(2), hour < 25, minute < 60, second < 61
        else { return nil }
        var milliseconds: Int64 = 0
        if skip([".", ","]) {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            milliseconds = Int64(digits.prefix(3) + String(repeating: "0", count: max(0, 3 - digits.count))) ?? 0
        }
        var offset: Int64 = 0
        if let sign = rest.first, sign == "+" || sign == "-" {
            rest = rest.dropFirst()
            guard let hours = number(2), skip([":"]), let minutes = number(2) else { return nil }
            offset = (hours * 60 + minutes) * (sign == "-" ? -60 : 60)
        } else {
            _ = skip(["Z", "z"])
        }
        guard rest.isEmpty else { return nil }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1000 + milliseconds
    }

    /// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that the leap day comes last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
