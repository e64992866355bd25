import JarvisCore

/// Times, sizes and foreign text for people.
enum Humanize {
    /// `12 s`, `5 min`, `3 h 20 min`, `2 d 4 h`.
    static func duration(milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000)
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }

    /// `12.3 MB`.
    static func bytes(_ count: Int) -> String {
        switch count {
        case ..<1_000: "\(count) B"
        case ..<1_000_000: "\(count / 1000) kB"
        default: "\(count / 1_000_000).\(count % 1_000_000 / 100_000) MB"
        }
    }

    /// `1 gateway`, `2 gateways`.
    static func count(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

    /// `text` without the control characters that could steer a terminal; line feeds and tabs stay.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where !isControl(scalar) { result.append(scalar) }
        return String(result)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F..<0xA0: true
        default: false
        }
    }

    /// One line of at most `width` columns.
    static func line(_ text: String, width: Int) -> String {
        var result = ""
        var used = 0
        for character in printable(text) {
            let shown: Character = character.isNewline || character == "\t" ? " " : character
            let columns = DisplayWidth.of(shown)
            if used + columns > width - 1 { return result + "…" }
            result.append(shown)
            used += columns
        }
        return result
    }

    /// A configuration value on one line.
    static func value(_ value: JSONValue?) -> String {
        guard let value else { return "(not set)" }
        return line(JSONWriter.string(value), width: 60)
    }
}
