import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Which process listens on a port, as far as the system tells this user.
package struct PortHolder: Sendable, Hashable, CustomStringConvertible {
    /// The process.
    package var pid: Int32
    /// Its command name.
    package var command: String

    /// `nc (pid 4242)`.
    package var description: String { "\(command) (pid \(pid))" }

    /// Looks the listener up in `/proc`: nil for another user's process, and off Linux. Blocks for some milliseconds;
    /// for error messages only.
    package static func find(port: Int) -> PortHolder? {
        let inodes = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { listeningInodes(table: $0, port: port) }
        guard !inodes.isEmpty else { return nil }
        let wanted = Set(inodes.map { "socket:[\($0)]" })
        for pid in names(in: "/proc").compactMap(Int32.init) {
            for descriptor in names(in: "/proc/\(pid)/fd") {
                guard let target = link("/proc/\(pid)/fd/\(descriptor)"), wanted.contains(target) else { continue }
                return PortHolder(pid: pid, command: ProcessInfoReader().read(pid: pid)?.command ?? "a process")
            }
        }
        return nil
    }

    private static func listeningInodes(table: String, port: Int) -> [String] {
        let bytes = try? DurableFile.read(table)  // absent off Linux and without IPv6
        let hex = String(port, radix: 16, uppercase: true)
        let suffix = ":" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
        return String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count > 9, fields[1].hasSuffix(suffix), fields[3] == "0A" else { return nil }
            return String(fields[9])
        }
    }

    private static func names(in directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    private static func link(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
    }
}
