/// An IP address in binary, parsed from its one canonical family of spellings: four decimal numbers without leading
/// zeros, or RFC 4291 text. `127.1`, `0x7f.1`, `017700000001` and zone ids are not addresses here, however gladly a
/// resolver takes them.
package enum IPAddress: Sendable, Hashable {
    /// Four bytes, network order.
    case v4(UInt32)
    /// The upper and the lower eight bytes, network order.
    case v6(high: UInt64, low: UInt64)

    /// The address that `text` spells, or nil. IPv6 text comes without brackets.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: ":")) {
            guard let address = Self.parseV6(bytes[...]) else { return nil }
            self = address
        } else {
            guard let value = Self.parseV4(bytes[...]) else { return nil }
            self = .v4(value)
        }
    }

    /// Whether this is 127.0.0.0/8 or ::1, also in the IPv4-mapped spelling.
    package var isLoopback: Bool {
        switch unmapped {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }

    /// The IPv4 address inside `::ffff:a.b.c.d`; every other address as it is.
    package var unmapped: IPAddress {
        if case .v6(0, let low) = self, low >> 32 == 0xFFFF { return .v4(UInt32(truncatingIfNeeded: low)) }
        return self
    }

    private static func parseV4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), let first = part.first else { return nil }
            if part.count > 1, first == UInt8(ascii: "0") { return nil }
            var number: UInt32 = 0
            for digit in part {
                guard digit >= 48, digit <= 57 else { return nil }
                number = number * 10 + UInt32(digit - 48)
            }
            guard number <= 255 else { return nil }
            value = value << 8 | number
        }
        return value
    }

    private static func parseV6(_ text: ArraySlice<UInt8>) -> IPAddress? {
        var words: [UInt16] = []
        var gap: Int?
        var rest = text
        if rest.starts(with: [58, 58]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            guard words.count < 8 else { return nil }
            let end = rest.firstIndex(of: 58) ?? rest.endIndex
            let part = rest[rest.startIndex..<end]
            if part.contains(UInt8(ascii: ".")) {
                guard end == rest.endIndex, words.count <= 6, let value = parseV4(part) else { return nil }
                words.append(UInt16(value >> 16))
                words.append(UInt16(truncatingIfNeeded: value))
                break
            }
            guard (1...4).contains(part.count) else { return nil }
            var word: UInt16 = 0
            for digit in part {
                guard let value = HexDigit.value(digit) else { return nil }
                word = word << 4 | UInt16(value)
            }
            words.append(word)
            guard end < rest.endIndex else { break }
            rest = rest[(end + 1)...]
            if rest.first == 58 {
                guard gap == nil else { return nil }
                gap = words.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        if let gap {
            guard words.count < 8 else { return nil }
            words.insert(contentsOf: repeatElement(0, count: 8 - words.count), at: gap)
        }
        guard words.count == 8 else { return nil }
        let high = words[0..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = words[4..<8].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return .v6(high: high, low: low)
    }
}

/// Hexadecimal digits as bytes.
enum HexDigit {
    /// 0 to 15, or nil for a byte that is no hexadecimal digit.
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }
}
