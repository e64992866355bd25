#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Tells a service manager how this process is doing (the sd_notify protocol: one datagram, `NAME=value` lines).
///
/// Without `NOTIFY_SOCKET` every call does nothing. A datagram never blocks and a failure is never fatal: a service
/// manager that does not listen must not stop a gateway.
package struct ServiceNotifier: Sendable {
    private let address: String?

    /// How often the service manager wants a sign of life at most (`WATCHDOG_USEC`); send `watchdog` at half of it.
    /// Nil when it wants none or asks another process (`WATCHDOG_PID`).
    package let watchdogInterval: Duration?

    /// Whether a service manager listens.
    package var isEnabled: Bool { address != nil }

    /// A notifier for the variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` of `environment`. An address
    /// starts with `/` or, in the abstract name space of Linux, with `@`; every other one is ignored.
    package init(environment: [String: String], pid: Int32 = getpid()) {
        address = environment["NOTIFY_SOCKET"].flatMap { text in
            text.utf8.count > 1 && (text.hasPrefix("/") || text.hasPrefix("@")) ? text : nil
        }
        let isMeant = environment["WATCHDOG_PID"].map { $0 == String(pid) } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdogInterval = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// The service is up: it answers requests. `status` is one line for people.
    @discardableResult
    package func ready(status: String? = nil) -> Bool { send(["READY=1"] + Self.line(status)) }

    /// The service begins to shut down.
    @discardableResult
    package func stopping(status: String? = nil) -> Bool { send(["STOPPING=1"] + Self.line(status)) }

    /// The service reloads its configuration; `ready` follows.
    @discardableResult
    package func reloading() -> Bool {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        return send(["RELOADING=1", "MONOTONIC_USEC=\(microseconds)"])
    }

    /// One line for people.
    @discardableResult
    package func status(_ text: String) -> Bool { send(Self.line(text)) }

    /// A sign of life. Send it from the loop that serves requests, so that a stuck loop is silent.
    @discardableResult
    package func watchdog() -> Bool { send(["WATCHDOG=1"]) }

    private static func line(_ status: String?) -> [String] {
        guard let status else { return [] }
        // A line break would start another assignment.
        return ["STATUS=" + String(status.map { $0.isNewline ? " " : $0 })]
    }

    private func send(_ lines: [String]) -> Bool {
        guard let address else { return false }
        var name = Array(address.utf8)
        var target = sockaddr_un()
        target.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: target.sun_path)
        let isAbstract = name[0] == UInt8(ascii: "@")
        guard name.count < capacity else { return false }
        if isAbstract { name[0] = 0 } else { name.append(0) }
        withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: name) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size - capacity + name.count)

        #if os(Linux)
            let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        #else
            let descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
            let flags = MSG_DONTWAIT
        #endif
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let message = Array(lines.joined(separator: "\n").utf8)
        let sent = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, message, message.count, flags, $0, length)
            }
        }
        return sent == message.count
    }
}
