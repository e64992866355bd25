/// A host with an optional port, as in a `Host` header, an `Origin` or a URL, by a strict grammar: an IP literal in its
/// canonical spelling (IPv6 in brackets) or a DNS name of letters, digits, `-` and `_`. Everything that two parsers
/// could read differently (NUL, `\`, `@`, `%`, a trailing dot, a number that a resolver takes for an address) is
/// refused.
package struct HTTPAuthority: Sendable, Hashable {
    /// The host in lower case; an IPv6 literal without its brackets.
    package var host: String
    /// The port when one was written.
    package var port: Int?

    /// The authority that `text` spells (`name`, `name:port`, `[v6]:port`), or nil.
    package init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        var hostBytes: ArraySlice<UInt8>
        var portBytes: ArraySlice<UInt8>?
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            hostBytes = bytes[1..<close]
            let rest = bytes[(close + 1)...]
            if !rest.isEmpty {
                guard rest.first == UInt8(ascii: ":") else { return nil }
                portBytes = rest.dropFirst()
            }
            guard case .v6? = IPAddress(String(decoding: hostBytes, as: UTF8.self)) else { return nil }
        } else {
            let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.count <= 2, let first = parts.first else { return nil }
            hostBytes = first
            portBytes = parts.count == 2 ? parts[1] : nil
            guard Self.isName(hostBytes) else { return nil }
        }
        if let portBytes {
            guard (1...5).contains(portBytes.count), portBytes.allSatisfy({ $0 >= 48 && $0 <= 57 }),
                let value = Int(String(decoding: portBytes, as: UTF8.self)), (1...65535).contains(value)
            else { return nil }
            port = value
        }
        host = String(decoding: hostBytes, as: UTF8.self).lowercased()
    }

    /// The address when the host is a literal.
    package var address: IPAddress? { IPAddress(host) }

    /// Whether the host names this machine's loopback: an address in 127.0.0.0/8, `::1`, or exactly `localhost`.
    package var isLoopback: Bool { host == "localhost" || (address?.isLoopback ?? false) }

    /// `host`, with the brackets an IPv6 literal needs in a URL.
    package var bracketedHost: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }

    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        for label in labels {
            guard (1...63).contains(label.count), label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-"),
                label.allSatisfy(isNameByte)
            else { return false }
        }
        // A name whose last label is a number would be read as an IPv4 address by some resolver.
        guard let last = labels.last else { return false }
        let numeric =
            last.allSatisfy { $0 >= 48 && $0 <= 57 }
            || (last.count >= 2 && last.first == 48 && last[last.startIndex + 1] | 0x20 == UInt8(ascii: "x")
                && last.dropFirst(2).allSatisfy { HexDigit.value($0) != nil })
        return !numeric || IPAddress(String(decoding: bytes, as: UTF8.self)) != nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
