import JarvisCore

/// A strict JSON5 reader (json5.org, version 1.0.0) that keeps the place of every key, value and comma.
///
/// As `JSONParser` it refuses repeated keys, invalid UTF-8 and nesting beyond a limit, and turns half a surrogate pair
/// into U+FFFD.
struct JSON5Parser {
    private let bytes: [UInt8]
    private let maximumDepth: Int
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8], maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    mutating func parse() throws(JSON5ParseError) -> JSON5Node {
        if let offset = Self.firstInvalidUTF8(bytes) { throw failure("invalid UTF-8", at: offset) }
        try skipSpace()
        let node = try readValue()
        try skipSpace()
        if position < bytes.count { throw unexpected(wanted: "the end of the text") }
        return node
    }

    // MARK: Values

    private mutating func readValue() throws(JSON5ParseError) -> JSON5Node {
        guard position < bytes.count else { throw failure("unexpected end of input, expected a value") }
        let start = position
        switch bytes[position] {
        case UInt8(ascii: "{"): return try readContainer(object: true)
        case UInt8(ascii: "["): return try readContainer(object: false)
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            let text = try readString()
            return JSON5Node(kind: .scalar(.string(text)), range: start..<position)
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let number = try readNumber()
            return JSON5Node(kind: .scalar(number), range: start..<position)
        default:
            let value = try readWord()
            return JSON5Node(kind: .scalar(value), range: start..<position)
        }
    }

    private mutating func readWord() throws(JSON5ParseError) -> JSONValue {
        let start = position
        while position < bytes.count, isASCIIIdentifierByte(bytes[position]) || bytes[position] >= 0x80 {
            position += 1
        }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "Infinity": return .double(.infinity)
        case "NaN": return .double(.nan)
        default:
            position = start
            if word.isEmpty || bytes[start] >= 0x80 { throw unexpected(wanted: "a value") }
            throw failure("unexpected word \(quoted(word)), expected a value (text needs quotes)")
        }
    }

    private mutating func readContainer(object: Bool) throws(JSON5ParseError) -> JSON5Node {
        let start = position
        let closing = object ? UInt8(ascii: "}") : UInt8(ascii: "]")
        depth += 1
        if depth > maximumDepth { throw failure("nested deeper than \(maximumDepth) levels") }
        position += 1
        var entries: [JSON5Entry] = []
        var seen: Set<String> = []
        while true {
            try skipSpace()
            guard position < bytes.count else { throw unclosed(start, closing) }
            if bytes[position] == closing {
                position += 1
                depth -= 1
                return JSON5Node(kind: object ? .object(entries) : .array(entries), range: start..<position)
            }
            if let last = entries.last, last.comma == nil {
                throw unexpected(wanted: object ? "',' or '}'" : "',' or ']'")
            }
            var key = ""
            var keyRange: Range<Int>?
            if object {
                let keyStart = position
                key = try readKey()
                keyRange = keyStart..<position
                if !seen.insert(key).inserted { throw failure("duplicate key \(quoted(key))", at: keyStart) }
                try skipSpace()
                guard position < bytes.count else { throw unclosed(start, closing) }
                guard consume(UInt8(ascii: ":")) else { throw unexpected(wanted: "':' after the key \(quoted(key))") }
                try skipSpace()
            }
            var entry = JSON5Entry(key: key, keyRange: keyRange, node: try readValue())
            try skipSpace()
            if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
                entry.comma = position
                position += 1
            }
            entries.append(entry)
        }
    }

    private func unclosed(_ start: Int, _ closing: UInt8) -> JSON5ParseError {
        let place = JSON5Place(of: start, in: bytes)
        let mark = Character(Unicode.Scalar(closing))
        return failure("unexpected end of input, '\(mark)' is missing for line \(place.line), column \(place.column)")
    }

    // MARK: Keys

    private mutating func readKey() throws(JSON5ParseError) -> String {
        if bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'") { return try readString() }
        let start = position
        var key = String.UnicodeScalarView()
        while position < bytes.count {
            let before = position
            let scalar: Unicode.Scalar
            if bytes[position] == UInt8(ascii: "\\") {
                position += 1
                guard consume(UInt8(ascii: "u")) else { throw unexpected(wanted: "a \\u escape in the key") }
                guard let escaped = Unicode.Scalar(UInt32(try readHex(4))) else {
                    throw failure("a key without quotes can't hold half a surrogate pair", at: before)
                }
                scalar = escaped
                guard JSON5Identifier.allows(scalar, first: key.isEmpty) else {
                    throw failure("this escape can't be part of a key without quotes", at: before)
                }
            } else {
                scalar = readScalar()
                guard JSON5Identifier.allows(scalar, first: key.isEmpty) else {
                    position = before
                    break
                }
            }
            key.append(scalar)
        }
        if position == start { throw unexpected(wanted: "a key (other than words keys need quotes)") }
        return String(key)
    }

    /// The scalar at the position; the text is known to be valid UTF-8.
    private mutating func readScalar() -> Unicode.Scalar {
        let (scalar, length) = JSON5Text.scalar(bytes, at: position)
        position += length
        return scalar
    }

    // MARK: Strings

    private mutating func readString() throws(JSON5ParseError) -> String {
        let start = position
        let quote = bytes[position]
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case quote:
                position += 1
                return String(decoding: text, as: UTF8.self)
            case 0x0A, 0x0D: throw failure("a line ends inside a string", at: position)
            case UInt8(ascii: "\\"):
                position += 1
                try readEscape(into: &text)
            default:
                text.append(byte)
                position += 1
            }
        }
        let place = JSON5Place(of: start, in: bytes)
        throw failure("unexpected end of input in the string of line \(place.line), column \(place.column)")
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(JSON5ParseError) {
        guard position < bytes.count else { throw failure("unexpected end of input") }
        let byte = bytes[position]
        switch byte {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "v"): text.append(0x0B)
        case UInt8(ascii: "0"):
            if position + 1 < bytes.count, isDigit(bytes[position + 1]) {
                throw failure("octal escapes are not part of JSON5", at: position - 1)
            }
            text.append(0)
        case UInt8(ascii: "1")...UInt8(ascii: "9"):
            throw failure("a digit can't be escaped", at: position - 1)
        case UInt8(ascii: "x"):
            position += 1
            let value = try readHex(2)
            append(Unicode.Scalar(UInt8(value)), to: &text)
            return
        case UInt8(ascii: "u"):
            position += 1
            try readUnicodeEscape(into: &text)
            return
        case 0x0D:
            position += 1
            _ = consume(0x0A)
            return
        case 0x0A: break
        default:
            let scalar = readScalar()
            if scalar != "\u{2028}", scalar != "\u{2029}" { append(scalar, to: &text) }
            return
        }
        position += 1
    }

    private mutating func readUnicodeEscape(into text: inout [UInt8]) throws(JSON5ParseError) {
        let unit = UInt32(try readHex(4))
        let isHigh = (0xD800...0xDBFF).contains(unit)
        let escapeFollows =
            position + 1 < bytes.count && bytes[position] == UInt8(ascii: "\\")
            && bytes[position + 1] == UInt8(ascii: "u")
        if isHigh, escapeFollows {
            let before = position
            position += 2
            let low = UInt32(try readHex(4))
            if (0xDC00...0xDFFF).contains(low) {
                let code = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                append(Unicode.Scalar(code) ?? "\u{FFFD}", to: &text)
                return
            }
            position = before
        }
        append(Unicode.Scalar(unit) ?? "\u{FFFD}", to: &text)
    }

    private func append(_ scalar: Unicode.Scalar, to text: inout [UInt8]) {
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func readHex(_ digits: Int) throws(JSON5ParseError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<digits {
            guard position < bytes.count else { throw failure("unexpected end of input") }
            guard let digit = hexDigit(bytes[position]) else { throw unexpected(wanted: "a hexadecimal digit") }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    // MARK: Numbers

    private mutating func readNumber() throws(JSON5ParseError) -> JSONValue {
        let start = position
        let negative = bytes[position] == UInt8(ascii: "-")
        if negative || bytes[position] == UInt8(ascii: "+") { position += 1 }
        guard position < bytes.count else { throw failure("unexpected end of input, expected a digit") }
        let value: JSONValue
        switch bytes[position] {
        case UInt8(ascii: "I"), UInt8(ascii: "N"):
            guard case .double(let number) = try readWord() else { throw unexpected(wanted: "a digit") }
            value = .double(negative ? -number : number)
        case UInt8(ascii: "0")
        where position + 1 < bytes.count && (bytes[position + 1] | 0x20) == UInt8(ascii: "x"):
            position += 2
            value = try readHexadecimal(negative: negative)
        default: value = try readDecimal(start: start, negative: negative)
        }
        if position < bytes.count {
            let (scalar, _) = JSON5Text.scalar(bytes, at: position)
            if JSON5Identifier.allows(scalar, first: false) || scalar == "\\" || scalar == "." {
                throw unexpected(wanted: "the end of the number")
            }
        }
        return value
    }

    private mutating func readHexadecimal(negative: Bool) throws(JSON5ParseError) -> JSONValue {
        var magnitude: UInt64 = 0
        var large = 0.0
        var overflow = false
        var digits = 0
        while position < bytes.count, let digit = hexDigit(bytes[position]) {
            overflow = overflow || magnitude >> 60 != 0
            magnitude = magnitude << 4 | UInt64(digit)
            large = large * 16 + Double(digit)
            digits += 1
            position += 1
        }
        if digits == 0 { throw unexpected(wanted: "a hexadecimal digit") }
        if !overflow, magnitude <= UInt64(Int64.max) + (negative ? 1 : 0) {
            return integer(magnitude, negative: negative)
        }
        return .double(negative ? -large : large)
    }

    private mutating func readDecimal(start: Int, negative: Bool) throws(JSON5ParseError) -> JSONValue {
        let digitsStart = position
        var magnitude: UInt64 = 0
        var overflow = false
        while position < bytes.count, isDigit(bytes[position]) {
            let (product, first) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, second) = product.addingReportingOverflow(UInt64(bytes[position] - 48))
            overflow = overflow || first || second
            magnitude = sum
            position += 1
        }
        let wholeDigits = position - digitsStart
        if wholeDigits > 1, bytes[digitsStart] == UInt8(ascii: "0") {
            throw failure("a number must not start with 0", at: digitsStart)
        }
        var whole = true
        if consume(UInt8(ascii: ".")) {
            whole = false
            let fraction = skipDigits()
            if wholeDigits + fraction == 0 { throw unexpected(wanted: "a digit") }
        } else if wholeDigits == 0 {
            throw unexpected(wanted: "a digit")
        }
        if consume(UInt8(ascii: "e")) || consume(UInt8(ascii: "E")) {
            whole = false
            if !consume(UInt8(ascii: "+")) { _ = consume(UInt8(ascii: "-")) }
            if skipDigits() == 0 { throw unexpected(wanted: "a digit of the exponent") }
        }
        if whole, !overflow, magnitude <= UInt64(Int64.max) + (negative ? 1 : 0) {
            return integer(magnitude, negative: negative)
        }
        return .double(try double(from: start))
    }

    /// `Double.init(_: String)` wants digits on both sides of nothing but the point, so the spelling is completed.
    private func double(from start: Int) throws(JSON5ParseError) -> Double {
        var spelling: [UInt8] = []
        for index in start..<position where bytes[index] != UInt8(ascii: "+") || !spelling.isEmpty {
            let byte = bytes[index]
            let previous = spelling.last
            if byte == UInt8(ascii: "."), previous.map({ !isDigit($0) }) ?? true { spelling.append(48) }
            if !isDigit(byte), previous == UInt8(ascii: ".") { spelling.append(48) }
            spelling.append(byte)
        }
        if spelling.last == UInt8(ascii: ".") { spelling.append(48) }
        guard let number = Double(String(decoding: spelling, as: UTF8.self)) else {
            throw failure("not a number", at: start)
        }
        return number
    }

    private func integer(_ magnitude: UInt64, negative: Bool) -> JSONValue {
        guard negative else { return .int(Int64(magnitude)) }
        return magnitude == 0 ? .double(-0.0) : .int(Int64(truncatingIfNeeded: 0 &- magnitude))
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
        return position - start
    }

    // MARK: Scanning

    private mutating func skipSpace() throws(JSON5ParseError) {
        if let unclosed = JSON5Text.skipTrivia(bytes, &position) {
            throw failure("a comment that begins with /* is not closed", at: unclosed)
        }
    }

    private mutating func consume(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    private func isASCIIIdentifierByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$")
    }

    private func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }

    // MARK: Failures

    private func unexpected(wanted: String) -> JSON5ParseError {
        guard position < bytes.count else { return failure("unexpected end of input, expected \(wanted)") }
        let (scalar, _) = JSON5Text.scalar(bytes, at: position)
        let printable = scalar.value > 0x20 && scalar.value != 0x7F && !scalar.properties.isWhitespace
        let shown = printable ? "'\(Character(scalar))'" : "U+" + JSON5Text.hex4(scalar.value)
        return failure("unexpected \(shown), expected \(wanted)")
    }

    private func quoted(_ text: String) -> String { "\"" + String(text.prefix(64)) + "\"" }

    private func failure(_ reason: String, at offset: Int? = nil) -> JSON5ParseError {
        let place = JSON5Place(of: offset ?? position, in: bytes)
        return JSON5ParseError(
            reason: reason, offset: min(offset ?? position, bytes.count), line: place.line, column: place.column)
    }

    /// The offset of the first byte that is no part of well-formed UTF-8.
    private static func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        var decoder = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .error: return offset
            case .emptyInput: return nil
            }
        }
    }
}
