#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The names in a directory.
package enum DirectoryNames {
    /// All but `.` and `..`, in the order in which the directory keeps them, which is none; at most `limit`.
    ///
    /// - Throws: `SystemCallError` when the directory can't be opened.
    package static func read(_ directory: String, limit: Int = .max) throws(SystemCallError) -> [String] {
        guard let handle = opendir(directory) else {
            throw SystemCallError(call: "opendir", errorNumber: errno, subject: directory)
        }
        defer { closedir(handle) }
        var names: [String] = []
        while names.count < limit, let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The same; none when the directory can't be read.
    package static func list(_ directory: String, limit: Int = .max) -> [String] {
        (try? read(directory, limit: limit)) ?? []  // as the name says
    }
}
