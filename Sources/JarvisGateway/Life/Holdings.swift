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
            let configured = snapshot.config.agents.defaults.workspace
            let workspace = configured.map(instance.expand) ?? instance.defaultWorkspace
            var claim = StartClaim(
                instance: instance, identity: try InstanceIdentity.load(stateDirectory: instance.stateDirectory),
                base: port, workspaces: [workspace])
            let leases = try leaseStore(launch)
            // Without an identity there is nothing to claim with yet, and it is not made before the start is allowed.
            if claim.identity == nil { try leases.checkStart(claim, environment: launch.environment) }
            var notes: [String] = []
            func take() throws {
                notes = try leases.claimStart(
                    claim, reserved: snapshot.config.gateway.port, environment: launch.environment)
            }
            if claim.identity != nil { try take() }
            try StateDirectory.prepare(instance.paths)
            let identity = try InstanceIdentity.loadOrCreate(
                stateDirectory: instance.stateDirectory, displayName: instance.displayName, clock: launch.clock)
            if claim.identity == nil {
                claim.identity = identity
                try take()
            }
            for note in notes { launch.logger.notice("ports beside a sibling", metadata: ["note": "\(note)"]) }
            DurableFile.sweep(instance.stateDirectory)
            let holdings = Holdings(identity: identity, lock: lock, launch: launch)
            try holdings.hold(workspace: workspace)
            return holdings
        } catch {
            lock.release()
            throw error
        }
    }

    /// The lease table of this user, which tells the log what the owner should know.
    static func leaseStore(_ launch: GatewayLaunch) throws -> LeaseStore {
        var leases = try LeaseStore(environment: launch.environment)
        let logger = launch.logger
        leases.note = { logger.warning("lease table", metadata: ["note": "\($0)"]) }
        return leases
    }

    /// Makes a change that writes this base port into the configuration, with the port set aside.
    ///
    /// - Throws: `port.sibling`, `port.range`; what `change` throws; as `LeaseStore.transact`.
    static func changePort(
        _ port: Int, launch: GatewayLaunch, _ change: () throws -> ConfigWriteResult
    ) throws -> ConfigWriteResult {
        let siblings = try InstanceScanner.siblings(
            of: launch.instance, environment: launch.environment,
            configuredPort: {
                ConfigLoader.load(path: $0, stateDirectory: nil, environment: launch.environment.variables)
                    .config.gateway.port
            })
        return try leaseStore(launch).changeBase(
            to: port, for: PortReservation(instance: launch.instance, siblings: siblings), change)
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
            let lock = try WorkspaceLock.acquire(
                workspace: workspace, instance: launch.instance, siblings: Self.siblings(launch))
            workspaces.updateValue(lock, forKey: canonical)
        }
    }

    /// For a name in a message: nobody when they can't be found.
    private static func siblings(_ launch: GatewayLaunch) -> [SiblingInstance] {
        let found = try? InstanceScanner.siblings(of: launch.instance, environment: launch.environment)  // see above
        return found ?? []
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
