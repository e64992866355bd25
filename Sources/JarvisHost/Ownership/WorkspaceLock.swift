import JarvisCore

/// One workspace belongs to one state directory: two gateways that write into one workspace undo each other's work.
package final class WorkspaceLock: Sendable {
    private let lock: DirectoryLock

    private init(lock: DirectoryLock) { self.lock = lock }

    /// Takes the lock on `workspace`, which exists. The lock leaves no file there.
    ///
    /// A file system that can't lock is no reason to refuse here: the state directory's own lock already stands.
    ///
    /// - Parameter siblings: the other state directories of this host, asked for only to name the owner.
    /// - Throws: `workspace.locked`, exit 78, naming the owner as far as the kernel tells; `workspace.unusable`, exit
    /// 78.
    package static func acquire(
        workspace: String, instance: Instance, siblings: @autoclosure () -> [SiblingInstance] = []
    ) throws(JarvisError) -> WorkspaceLock? {
        do throws(DirectoryLock.Failure) {
            return WorkspaceLock(lock: try DirectoryLock.acquire(workspace))
        } catch {
            switch error {
            case .networkFileSystem, .unsupported: return nil
            case .system(let cause):
                throw JarvisError(
                    "workspace.unusable", "The workspace \(workspace) can't be opened: \(cause).", exitCode: 78,
                    cause: cause)
            case .held(let pid):
                let owner = siblings().first { sibling in
                    pid != nil && OwnerNote.read(stateDirectory: sibling.stateDirectory)?.pid == pid
                }
                let name = owner.map { "the gateway “\($0.displayName)” (\($0.stateDirectory))" } ?? "another gateway"
                throw JarvisError(
                    "workspace.locked",
                    "The workspace \(workspace) is in use by \(name)\(pid.map { ", pid \($0)" } ?? "").",
                    hint: "Give each gateway its own agents.defaults.workspace; the default of this one is"
                        + " \(instance.defaultWorkspace).",
                    metadata: ["workspace": workspace], exitCode: 78)
            }
        }
    }

    /// Gives the lock back.
    package func release() { lock.release() }
}
