#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Arithmetic on absolute paths.
package enum HostPath {
    /// `/a//b/./c/../d/` → `/a/b/d`; `..` above the root stays the root. Symbolic links are not looked at.
    package static func normalize(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// `name` inside `directory`, with one slash between them.
    package static func join(_ directory: String, _ name: String) -> String {
        directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
    }

    /// The last component; empty for the root.
    package static func lastComponent(_ path: String) -> String { String(path.split(separator: "/").last ?? "") }

    /// `path` with the symbolic links of its longest existing part resolved, so that two spellings of one place
    /// compare equal. Reads only.
    package static func canonical(_ path: String) -> String {
        var existing = normalize(path)
        var rest: [String] = []
        while true {
            if let pointer = realpath(existing, nil) {
                defer { free(pointer) }
                return rest.reversed().reduce(String(cString: pointer)) { join($0, $1) }
            }
            guard existing != "/" else { return normalize(path) }
            rest.append(lastComponent(existing))
            existing = normalize(existing + "/..")
        }
    }
}
