import Logging

/// One log line: already redacted, cut to its limits, and free of anything that could pass for another line.
package struct LogRecord: Sendable, Hashable {
    /// When.
    package var time: EpochMilliseconds
    /// How important.
    package var level: Logger.Level
    /// The logger's label: which part of the program speaks.
    package var subsystem: String
    /// The constant message. At most `messageLimit` bytes.
    package var message: String
    /// The variables, sorted by name. Each value at most `fieldLimit` bytes.
    package var fields: [Field]

    /// One variable.
    package struct Field: Sendable, Hashable {
        /// Its name, at most 64 bytes.
        package var name: String
        /// Its value.
        package var value: String
    }

    /// The most bytes of a message.
    package static let messageLimit = 4096
    /// The most bytes of a field.
    package static let fieldLimit = 256
    /// The most fields of a line.
    package static let fieldCountLimit = 32

    /// The record of an event.
    package init(
        time: EpochMilliseconds, level: Logger.Level, subsystem: String, message: String, metadata: Logger.Metadata,
        redactor: Redactor
    ) {
        self.time = time
        self.level = level
        self.subsystem = Self.cut(subsystem, 64)
        // Cut to a generous size before the redactor looks, so that a huge value costs little; then to the limit, so
        // that a mask is never cut open.
        self.message = Self.cut(redactor.redact(Self.cut(message, Self.messageLimit * 2)), Self.messageLimit)
        fields = metadata.sorted { $0.key < $1.key }.prefix(Self.fieldCountLimit).map { name, value in
            let text = Self.cut(Self.text(value), Self.messageLimit)
            let safe = Redactor.isSecretName(name) ? Redactor.mask : redactor.redact(text)
            return Field(name: Self.cut(name, 64), value: Self.cut(safe, Self.fieldLimit))
        }
    }

    /// The line as one JSON object with a line break: `time` (ISO 8601), `level`, `subsystem`, `message`, then `meta`
    /// with the fields when there are any.
    package var jsonLine: [UInt8] {
        var line = Array(#"{"time":""#.utf8)
        line.append(contentsOf: WallClock.iso8601(time).utf8)
        line.append(contentsOf: #"","level":""#.utf8)
        line.append(contentsOf: LogThreshold(level).rawValue.utf8)
        line.append(contentsOf: #"","subsystem":"#.utf8)
        LogText.appendQuoted(subsystem, to: &line)
        line.append(contentsOf: #","message":"#.utf8)
        LogText.appendQuoted(message, to: &line)
        if !fields.isEmpty {
            line.append(contentsOf: #","meta":{"#.utf8)
            for (index, field) in fields.enumerated() {
                if index > 0 { line.append(UInt8(ascii: ",")) }
                LogText.appendQuoted(field.name, to: &line)
                line.append(UInt8(ascii: ":"))
                LogText.appendQuoted(field.value, to: &line)
            }
            line.append(UInt8(ascii: "}"))
        }
        line.append(contentsOf: "}\n".utf8)
        return line
    }

    /// The line for people, with a line break: `15:04:05 info  gateway: message name=value`. UTC. Control characters
    /// are shown escaped, so that a value can't paint the terminal.
    package func textLine(color: Bool) -> [UInt8] {
        let word = LogThreshold(level).rawValue
        let padded = word + String(repeating: " ", count: max(0, 5 - word.count))
        let clock = WallClock.iso8601(time).dropFirst(11).prefix(8)
        var line: [UInt8] = []
        func paint(_ code: String, _ text: some StringProtocol) {
            line.append(contentsOf: (color ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : String(text)).utf8)
        }
        paint("2", clock)
        line.append(UInt8(ascii: " "))
        paint(Self.color(of: level), padded)
        line.append(UInt8(ascii: " "))
        LogText.append(subsystem, to: &line)
        line.append(contentsOf: ": ".utf8)
        LogText.append(message, to: &line)
        for field in fields {
            line.append(UInt8(ascii: " "))
            LogText.append(field.name, to: &line)
            line.append(UInt8(ascii: "="))
            let isWord = !field.value.isEmpty && !field.value.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }
            if isWord { LogText.append(field.value, to: &line) } else { LogText.appendQuoted(field.value, to: &line) }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func color(of level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "2"
        case .info, .notice: "32"
        case .warning: "33"
        case .error: "31"
        case .critical: "1;31"
        }
    }

    private static func text(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): text
        case .stringConvertible(let convertible): convertible.description
        case .array(let values): "[" + values.prefix(64).map(text).joined(separator: ", ") + "]"
        case .dictionary(let members):
            "{"
                + members.sorted { $0.key < $1.key }.prefix(64)
                .map { "\($0): \(Redactor.isSecretName($0) ? Redactor.mask : text($1))" }.joined(separator: ", ") + "}"
        }
    }

    /// The longest beginning of `text` that fits `limit` bytes with a closing `…`, never half a character.
    static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var end = text.utf8.index(text.utf8.startIndex, offsetBy: limit - 3)
        while end > text.utf8.startIndex, text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
        return String(text[..<end]) + "…"
    }
}

/// Text that stays inside its line: control characters, line separators and direction overrides become escapes.
enum LogText {
    /// As a JSON string with quotes.
    static func appendQuoted(_ text: String, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        append(text, to: &line, quoted: true)
        line.append(UInt8(ascii: "\""))
    }

    /// Without quotes; the escapes are those of JSON.
    static func append(_ text: String, to line: inout [UInt8], quoted: Bool = false) {
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: line.append(contentsOf: #"\n"#.utf8)
            case 0x0D: line.append(contentsOf: #"\r"#.utf8)
            case 0x09: line.append(contentsOf: #"\t"#.utf8)
            case 0x22 where quoted: line.append(contentsOf: #"\""#.utf8)
            case 0x5C where quoted: line.append(contentsOf: #"\\"#.utf8)
            case 0..<0x20, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
                let digits = String(scalar.value, radix: 16)
                line.append(contentsOf: #"\u"#.utf8)
                line.append(contentsOf: String(repeating: "0", count: 4 - digits.count).utf8)
                line.append(contentsOf: digits.utf8)
            default: line.append(contentsOf: String(scalar).utf8)
            }
        }
    }
}
