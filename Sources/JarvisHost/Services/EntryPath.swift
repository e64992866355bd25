import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The path by which this program stays reachable: the name that it was called by (`/usr/local/bin/jarvis`), also when
/// that is a link to the file of one version, so that an upgrade changes no service.
package struct EntryPath: Sendable, Hashable {
    /// Absolute.
    package let path: String
    /// Why it may not last: it lies in a build or temporary directory; nil when nothing speaks against it.
    package let doubt: String?

    /// The entry path of this process, whose first argument is `name`.
    ///
    /// - Throws: `service.executable` when the program's own file can't be found.
    package static func current(name: String, environment: HostEnvironment) throws(JarvisError) -> EntryPath {
        guard let own = ownFile() else {
            throw JarvisError("service.executable", "The file of this program can't be found.")
        }
        return find(name: name, own: own, environment: environment)
    }

    /// The candidate among the spellings of `name` that leads to the file `own`; `own` when none does.
    static func find(name: String, own: String, environment: HostEnvironment) -> EntryPath {
        var candidates: [String] = []
        if name.hasPrefix("/") {
            candidates = [HostPath.normalize(name)]
        } else if name.contains("/") {
            candidates = [HostPath.normalize(HostPath.join(environment.currentDirectory, name))]
        } else if !name.isEmpty {
            candidates = (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasPrefix("/") }
                .map { HostPath.join(String($0), name) }
        }
        let canonical = environment.canonicalize(own)
        let path = candidates.first { environment.canonicalize($0) == canonical } ?? own
        return EntryPath(path: path, doubt: doubt(path))
    }

    private static func doubt(_ path: String) -> String? {
        if path.contains("/.build/") { return "it lies in a build directory; the next build replaces it" }
        for place in ["/tmp/", "/var/tmp/", "/dev/shm/"] where path.hasPrefix(place) {
            return "it lies in \(place.dropLast()), which is emptied at boot"
        }
        return nil
    }

    private static func ownFile() -> String? {
        #if os(Linux)
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = readlink("/proc/self/exe", &buffer, buffer.count)
            guard count > 0 else { return nil }
            var path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if path.hasSuffix(" (deleted)") { path.removeLast(" (deleted)".count) }
            return path
        #else
            var size = UInt32(4096)
            var buffer = [CChar](repeating: 0, count: Int(size))
            guard _NSGetExecutablePath(&buffer, &size) == 0 else { return nil }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #endif
    }
}
