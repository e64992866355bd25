import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where an instance keeps for a week what its gateway put aside of its own: `<state>/trash/<name>-<time>`. Names in it
/// tell when they came. All calls block.
package struct InstanceTrash: Sendable {
    /// The trash itself.
    package let directory: String
    private let clock: WallClock

    /// The trash of an instance. Nothing is created.
    package init(_ paths: InstancePaths, clock: WallClock = .system) {
        directory = HostPath.join(paths.state, "trash")
        self.clock = clock
    }

    /// Moves `path` here by one rename.
    ///
    /// - Returns: its new place; nil when there was nothing.
    /// - Throws: `SystemCallError`; `EXDEV` for a path on another disk. Then it is where it was.
    package func put(_ path: String, as name: String) throws -> String? {
        guard DurableFile.exists(path) else { return nil }
        try DurableFile.createDirectory(directory)
        let stamp = WallClock.iso8601(clock.now()).filter { $0.isNumber }.prefix(14)
        var number = 0
        while true {
            let place = HostPath.join(directory, "\(name)-\(stamp)\(number == 0 ? "" : "-\(number)")")
            do {
                try DurableFile.publish(path, as: place)
                return place
            } catch let error as SystemCallError
                where (error.errorNumber == EEXIST || error.errorNumber == ENOTEMPTY) && number < 1000
            {
                number += 1
            }
        }
    }

    /// Deletes what came more than 7 days ago. A clock that went back deletes nothing. Failures are ignored: the next
    /// sweep tries again.
    package func sweep() {
        let names = try? FileTree.names(in: directory)  // no trash: nothing to do
        let oldest = String(WallClock.iso8601(clock.now() - Trash.keptMs).filter { $0.isNumber }.prefix(14))
        for name in names ?? [] {
            guard let stamp = name.split(separator: "-").last(where: { $0.count == 14 && $0.allSatisfy(\.isNumber) }),
                String(stamp) < oldest
            else { continue }
            try? FileTree.remove(HostPath.join(directory, name))  // see above
        }
    }
}
