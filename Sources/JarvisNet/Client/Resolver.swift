import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How names become addresses; injected so that tests can answer.
package struct Resolver: Sendable {
    /// The addresses of `host` with `port`, in the order to try them. Runs on a thread that may block.
    package var resolve: @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

    /// A resolver that calls `resolve`.
    package init(resolve: @escaping @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]) {
        self.resolve = resolve
    }

    /// The operating system's.
    package static let system = Resolver { host, port in
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            let reason = gai_strerror(code).map { String(cString: $0) } ?? "error \(code)"
            throw HTTPClientError(.connect, "can't find the address of \(host): \(reason)")
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee {
            entry = info.ai_next
            guard let address = info.ai_addr else { continue }
            let raw = UnsafeRawPointer(address)
            if info.ai_family == AF_INET {
                addresses.append(SocketAddress(raw.loadUnaligned(as: sockaddr_in.self), host: host))
            } else if info.ai_family == AF_INET6 {
                addresses.append(SocketAddress(raw.loadUnaligned(as: sockaddr_in6.self), host: host))
            }
        }
        return addresses
    }
}
