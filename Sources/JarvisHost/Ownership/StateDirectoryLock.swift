import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The one gateway of a state directory. Held from before the first write until the process ends.
package final class StateDirectoryLock: Sendable {
    private let lock: DirectoryLock
    private let stateDirectory: String

    private init(lock: DirectoryLock, stateDirectory: String) {
        self.lock = lock
        self.stateDirectory = stateDirectory
    }

    /// Takes the lock of `instance`. Makes the state directory (0700) when missing, and nothing else before the lock is
    /// held; then leaves an `OwnerNote`.
    ///
    /// - Parameter allowNetworkFileSystem: set when `JARVIS_ALLOW_NETWORK_STATE=1`: the owner promises that no other
    ///   host runs a gateway over this directory.
    /// - Throws: all exit 78: `instance.locked` (names profile, pid, age and configuration of the owner),
    ///   `instance.network_state`, `instance.lock_unsupported`, `instance.state_dir` (no directory, not ours, not
    ///   writable).
    package static func acquire(
        instance: Instance, allowNetworkFileSystem: Bool = false, clock: WallClock = .system
    ) throws(JarvisError) -> StateDirectoryLock {
        let state = instance.stateDirectory
        do {
            try DurableFile.createDirectory(state)
            try StateDirectory.checkOwner(state)
            let lock = try DirectoryLock.acquire(state, allowNetworkFileSystem: allowNetworkFileSystem)
            try StateDirectory.checkDirectory(HostPath.join(state, "run"))
            try OwnerNote(profile: instance.displayName, configPath: instance.configPath, clock: clock)
                .write(stateDirectory: state)
            return StateDirectoryLock(lock: lock, stateDirectory: state)
        } catch let failure as DirectoryLock.Failure {
            throw refusal(failure, instance: instance, clock: clock)
        } catch let error as JarvisError {
            throw error
        } catch {
            throw JarvisError(
                "instance.state_dir", "The state directory \(state) can't be used: \(error).",
                hint:
                    "Check that it is a directory, that it belongs to you and that its disk is writable and not full.",
                metadata: ["stateDirectory": state], exitCode: 78, cause: error)
        }
    }

    /// Whether a gateway holds the lock on this state directory. Creates nothing.
    package static func isHolderAlive(stateDirectory: String) -> Bool { DirectoryLock.isHeld(stateDirectory) }

    /// Takes the owner note away and gives the lock back. Later calls do nothing harmful.
    package func release() {
        if OwnerNote.read(stateDirectory: stateDirectory)?.pid == getpid() {
            unlink(HostPath.join(stateDirectory, "run/owner.json"))
        }
        lock.release()
    }

    private static func refusal(_ failure: DirectoryLock.Failure, instance: Instance, clock: WallClock) -> JarvisError {
        let state = instance.stateDirectory
        switch failure {
        case .held(let pid): return held(by: pid, instance: instance, clock: clock)
        case .networkFileSystem(let name):
            return JarvisError(
                "instance.network_state",
                "The state directory \(state) lies on a network file system (\(name)), where two hosts could"
                    + " both start a gateway over it.",
                hint: "Put it on a local disk, or set JARVIS_ALLOW_NETWORK_STATE=1 if no other host ever uses it (it"
                    + " must still be able to lock a directory).",
                metadata: ["stateDirectory": state, "fileSystem": name], exitCode: 78)
        case .unsupported(let number):
            return JarvisError(
                "instance.lock_unsupported",
                "The file system of \(state) can't lock a directory (\(SystemCallError.text(number))).",
                hint: "Put the state directory on a local disk.", metadata: ["stateDirectory": state], exitCode: 78)
        case .system(let error):
            return JarvisError(
                "instance.state_dir", "The state directory \(state) can't be used: \(error).",
                metadata: ["stateDirectory": state], exitCode: 78, cause: error)
        }
    }

    private static func held(by pid: Int32?, instance: Instance, clock: WallClock) -> JarvisError {
        var metadata = ["stateDirectory": instance.stateDirectory]
        var owner = "another gateway"
        var other: String?
        if let note = OwnerNote.read(stateDirectory: instance.stateDirectory), note.isWriterAlive,
            pid == nil || pid == note.pid
        {
            owner = "the gateway “\(note.profile)” (pid \(note.pid), for \(Age.text(clock.now() - note.since)))"
            metadata["profile"] = note.profile
            metadata["pid"] = String(note.pid)
            metadata["configPath"] = note.configPath
            if note.configPath != instance.configPath { other = note.configPath }
        } else if let pid {
            owner = "process \(pid), which is just starting"
            metadata["pid"] = String(pid)
        }
        let config = other.map {
            " It runs with another configuration file, \($0); this one is \(instance.configPath)."
        }
        return JarvisError(
            "instance.locked", "The state directory \(instance.stateDirectory) is in use by \(owner).\(config ?? "")",
            hint: "Look at it with: \(instance.command) status", metadata: metadata, exitCode: 78)
    }
}

/// Durations for people.
enum Age {
    /// `42 s`, `5 min`, `3 h`, `2 d`; a clock that went back counts as 0 s.
    static func text(_ milliseconds: EpochMilliseconds) -> String {
        let seconds = max(0, milliseconds / 1000)
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
