/// How callers say which address they mean: the whole address, a part of it, or a pattern in which `*` stands for
/// anything but `/`, `**` for anything, `?` for itself.
package struct AddressPattern: Sendable, Hashable {
    private enum Piece: Hashable {
        case text([UInt8])
        case step
        case any
    }

    /// As the caller wrote it.
    package let shown: String
    private let pieces: [Piece]
    private let plain: String?

    /// A pattern.
    package init(_ text: String) {
        shown = text
        guard text.contains("*") else {
            plain = text
            pieces = []
            return
        }
        plain = nil
        var found: [Piece] = []
        var literal: [UInt8] = []
        var stars = 0
        func flush() {
            if stars > 0 { found.append(stars > 1 ? .any : .step) }
            if !literal.isEmpty { found.append(.text(literal)) }
            (stars, literal) = (0, [])
        }
        for byte in text.utf8 {
            if byte == UInt8(ascii: "*") {
                if !literal.isEmpty { flush() }
                stars += 1
            } else {
                if stars > 0 { flush() }
                literal.append(byte)
            }
        }
        flush()
        pieces = found
    }

    /// Whether `address` is meant. Takes time in proportion to the product of both lengths at worst.
    package func matches(_ address: String) -> Bool {
        if let plain { return plain.isEmpty || address == plain || address.contains(plain) }
        let bytes = Array(address.utf8)
        // The places in the address that the pieces up to now can have led to.
        var places: Set<Int> = [0]
        for piece in pieces {
            var next: Set<Int> = []
            switch piece {
            case .text(let text):
                for place in places where bytes[place...].starts(with: text) { next.insert(place + text.count) }
            case .any:
                if let first = places.min() { next = Set(first...bytes.count) }
            case .step:
                for place in places {
                    var end = place
                    next.insert(end)
                    while end < bytes.count, bytes[end] != UInt8(ascii: "/") {
                        end += 1
                        if !next.insert(end).inserted { break }
                    }
                }
            }
            places = next
            if places.isEmpty { return false }
        }
        return places.contains(bytes.count)
    }
}
