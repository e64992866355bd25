/// Checks UTF-8 that arrives in pieces, and fails at the first byte that can't be part of any valid text.
package struct UTF8Validator: Sendable {
    // How many continuation bytes are owed, and the range of the next one.
    private var owed: UInt8 = 0
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    /// Nothing seen yet.
    package init() {}

    /// Whether the text so far does not end in the middle of a character.
    package var isComplete: Bool { owed == 0 }

    /// Takes the next bytes; false when the text is invalid for good.
    package mutating func consume(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        while index < bytes.count {
            if owed == 0 {
                while index + 8 <= bytes.count,
                    bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
                { index += 8 }
                guard index < bytes.count else { break }
            }
            let byte = bytes[index]
            index += 1
            if owed > 0 {
                guard byte >= lowest, byte <= highest else { return false }
                owed -= 1
                (lowest, highest) = (0x80, 0xBF)
            } else if byte >= 0x80 {
                guard lead(byte) else { return false }
            }
        }
        return true
    }

    // RFC 3629 table: the ranges shut out overlong forms, surrogates and scalars beyond U+10FFFF.
    private mutating func lead(_ byte: UInt8) -> Bool {
        switch byte {
        case 0xC2...0xDF: owed = 1
        case 0xE0: (owed, lowest) = (2, 0xA0)
        case 0xE1...0xEC, 0xEE, 0xEF: owed = 2
        case 0xED: (owed, highest) = (2, 0x9F)
        case 0xF0: (owed, lowest) = (3, 0x90)
        case 0xF1...0xF3: owed = 3
        case 0xF4: (owed, highest) = (3, 0x8F)
        default: return false
        }
        return true
    }
}
