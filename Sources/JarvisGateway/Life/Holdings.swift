import JarvisConfig
import JarvisCore
import JarvisHost
import Synchronization

/// What this process holds of the host while it runs: the state directory and the workspaces.
final class Holdings: Sendable {
    let identity: InstanceIdentity
    private let lock: StateDirectoryLock
    private let launch: GatewayLaunch
    /// By canonical path; nil where the file system can't lock.
    private let workspaces = Mutex<[String: WorkspaceLock?]>([:])

    private init(identity: InstanceIdentity, lock: StateDirectoryLock, launch: GatewayLaunch) {
        self.identity = identity
        self.lock = lock
        self.launch = launch
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
            let holdings = Holdings(identity: identity, lock: lock, launch: launch)
            try holdings.hold(workspace: workspace)
            return holdings
        } catch {
            lock.release()
            throw error
        }
    }

    /// Makes `workspace` and takes it, where that has not happened yet; until the end, also when the configuration
    /// names another one later. Blocks.
    ///
    /// - Throws: `workspace.locked`, `workspace.unusable`, `SystemCallError`.
    func hold(workspace: String) throws {
        let environment = launch.environment
        try DurableFile.createDirectory(workspace)
        let canonical = environment.canonicalize(workspace)
        // Somebody who works in the state directory itself holds it already.
        if canonical == launch.instance.canonicalStateDirectory { return }
        try workspaces.withLock { workspaces in
            guard workspaces[canonical] == nil else { return }
            let siblings = try InstanceScanner.siblings(of: launch.instance, environment: environment)
            let lock = try WorkspaceLock.acquire(
                workspace: workspace, instance: launch.instance, siblings: siblings)
            workspaces.updateValue(lock, forKey: canonical)
        }
    }

    /// Gives everything back.
    func release() {
        workspaces.withLock { workspaces in
            for workspace in workspaces.values { workspace?.release() }
            workspaces = [:]
        }
        lock.release()
    }
}
