import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which base port a new instance is offered.
package enum PortPlan {
    /// The default instance's base.
    package static let defaultBase = 18_789
    /// The base of profile `dev`.
    package static let devBase = 19_001
    /// The base first offered to profile `rescue`.
    package static let rescueBase = 19_789
    /// How far apart the blocks of offered bases lie: more than the 111 ports of a span.
    package static let blockSize = 120
    /// The first hashed block, above the spans of the three bases with names.
    package static let firstBlock = 19_920
    /// Where the kernel's range for outgoing connections begins by default on Linux.
    package static let usualEphemeralStart = 32_768

    /// The base that a profile is offered when nothing is in its way: stable for the name.
    package static func firstGuess(_ profile: ProfileName?, ephemeralStart: Int = usualEphemeralStart) -> Int {
        switch profile?.text {
        case nil: return defaultBase
        case "dev": return devBase
        case "rescue": return rescueBase
        case let name?:
            return firstBlock + blockSize * Int(StableHash.fnv1a(name) % UInt64(blockCount(below: ephemeralStart)))
        }
    }

    /// The first base from `firstGuess` on that is at least a block away from every base in `taken` and on which
    /// `isFree` says yes for base and browser control port. Nil when no block is left.
    ///
    /// The default instance and `dev` also go through it, so a first free block may be another than their usual one.
    package static func propose(
        for profile: ProfileName?, taken: [Int], ephemeralStart: Int = usualEphemeralStart,
        isFree: (Int) -> Bool = { _ in true }
    ) -> Int? {
        let count = blockCount(below: ephemeralStart)
        let start = Int(StableHash.fnv1a(profile?.text ?? "default") % UInt64(count))
        let blocks = (0..<count).map { firstBlock + blockSize * ((start + $0) % count) }
        return ([firstGuess(profile, ephemeralStart: ephemeralStart)] + blocks).first { base in
            taken.allSatisfy { abs($0 - base) >= blockSize } && isFree(base) && isFree(base + 2)
        }
    }

    /// Where the kernel's range for outgoing connections begins; `usualEphemeralStart` when the system does not say.
    package static func ephemeralStart(file: String = "/proc/sys/net/ipv4/ip_local_port_range") -> Int {
        let bytes = try? DurableFile.read(file, limit: 4096)  // not readable off Linux; then the usual value stands
        guard let bytes,
            let first = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace).first,
            let start = Int(first)
        else { return usualEphemeralStart }
        return start
    }

    /// Whether nothing listens on `port` of this host's loopback or wildcard addresses, IPv4 and IPv6. Opens and closes
    /// sockets; sends nothing.
    package static func isFree(_ port: Int) -> Bool {
        guard let port = in_port_t(exactly: port) else { return false }
        var four = sockaddr_in()
        four.sin_family = sa_family_t(AF_INET)
        four.sin_port = port.bigEndian
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        return canBind(AF_INET, four) && canBind(AF_INET6, six)
    }

    /// A range that begins too low to leave room below it is ignored: then no choice is safe from it.
    private static func blockCount(below ephemeralStart: Int) -> Int {
        let end = ephemeralStart > firstBlock + blockSize * 2 ? min(ephemeralStart, 65_536) : usualEphemeralStart
        return (end - 111 - firstBlock) / blockSize + 1
    }

    private static func canBind<Address>(_ family: Int32, _ address: Address) -> Bool {
        #if os(Linux)
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        #else
            let descriptor = socket(family, SOCK_STREAM, 0)
        #endif
        // A host without this family has no listener in it.
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        if family == AF_INET6 { setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, size) }
        var address = address
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        return result == 0 || errno != EADDRINUSE
    }
}
