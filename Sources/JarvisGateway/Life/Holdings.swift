import JarvisConfig
import JarvisCore
import JarvisHost

/// What this process holds of the host while it runs: the state directory and the workspaces.
final class Holdings: Sendable {
    let identity: InstanceIdentity
    private let lock: StateDirectoryLock
    private let workspaces: [WorkspaceLock]

    private init(identity: InstanceIdentity, lock: StateDirectoryLock, workspaces: [WorkspaceLock]) {
        self.identity = identity
        self.lock = lock
        self.workspaces = workspaces
    }

    /// Takes the locks, before the first write, then makes what is missing. Blocks.
    ///
    /// - Parameter port: the base port; 0 when the system chooses one.
    /// - Throws: `instance.locked`, `workspace.locked`, `gateway.port_too_close` and their kin; exit 78, nothing
    ///   changed.
    static func acquire(launch: GatewayLaunch, snapshot: ConfigSnapshot, port: Int) throws -> Holdings {
        let instance = launch.instance
        let lock = try StateDirectoryLock.acquire(
            instance: instance,
            allowNetworkFileSystem: launch.environment["JARVIS_ALLOW_NETWORK_STATE"] == "1")
        do {
            let siblings = try InstanceScanner.siblings(of: instance, environment: launch.environment)
            if port != 0 {
                try SiblingConflict.check(
                    port: port, instance: instance, siblings: siblings, environment: launch.environment)
            }
            try StateDirectory.prepare(instance.paths)
            let identity = try InstanceIdentity.loadOrCreate(
                stateDirectory: instance.stateDirectory, displayName: instance.displayName, clock: launch.clock)
            DurableFile.sweep(instance.stateDirectory)
            let workspace = snapshot.config.agents.defaults.workspace.map(instance.expand) ?? instance.defaultWorkspace
            try DurableFile.createDirectory(workspace)
            let held = try WorkspaceLock.acquire(workspace: workspace, instance: instance, siblings: siblings)
            return Holdings(identity: identity, lock: lock, workspaces: [held].compactMap { $0 })
        } catch {
            lock.release()
            throw error
        }
    }

    /// Gives everything back.
    func release() {
        for workspace in workspaces { workspace.release() }
        lock.release()
    }
}
