/// Why a JSON text was refused, and where.
public struct JSONParseError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, for a person: "unexpected character 'x'".
    public var reason: String
    /// The byte at which it went wrong, from 0.
    public var offset: Int
    /// The line of that byte, from 1.
    public var line: Int
    /// The column of that byte in UTF-8 bytes, from 1.
    public var column: Int

    /// `line 3, column 7: unexpected character 'x'`.
    public var description: String { "line \(line), column \(column): \(reason)" }
}

/// A strict RFC 8259 reader on bytes.
///
/// Refuses what the RFC refuses, and two things that it leaves open because both parsers of a check-then-use pair must
/// agree: a repeated key and invalid UTF-8. A `\u` escape that is half of a surrogate pair becomes U+FFFD, as clients
/// that cut a text in the middle of an emoji send it. Nesting beyond `maximumDepth` is an error, so that no input can
/// exhaust the stack.
public struct JSONParser {
    /// Arrays and objects may be nested this deep.
    public static let defaultMaximumDepth = 256

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0
    private let maximumDepth: Int

    private init(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int) {
        self.bytes = bytes
        self.maximumDepth = maximumDepth
    }

    /// Reads one document from `bytes`.
    ///
    /// - Throws: `JSONParseError` with the place.
    public static func parse(
        _ bytes: some Collection<UInt8>, maximumDepth: Int = defaultMaximumDepth
    ) throws(JSONParseError) -> JSONValue {
        let result: Result<JSONValue, JSONParseError>? = bytes.withContiguousStorageIfAvailable { buffer in
            Result { () throws(JSONParseError) in try parseBuffer(buffer, maximumDepth: maximumDepth) }
        }
        if let result { return try result.get() }
        let copy = Array(bytes)
        return try copy.withUnsafeBufferPointer { buffer in
            Result { () throws(JSONParseError) in try parseBuffer(buffer, maximumDepth: maximumDepth) }
        }.get()
    }

    /// Reads one document from `text`.
    ///
    /// - Throws: `JSONParseError` with the place.
    public static func parse(_ text: String) throws(JSONParseError) -> JSONValue {
        try parse(Array(text.utf8))
    }

    private static func parseBuffer(
        _ buffer: UnsafeBufferPointer<UInt8>, maximumDepth: Int
    ) throws(JSONParseError) -> JSONValue {
        var parser = JSONParser(buffer, maximumDepth: maximumDepth)
        parser.skipSpace()
        let value = try parser.readValue()
        parser.skipSpace()
        if parser.position < buffer.count { throw parser.unexpected() }
        return value
    }

    // MARK: Values

    private mutating func readValue() throws(JSONParseError) -> JSONValue {
        guard position < bytes.count else { throw failure("unexpected end of input") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try readObject()
        case UInt8(ascii: "["): return try readArray()
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"): return try readWord("true", .bool(true))
        case UInt8(ascii: "f"): return try readWord("false", .bool(false))
        case UInt8(ascii: "n"): return try readWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try readNumber()
        default: throw unexpected()
        }
    }

    private mutating func readWord(_ word: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue {
        let start = position
        for index in 0..<word.utf8CodeUnitCount {
            guard position < bytes.count, bytes[position] == word.utf8Start[index] else {
                if position >= bytes.count { throw failure("unexpected end of input") }
                position = start
                throw unexpected()
            }
            position += 1
        }
        return value
    }

    private mutating func enter() throws(JSONParseError) {
        depth += 1
        if depth > maximumDepth { throw failure("nested deeper than \(maximumDepth) levels") }
    }

    private mutating func readArray() throws(JSONParseError) -> JSONValue {
        try enter()
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if consume(UInt8(ascii: "]")) {
            depth -= 1
            return .array(elements)
        }
        while true {
            elements.append(try readValue())
            skipSpace()
            if consume(UInt8(ascii: ",")) {
                skipSpace()
                continue
            }
            if consume(UInt8(ascii: "]")) {
                depth -= 1
                return .array(elements)
            }
            throw position < bytes.count ? unexpected(wanted: "',' or ']'") : failure("unexpected end of input")
        }
    }

    private mutating func readObject() throws(JSONParseError) -> JSONValue {
        try enter()
        position += 1
        var members = JSONObject()
        skipSpace()
        if consume(UInt8(ascii: "}")) {
            depth -= 1
            return .object(members)
        }
        while true {
            guard position < bytes.count else { throw failure("unexpected end of input") }
            guard bytes[position] == UInt8(ascii: "\"") else { throw unexpected(wanted: "a key in quotes") }
            let keyStart = position
            let key = try readString()
            skipSpace()
            guard consume(UInt8(ascii: ":")) else {
                throw position < bytes.count ? unexpected(wanted: "':'") : failure("unexpected end of input")
            }
            skipSpace()
            let value = try readValue()
            if members.updateValue(value, forKey: key) != nil {
                throw failure("duplicate key \(quoted(key))", at: keyStart)
            }
            skipSpace()
            if consume(UInt8(ascii: ",")) {
                skipSpace()
                continue
            }
            if consume(UInt8(ascii: "}")) {
                depth -= 1
                return .object(members)
            }
            throw position < bytes.count ? unexpected(wanted: "',' or '}'") : failure("unexpected end of input")
        }
    }

    // MARK: Numbers

    private mutating func readNumber() throws(JSONParseError) -> JSONValue {
        let start = position
        let negative = consume(UInt8(ascii: "-"))
        guard position < bytes.count else { throw failure("unexpected end of input") }
        var magnitude: UInt64 = 0
        var overflow = false
        if consume(UInt8(ascii: "0")) {
            if position < bytes.count, isDigit(bytes[position]) {
                throw failure("a number must not start with 0", at: start)
            }
        } else {
            guard isDigit(bytes[position]) else { throw unexpected(wanted: "a digit") }
            while position < bytes.count, isDigit(bytes[position]) {
                let (product, first) = magnitude.multipliedReportingOverflow(by: 10)
                let (sum, second) = product.addingReportingOverflow(UInt64(bytes[position] &- 48))
                overflow = overflow || first || second
                magnitude = sum
                position += 1
            }
        }
        var whole = true
        if consume(UInt8(ascii: ".")) {
            whole = false
            try requireDigits()
        }
        if consume(UInt8(ascii: "e")) || consume(UInt8(ascii: "E")) {
            whole = false
            if !consume(UInt8(ascii: "+")) { _ = consume(UInt8(ascii: "-")) }
            try requireDigits()
        }
        if whole, !overflow {
            if negative {
                if magnitude == 0 { return .double(-0.0) }
                if magnitude <= UInt64(Int64.max) + 1 { return .int(Int64(truncatingIfNeeded: 0 &- magnitude)) }
            } else if magnitude <= UInt64(Int64.max) {
                return .int(Int64(magnitude))
            }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let number = Double(text) else { throw failure("number out of range", at: start) }
        return .double(number)
    }

    private mutating func requireDigits() throws(JSONParseError) {
        guard position < bytes.count else { throw failure("unexpected end of input") }
        guard isDigit(bytes[position]) else { throw unexpected(wanted: "a digit") }
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    // MARK: Strings

    private mutating func readString() throws(JSONParseError) -> String {
        position += 1
        let start = position
        // The common case: no escape. One scan, one String.
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try text(from: start, to: position)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { break }
            if byte < 0x20 { throw failure("control character in a string") }
            position += 1
        }
        guard position < bytes.count else { throw failure("unexpected end of input") }
        return try readEscapedString(from: start)
    }

    private mutating func readEscapedString(from start: Int) throws(JSONParseError) -> String {
        var collected: [UInt8] = []
        var runStart = start
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                try validate(from: runStart, to: position)
                collected.append(contentsOf: bytes[runStart..<position])
                position += 1
                return String(decoding: collected, as: UTF8.self)
            }
            if byte < 0x20 { throw failure("control character in a string") }
            if byte != UInt8(ascii: "\\") {
                position += 1
                continue
            }
            try validate(from: runStart, to: position)
            collected.append(contentsOf: bytes[runStart..<position])
            position += 1
            try readEscape(into: &collected)
            runStart = position
        }
        throw failure("unexpected end of input")
    }

    private mutating func readEscape(into collected: inout [UInt8]) throws(JSONParseError) {
        guard position < bytes.count else { throw failure("unexpected end of input") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): collected.append(byte)
        case UInt8(ascii: "b"): collected.append(0x08)
        case UInt8(ascii: "f"): collected.append(0x0C)
        case UInt8(ascii: "n"): collected.append(0x0A)
        case UInt8(ascii: "r"): collected.append(0x0D)
        case UInt8(ascii: "t"): collected.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = UInt32(try readHex4())
            if scalar >= 0xD800, scalar < 0xDC00,
                position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                bytes[position + 1] == UInt8(ascii: "u")
            {
                let rewind = position
                position += 2
                let low = UInt32(try readHex4())
                if low >= 0xDC00, low < 0xE000 {
                    scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = rewind
                }
            }
            let character = Unicode.Scalar(scalar) ?? "\u{FFFD}"
            collected.append(contentsOf: UTF8.encode(character) ?? UTF8.encodedReplacementCharacter)
        default:
            position -= 1
            throw unexpected(wanted: "an escape")
        }
    }

    private mutating func readHex4() throws(JSONParseError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count else { throw failure("unexpected end of input") }
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - 48
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - 87
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - 55
            default: throw unexpected(wanted: "a hexadecimal digit")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    private func text(from start: Int, to end: Int) throws(JSONParseError) -> String {
        guard let text = String(validating: bytes[start..<end], as: UTF8.self) else {
            throw failure("invalid UTF-8 in a string", at: start)
        }
        return text
    }

    private func validate(from start: Int, to end: Int) throws(JSONParseError) {
        var allASCII = true
        for index in start..<end where bytes[index] >= 0x80 {
            allASCII = false
            break
        }
        if !allASCII { _ = try text(from: start, to: end) }
    }

    // MARK: Scanning

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func consume(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private func unexpected(wanted: String? = nil) -> JSONParseError {
        guard position < bytes.count else { return failure("unexpected end of input") }
        let byte = bytes[position]
        let shown = byte >= 0x20 && byte < 0x7F ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x\(hex(byte))"
        return failure("unexpected \(shown)" + (wanted.map { ", expected \($0)" } ?? ""))
    }

    private func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.utf8.count == 1 ? "0" + text : text
    }

    private func quoted(_ text: String) -> String { "\"" + String(text.prefix(64)) + "\"" }

    private func failure(_ reason: String, at offset: Int? = nil) -> JSONParseError {
        let place = min(offset ?? position, bytes.count)
        var line = 1
        var lineStart = 0
        for index in 0..<place where bytes[index] == 0x0A {
            line += 1
            lineStart = index + 1
        }
        return JSONParseError(reason: reason, offset: place, line: line, column: place - lineStart + 1)
    }
}
