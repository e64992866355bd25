import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension LeaseTable {
    /// Passes when no other directory that is still there carries `instanceId`. One that does is the original, and
    /// `instance` a copy of it; where the other is gone, the directory was moved.
    ///
    /// - Throws: `instance.cloned` with both directories and the commands that make the copy a gateway of its own.
    package func refuseCopy(_ instance: Instance, instanceId: String, exitCode: Int32) throws(JarvisError) {
        let mine = instance.canonicalStateDirectory
        for other in instances where other.instanceId == instanceId && other.stateDirectory != mine {
            guard other.holder.isStillThere, !Self.isSameDirectory(other.stateDirectory, mine) else { continue }
            let free = PortReservation(instance: instance, siblings: []).propose(self)
            throw JarvisError(
                "instance.cloned",
                "The state directory \(instance.stateDirectory) of the gateway “\(instance.displayName)” is a copy of the"
                    + " gateway \(other.title): both carry the instance id \(instanceId), and the original is still there.",
                hint: "To make the copy a gateway of its own: rm \(Instance.quoted(instance.paths.identityFile)) &&"
                    + " \(instance.command) setup\(free.map { " --port \($0)" } ?? "")",
                metadata: [
                    "instanceId": instanceId, "original": other.stateDirectory, "copy": instance.stateDirectory,
                ], exitCode: exitCode)
        }
    }

    /// Whether two names lead to one directory that no path can tell apart, such as bind mounts.
    static func isSameDirectory(_ left: String, _ right: String) -> Bool {
        var mine = stat()
        var theirs = stat()
        guard stat(left, &mine) == 0, stat(right, &theirs) == 0 else { return false }
        return mine.st_dev == theirs.st_dev && mine.st_ino == theirs.st_ino
    }
}
