import JarvisCore

/// A line and a column of a text, both from 1; the column counts UTF-8 bytes. CR, LF and CRLF end a line.
package struct JSON5Place: Sendable, Hashable {
    /// The line, from 1.
    package var line: Int
    /// The column in UTF-8 bytes, from 1.
    package var column: Int

    /// The place of byte `offset` of `bytes`.
    package init(of offset: Int, in bytes: [UInt8]) {
        let end = min(offset, bytes.count)
        line = 1
        var lineStart = 0
        for index in 0..<end {
            let isEnd =
                bytes[index] == 0x0A || (bytes[index] == 0x0D && !(index + 1 < bytes.count && bytes[index + 1] == 0x0A))
            if isEnd {
                line += 1
                lineStart = index + 1
            }
        }
        column = end - lineStart + 1
    }
}

/// Which scalars a key without quotes may hold (ECMAScript 5.1 IdentifierName).
enum JSON5Identifier {
    static func allows(_ scalar: Unicode.Scalar, first: Bool) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "_", "$": return true
        case "0"..."9": return !first
        case "\u{200C}", "\u{200D}": return !first
        default: break
        }
        if scalar.isASCII { return false }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .letterNumber:
            return true
        case .nonspacingMark, .spacingMark, .decimalNumber, .connectorPunctuation: return !first
        default: return false
        }
    }
}

/// The scanning that the parser and the editor share.
enum JSON5Text {
    /// The scalar at `position` of well-formed UTF-8 and its length in bytes.
    static func scalar(_ bytes: [UInt8], at position: Int) -> (Unicode.Scalar, Int) {
        let first = bytes[position]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        var code = UInt32(first) & (0xFF >> UInt32(length + 1))
        for index in 1..<length where position + index < bytes.count {
            code = code << 6 | UInt32(bytes[position + index] & 0x3F)
        }
        return (Unicode.Scalar(code) ?? "\u{FFFD}", length)
    }

    /// The length in bytes of the white space (line ends included) at `position`; 0 when there is none.
    static func spaceLength(_ bytes: [UInt8], at position: Int) -> Int {
        switch bytes[position] {
        case 0x20, 0x09, 0x0A, 0x0B, 0x0C, 0x0D: return 1
        case 0x00..<0x80: return 0
        default: break
        }
        let (scalar, length) = scalar(bytes, at: position)
        if scalar == "\u{FEFF}" || scalar == "\u{2028}" || scalar == "\u{2029}" { return length }
        return scalar.properties.generalCategory == .spaceSeparator ? length : 0
    }

    /// Moves `position` over white space and comments. Returns the offset of a comment that is not closed.
    static func skipTrivia(_ bytes: [UInt8], _ position: inout Int) -> Int? {
        while position < bytes.count {
            let space = spaceLength(bytes, at: position)
            if space > 0 {
                position += space
                continue
            }
            guard bytes[position] == UInt8(ascii: "/"), position + 1 < bytes.count else { return nil }
            let start = position
            if bytes[position + 1] == UInt8(ascii: "/") {
                position = lineEnd(bytes, from: position)
            } else if bytes[position + 1] == UInt8(ascii: "*") {
                position += 2
                while true {
                    guard position + 1 < bytes.count else { return start }
                    if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") { break }
                    position += 1
                }
                position += 2
            } else {
                return nil
            }
        }
        return nil
    }

    /// The offset of the line end (LF, CR, U+2028, U+2029) at or after `position`, or the end of the text.
    static func lineEnd(_ bytes: [UInt8], from position: Int) -> Int {
        var index = position
        while index < bytes.count, !isLineEnd(bytes, at: index) { index += 1 }
        return index
    }

    static func isLineEnd(_ bytes: [UInt8], at index: Int) -> Bool {
        if bytes[index] == 0x0A || bytes[index] == 0x0D { return true }
        return bytes[index] == 0xE2 && index + 2 < bytes.count && bytes[index + 1] == 0x80
            && (bytes[index + 2] == 0xA8 || bytes[index + 2] == 0xA9)
    }

    static func hex4(_ value: UInt32) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - text.utf8.count)) + text
    }
}
