#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a path really is: symbolic links, bind mounts and different spellings of one place have one identity.
///
/// A part that exists counts by device and inode, a part that does not by its name below the last part that does.
package struct PathIdentity: Sendable, Hashable {
    /// The path without symbolic links, as far as it exists.
    package let canonical: String
    /// One key for the place itself.
    package let key: String
    /// The keys of the place and of every directory above it, innermost first.
    package let lineage: [String]

    /// Looks at the disk; creates nothing.
    package init(of path: String) {
        canonical = HostPath.canonical(path)
        var lineage: [String] = []
        var place = canonical
        var missing: [String] = []
        while true {
            if let existing = Self.existing(place) {
                let name = missing.reversed().joined(separator: "/")
                if !missing.isEmpty { lineage.append("\(existing)/\(name)") } else { lineage.append(existing) }
                if missing.isEmpty {
                    guard place != "/" else { break }
                    place = HostPath.normalize(place + "/..")
                } else {
                    missing.removeFirst()
                }
            } else {
                guard place != "/" else { break }
                missing.append(HostPath.lastComponent(place))
                place = HostPath.normalize(place + "/..")
            }
        }
        self.lineage = lineage
        key = lineage.first ?? canonical
    }

    /// Whether the place is `other` or lies inside it.
    package func isInside(_ other: PathIdentity) -> Bool { lineage.contains(other.key) }

    private static func existing(_ path: String) -> String? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return "\(status.st_dev):\(status.st_ino)"
    }
}
