import JarvisCore

/// The user's name for an instance other than the default one: 1 to 64 characters, `a`–`z`, `0`–`9`, `_`, `-`,
/// beginning with a letter or digit; never `default`, `gateway` or `node`.
///
/// Upper-case letters of a spelling become lower case, so that one name is one directory, unit, label and socket, also
/// on a disk that does not tell `A` from `a`.
package struct ProfileName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The most characters of a name.
    package static let maximumLength = 64
    /// Names that a service label or a program of the family already uses.
    package static let reserved: Set<String> = ["gateway", "node"]

    /// The name in lower case.
    package let text: String

    /// The name.
    package var description: String { text }

    /// Reads a spelling from `source` (`--profile`, `JARVIS_PROFILE` …). Nil means the default instance: `default` in
    /// any case.
    ///
    /// - Throws: `profile.invalid` or `profile.reserved` (exit 2), naming value, rule and a name that would do.
    package static func parse(_ spelling: String, source: String) throws(JarvisError) -> ProfileName? {
        let text = lowercased(spelling)
        if text == "default" { return nil }
        if reserved.contains(text) {
            throw JarvisError(
                "profile.reserved",
                "\(source): “\(text)” is reserved for the program's own names and can't name a profile.",
                hint: "Choose another name, for example “\(suggestion(for: text))”.",
                metadata: ["value": text, "suggestion": suggestion(for: text)], exitCode: 2)
        }
        guard isValid(text) else {
            let suggestion = suggestion(for: text)
            let shown = printable(spelling)
            throw JarvisError(
                "profile.invalid",
                "\(source): “\(shown)” is no profile name. A name has 1 to 64 letters a-z, digits, “_” or “-”"
                    + " and begins with a letter or digit.",
                hint: "Try “\(suggestion)”.", metadata: ["value": shown, "suggestion": suggestion], exitCode: 2)
        }
        return ProfileName(unchecked: text)
    }

    /// The profile whose state directory has this file name (`.jarvis-rescue` → `rescue`); nil when the name is not
    /// exactly what a profile would produce.
    package init?(stateDirectoryName name: String) {
        guard name.hasPrefix(".jarvis-") else { return nil }
        let text = String(name.dropFirst(".jarvis-".count))
        guard Self.isValid(text), text != "default", !Self.reserved.contains(text) else { return nil }
        self.text = text
    }

    private init(unchecked text: String) { self.text = text }

    /// Alphabetical order.
    package static func < (left: ProfileName, right: ProfileName) -> Bool { left.text < right.text }

    private static func isValid(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, bytes.count <= maximumLength else { return false }
        return isAlphanumeric(first) && bytes.allSatisfy { isAlphanumeric($0) || isJoiner($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isJoiner(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") }

    /// ASCII only: Unicode folding would let two spellings that look different (the Kelvin sign and `k`) meet.
    private static func lowercased(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    ("A"..."Z").contains(scalar) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar
                }))
    }

    private static func suggestion(for text: String) -> String {
        var name: [UInt8] = []
        for byte in text.utf8 {
            if isAlphanumeric(byte) || byte == UInt8(ascii: "_") {
                name.append(byte)
            } else if name.last != UInt8(ascii: "-") {
                name.append(UInt8(ascii: "-"))
            }
        }
        let trimmed = name.drop { isJoiner($0) }.prefix(maximumLength)
        let end = trimmed.lastIndex { !isJoiner($0) }.map { $0 + 1 } ?? trimmed.startIndex
        let result = String(decoding: trimmed[..<end], as: UTF8.self)
        if reserved.contains(result) || result == "default" { return "\(result)-2" }
        return result.isEmpty ? "rescue" : result
    }

    /// At most 80 characters and no control character, so that a hostile value can't paint the terminal.
    private static func printable(_ text: String) -> String {
        let visible = text.unicodeScalars.prefix(80).map { $0.properties.isVisible ? String($0) : "?" }.joined()
        return text.unicodeScalars.count > 80 ? visible + "…" : visible
    }
}

extension Unicode.Scalar.Properties {
    fileprivate var isVisible: Bool {
        switch generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
        default: true
        }
    }
}
