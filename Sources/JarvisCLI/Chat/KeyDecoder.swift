/// A key press, or a pasted text.
enum Key: Hashable, Sendable {
    case text(String)
    case enter, tab, backspace, delete
    case left, right, up, down, home, end, wordLeft, wordRight
    case killLine, killToEnd, killWord, clearScreen
    case interrupt, endOfInput
}

/// Reads keys from the bytes of a terminal in raw mode. Characters and sequences may be split at any byte.
struct KeyDecoder: Sendable {
    private var pending: [UInt8] = []
    /// What was pasted so far; nil outside a bracketed paste.
    private var paste: [UInt8]?
    private static let pasteEnd = Array("\u{1B}[201~".utf8)
    /// A sequence longer than this is no sequence.
    private static let longestSequence = 32

    /// The keys that `bytes` complete.
    mutating func push(_ bytes: some Sequence<UInt8>) -> [Key] {
        var keys: [Key] = []
        for byte in bytes {
            if paste != nil {
                collect(byte, &keys)
            } else {
                pending.append(byte)
                if let key = decode() { keys.append(key) }
            }
        }
        return Self.joined(keys)
    }

    private mutating func collect(_ byte: UInt8, _ keys: inout [Key]) {
        paste?.append(byte)
        guard let bytes = paste, bytes.suffix(Self.pasteEnd.count).elementsEqual(Self.pasteEnd) else { return }
        paste = nil
        let text = String(decoding: bytes.dropLast(Self.pasteEnd.count), as: UTF8.self)
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\n")
        keys.append(.text(Humanize.printable(lines)))
    }

    /// The key in `pending` when it is whole; empties `pending` then, also for what means nothing.
    private mutating func decode() -> Key? {
        guard let first = pending.first else { return nil }
        if first == 0x1B { return decodeEscape() }
        if first < 0x20 || first == 0x7F {
            pending.removeAll()
            return Self.control(first)
        }
        let length = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard pending.count >= length else { return nil }
        let text = String(decoding: pending, as: UTF8.self)
        pending.removeAll()
        return .text(text)
    }

    private static func control(_ byte: UInt8) -> Key? {
        switch byte {
        case 0x01: .home
        case 0x02: .left
        case 0x03: .interrupt
        case 0x04: .endOfInput
        case 0x05: .end
        case 0x06: .right
        case 0x08, 0x7F: .backspace
        case 0x09: .tab
        case 0x0A, 0x0D: .enter
        case 0x0B: .killToEnd
        case 0x0C: .clearScreen
        case 0x0E: .down
        case 0x10: .up
        case 0x15: .killLine
        case 0x17: .killWord
        default: nil
        }
    }

    private mutating func decodeEscape() -> Key? {
        guard pending.count >= 2 else { return nil }
        let second = pending[1]
        if second == UInt8(ascii: "[") || second == UInt8(ascii: "O") {
            guard pending.count >= 3, let last = pending.last, (0x40...0x7E).contains(last) else {
                if pending.count > Self.longestSequence { pending.removeAll() }
                return nil
            }
            let body = String(decoding: pending.dropFirst(2), as: UTF8.self)
            pending.removeAll()
            if body == "200~" { paste = [] }
            return Self.sequence(body)
        }
        if second == 0x1B {
            pending.removeFirst()
            return nil
        }
        pending.removeAll()
        switch second {
        case UInt8(ascii: "b"): return .wordLeft
        case UInt8(ascii: "f"): return .wordRight
        case 0x7F: return .killWord
        default: return nil
        }
    }

    private static func sequence(_ body: String) -> Key? {
        switch body {
        case "A": .up
        case "B": .down
        case "C": .right
        case "D": .left
        case "H", "1~", "7~": .home
        case "F", "4~", "8~": .end
        case "3~": .delete
        case "1;5C", "1;3C": .wordRight
        case "1;5D", "1;3D": .wordLeft
        default: nil
        }
    }

    /// Neighbouring texts as one, so that combining characters meet.
    private static func joined(_ keys: [Key]) -> [Key] {
        var result: [Key] = []
        for key in keys {
            if case .text(let new) = key, case .text(let old)? = result.last {
                result[result.count - 1] = .text(old + new)
            } else {
                result.append(key)
            }
        }
        return result
    }
}
