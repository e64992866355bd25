/// What an address is for: the word that egress decisions are made on.
package enum AddressClass: String, Sendable {
    /// Reachable on the public internet.
    case global
    /// This host.
    case loopback
    /// A private, shared, unique-local or site-local network.
    case privateNetwork
    /// One link: also where clouds serve their metadata.
    case linkLocal
    /// Multicast and broadcast.
    case multicast
    /// Unspecified, documentation, benchmarking, reserved.
    case reserved
}

extension IPAddress {
    /// The class of this address. An IPv6 address that carries an IPv4 address (mapped, compatible, NAT64, 6to4,
    /// Teredo, ISATAP) has the class of the address inside when that one is not global.
    package var addressClass: AddressClass {
        switch self {
        case .v4(let value): Self.classify(value)
        case .v6(let high, let low): Self.classify(high, low)
        }
    }

    // IANA IPv4 special-purpose registry; first match wins.
    private static let special: [(network: UInt32, bits: UInt32, kind: AddressClass)] = [
        (0x0000_0000, 8, .reserved),  // 0.0.0.0/8
        (0x0A00_0000, 8, .privateNetwork),  // 10/8
        (0x6440_0000, 10, .privateNetwork),  // 100.64/10 carrier-grade NAT
        (0x7F00_0000, 8, .loopback),  // 127/8
        (0xA9FE_0000, 16, .linkLocal),  // 169.254/16
        (0xAC10_0000, 12, .privateNetwork),  // 172.16/12
        (0xC000_0000, 24, .reserved),  // 192.0.0/24
        (0xC000_0200, 24, .reserved),  // 192.0.2/24 documentation
        (0xC058_6300, 24, .reserved),  // 192.88.99/24 6to4 relays
        (0xC0A8_0000, 16, .privateNetwork),  // 192.168/16
        (0xC612_0000, 15, .reserved),  // 198.18/15 benchmarking
        (0xC633_6400, 24, .reserved),  // 198.51.100/24 documentation
        (0xCB00_7100, 24, .reserved),  // 203.0.113/24 documentation
        (0xE000_0000, 4, .multicast),  // 224/4
        (0xF000_0000, 4, .reserved),  // 240/4 and broadcast
    ]

    private static func classify(_ value: UInt32) -> AddressClass {
        for entry in special where value >> (32 - entry.bits) == entry.network >> (32 - entry.bits) {
            return entry.kind
        }
        return .global
    }

    private static func classify(_ high: UInt64, _ low: UInt64) -> AddressClass {
        let embedded = UInt32(truncatingIfNeeded: low)
        if high == 0 {
            if low == 0 { return .reserved }
            if low == 1 { return .loopback }
            // Mapped and compatible forms are the IPv4 address; the rest of ::/64 is nobody's.
            if low >> 32 == 0xFFFF || low >> 32 == 0 { return classify(embedded) }
            return .reserved
        }
        switch high >> 48 {
        case 0xFE80...0xFEBF: return .linkLocal
        case 0xFEC0...0xFEFF: return .privateNetwork
        case 0xFC00...0xFDFF: return .privateNetwork
        case 0xFF00...0xFFFF: return .multicast
        case 0x2002: return inner(UInt32(truncatingIfNeeded: high >> 16))
        case 0x0064 where high == 0x0064_FF9B_0000_0000 && low >> 32 == 0: return inner(embedded)
        case 0x0064, 0x0100: return .reserved
        default: break
        }
        switch high >> 32 {
        case 0x2001_0000: return .reserved  // Teredo: the client's address is obfuscated inside; nothing to gain
        case 0x2001_0DB8: return .reserved  // documentation
        default: break
        }
        if high >> 36 == 0x200_1001 || high >> 36 == 0x200_1002 { return .reserved }  // ORCHID
        if high >> 44 == 0x3FFF0 { return .reserved }  // documentation 3fff::/20
        // ISATAP: …:0000:5efe:a.b.c.d or …:0200:5efe:a.b.c.d
        if low >> 32 == 0x0000_5EFE || low >> 32 == 0x0200_5EFE { return inner(embedded) }
        return high >> 61 == 1 ? .global : .reserved
    }

    private static func inner(_ value: UInt32) -> AddressClass { classify(value) }
}
