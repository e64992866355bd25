#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The addresses of this host's interfaces.
package enum LocalAddresses {
    /// Every IPv4 address, in the order of the interfaces.
    package static func ipv4() -> [String] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: [String] = []
        var next = list
        while let interface = next {
            next = interface.pointee.ifa_next
            guard let address = interface.pointee.ifa_addr, Int32(address.pointee.sa_family) == AF_INET else {
                continue
            }
            let host = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt32(bigEndian: $0.pointee.sin_addr.s_addr)
            }
            addresses.append([24, 16, 8, 0].map { String(host >> $0 & 0xFF) }.joined(separator: "."))
        }
        return addresses
    }

    /// The host's address in a tailnet (100.64.0.0/10); nil when it is in none.
    package static func tailnet() -> String? {
        ipv4().first { address in
            let parts = address.split(separator: ".").compactMap { Int($0) }
            return parts.count == 4 && parts[0] == 100 && (64...127).contains(parts[1])
        }
    }
}
