import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A state directory while it is being made: `~/.jarvis-<name>.staging-<random>`, beside its final place, with a name
/// that no profile can have. Published by one rename; until then there is no new instance, afterwards a whole one.
///
/// Its maker holds the lock of the directory. Where nobody holds it the maker is dead, and `sweep` takes the rest away.
package final class InstanceStaging {
    /// Where to write.
    package let directory: String
    /// Where it is published to.
    package let destination: String
    private let lock: DirectoryLock

    private init(directory: String, destination: String, lock: DirectoryLock) {
        self.directory = directory
        self.destination = destination
        self.lock = lock
    }

    /// Begins a state directory for `instance`, whose own must not exist.
    ///
    /// - Throws: `profile.exists`, exit 2; `profile.write` when the disk refuses.
    package static func begin(for instance: Instance) throws(JarvisError) -> InstanceStaging {
        if DurableFile.exists(instance.stateDirectory) { throw exists(instance) }
        sweep(DurableFile.parent(of: instance.stateDirectory))
        do {
            // A sweep of another process may be quicker than the lock: then another name.
            for _ in 0..<8 {
                let directory = "\(instance.stateDirectory)\(mark)\(Identifiers.randomHex(bytes: 6))"
                try DurableFile.createDirectory(directory)
                if let lock = try lockFresh(directory) {
                    return InstanceStaging(
                        directory: directory, destination: instance.stateDirectory, lock: lock)
                }
            }
        } catch {
            throw failure(error, instance.stateDirectory)
        }
        throw failure(SystemCallError(call: "mkdir", errorNumber: EEXIST), instance.stateDirectory)
    }

    /// The lock of a directory that was just made; nil when a sweep has it, or has taken the directory away.
    private static func lockFresh(_ directory: String) throws(DirectoryLock.Failure) -> DirectoryLock? {
        do throws(DirectoryLock.Failure) {
            return try DirectoryLock.acquire(directory, allowNetworkFileSystem: true)
        } catch {
            switch error {
            case .held: return nil
            case .system(let cause) where cause.errorNumber == ENOENT: return nil
            default: throw error
            }
        }
    }

    /// A path of the finished instance as a path of this directory; paths elsewhere stay.
    package func staged(_ path: String) -> String {
        guard let relative = HostPath.relative(path, to: destination) else {
            return HostPath.normalize(path) == destination ? directory : path
        }
        return HostPath.join(directory, relative)
    }

    /// The instance as it lies here, for looking at it before it is published.
    package func instance(of finished: Instance) -> Instance {
        Instance(
            profile: finished.profile, home: finished.home, stateDirectory: directory,
            canonicalStateDirectory: HostPath.canonical(directory), configPath: staged(finished.configPath),
            paths: InstancePaths(
                state: directory, canonicalState: finished.canonicalStateDirectory,
                socketFallbackDirectory: DurableFile.parent(of: finished.paths.controlSocket)),
            provenance: finished.provenance, portVariable: nil, inheritedPortVariable: nil)
    }

    /// Makes everything durable and gives the directory its name. From here on the instance exists.
    ///
    /// - Throws: `profile.exists` when somebody was quicker, `profile.write`; then nothing was published.
    package func publish(_ instance: Instance) throws(JarvisError) {
        do {
            for entry in try FileTree.entries(of: directory) where entry.kind == .directory {
                try DurableFile.syncDirectory(HostPath.join(directory, entry.path))
            }
            try DurableFile.syncDirectory(directory)
            try DurableFile.publish(directory, as: destination)
            lock.release()
        } catch let error as SystemCallError where error.errorNumber == EEXIST {
            throw Self.exists(instance)
        } catch {
            throw Self.failure(error, destination)
        }
    }

    /// Gives the state directory of `before` the name of `after` by one rename. The caller holds its lock.
    ///
    /// - Throws: `profile.exists`, exit 2; `profile.write`.
    package static func rename(_ before: Instance, to after: Instance) throws(JarvisError) {
        do {
            try DurableFile.publish(before.stateDirectory, as: after.stateDirectory)
        } catch let error as SystemCallError where error.errorNumber == EEXIST {
            throw exists(after)
        } catch {
            throw failure(error, after.stateDirectory)
        }
    }

    /// Takes the unfinished directory away.
    package func discard() {
        try? FileTree.remove(directory)  // what stays is swept later
        lock.release()
    }

    /// Removes the directories in `parent` whose makers are dead. Failures are ignored: the next sweep tries again.
    package static func sweep(_ parent: String) {
        let names = try? FileTree.names(in: parent)  // unreadable: nothing to sweep
        for name in names ?? [] where isStaging(name) {
            let path = HostPath.join(parent, name)
            let lock = try? DirectoryLock.acquire(path, allowNetworkFileSystem: true, patience: 0)  // its maker lives
            guard let lock else { continue }
            try? FileTree.remove(path)  // see above
            lock.release()
        }
    }

    /// Whether `path` is a state directory that is not published yet, or on its way out.
    package static func isStaging(_ path: String) -> Bool {
        let name = HostPath.lastComponent(path)
        return name.hasPrefix(".jarvis") && (name.contains(mark) || name.contains(removing))
    }

    /// What stands between the final name and the random part.
    package static let mark = ".staging-"
    /// The same for a state directory whose verified copy lies in the trash.
    package static let removing = ".removing-"

    /// The error for a name that is taken.
    package static func exists(_ instance: Instance) -> JarvisError {
        JarvisError(
            "profile.exists",
            "There is something at \(instance.stateDirectory) already: “\(instance.displayName)” is taken.",
            hint: "Choose another name, or look at it with: \(instance.command) which",
            metadata: ["profile": instance.displayName, "stateDirectory": instance.stateDirectory], exitCode: 2)
    }

    static func failure(_ error: any Error, _ path: String) -> JarvisError {
        if let error = error as? JarvisError { return error }
        return JarvisError(
            "profile.write", "\(path) can't be written: \(error).",
            hint: "Check owner, free space and mount options of \(DurableFile.parent(of: path)).",
            metadata: ["path": path], cause: error)
    }
}
