import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a gateway that starts wants for itself.
package struct StartClaim: Sendable {
    /// Which gateway.
    package var instance: Instance
    /// Its identity; nil when it has none yet.
    package var identity: InstanceIdentity?
    /// The base port it will listen on; 0 when the system chooses one, which claims no port.
    package var base: Int
    /// The configuration file without symbolic links.
    package var configPath: String
    /// The workspaces without symbolic links.
    package var workspaces: [String]

    /// A claim. Paths are freed from symbolic links here.
    package init(
        instance: Instance, identity: InstanceIdentity?, base: Int, configPath: String? = nil, workspaces: [String]
    ) {
        self.instance = instance
        self.identity = identity
        self.base = base
        self.configPath = HostPath.canonical(configPath ?? instance.configPath)
        self.workspaces = workspaces.map(HostPath.canonical)
    }

    /// Passes when nobody who lives has what this start wants; returns what the owner should know. Who does not run is
    /// no obstacle: a port that is only written down must not stop a gateway.
    ///
    /// Asks the kernel only about instances whose record touches the claim.
    ///
    /// - Throws: all exit 78, naming both owners: `instance.cloned`, `config.shared`, `workspace.locked`,
    ///   `gateway.port_in_use`, `gateway.port_too_close`; `port.range`, exit 2.
    package func check(_ table: LeaseTable) throws(JarvisError) -> [String] {
        var notes: [String] = []
        let span = base == 0 ? nil : try PortSpan(base: base)
        if let identity { try table.refuseCopy(instance, instanceId: identity.instanceId, exitCode: 78) }
        for other in table.instances where other.stateDirectory != instance.canonicalStateDirectory {
            let spacing = other.liveBase.flatMap { live in live == 0 ? nil : span?.spacing(to: live) }
            let workspace = workspaces.first(where: other.workspaces.contains)
            let isNear = spacing.map { $0 != .clear } ?? false
            guard isNear || workspace != nil || other.configPath == configPath, other.holder.isAlive,
                !LeaseTable.isSameDirectory(other.stateDirectory, instance.stateDirectory)
            else { continue }
            if other.configPath == configPath { throw sharedConfig(other) }
            if let workspace { throw sharedWorkspace(workspace, other) }
            if let live = other.liveBase, let note = try judge(spacing, live, other) { notes.append(note) }
        }
        for lease in table.leases where lease.stateDirectory != instance.canonicalStateDirectory {
            guard let port = lease.port, base != 0, port == base || port == base + 2, lease.holder.isAlive else {
                continue
            }
            throw leasedPort(port, lease, table[lease.stateDirectory])
        }
        return notes
    }

    // MARK: One sibling

    private func judge(
        _ spacing: PortSpan.Spacing?, _ live: Int, _ other: RegisteredInstance
    ) throws(JarvisError) -> String? {
        switch spacing {
        case nil, .clear: return nil
        case .shared(let count):
            return "\(count) browser profiles fit between base port \(base) and \(live) of the gateway \(other.title)"
        case .tooClose:
            let hint =
                "\(instance.command) gateway --port <another>, at least \(PortSpan.leastSpacing) away from \(live)"
            if live == base {
                let host = runtime(of: other)?.bindHost ?? "127.0.0.1"
                let shown = host.contains(":") ? "[\(host)]" : host
                throw refusal(
                    "gateway.port_in_use",
                    "another gateway instance is already listening on ws://\(shown):\(base): \(named(other)); \(me)"
                        + " wants the same port", other, hint: hint)
            }
            throw refusal(
                "gateway.port_too_close",
                "Port \(base) of \(me) is too close to \(live) of \(named(other)): base ports must lie at least"
                    + " \(PortSpan.leastSpacing) apart, so that the ports derived from them don't meet.", other,
                hint: hint)
        }
    }

    private func sharedConfig(_ other: RegisteredInstance) -> JarvisError {
        refusal(
            "config.shared",
            "The configuration \(configPath) of \(me) is in use by \(named(other)).", other,
            hint: "Give each gateway its own: unset JARVIS_CONFIG_PATH, or let it name another file.")
    }

    private func sharedWorkspace(_ workspace: String, _ other: RegisteredInstance) -> JarvisError {
        refusal(
            "workspace.locked", "The workspace \(workspace) of \(me) is in use by \(named(other)).", other,
            hint: "Give each gateway its own agents.defaults.workspace; the default of this one is"
                + " \(instance.defaultWorkspace).")
    }

    private func leasedPort(_ port: Int, _ lease: Lease, _ owner: RegisteredInstance?) -> JarvisError {
        let who = owner.map { named($0) } ?? "the gateway in \(lease.stateDirectory)"
        return JarvisError(
            "gateway.port_in_use", "Port \(port), which \(me) needs, is leased to \(lease.purpose) of \(who).",
            hint: "\(instance.command) gateway --port <another>",
            metadata: ["port": String(port), "sibling": owner?.profile ?? ""], exitCode: 78)
    }

    // MARK: Words

    private var me: String { "the gateway “\(instance.displayName)” (\(instance.stateDirectory))" }

    private func named(_ other: RegisteredInstance) -> String {
        let pid = DirectoryLock.holderPid(of: other.stateDirectory)
        return "the gateway “\(other.profile)” (\(other.stateDirectory)\(pid.map { ", pid \($0)" } ?? ""))"
    }

    private func refusal(
        _ code: JarvisError.Code, _ message: String, _ other: RegisteredInstance, hint: String
    ) -> JarvisError {
        JarvisError(
            code, message, hint: hint,
            metadata: ["sibling": other.profile, "siblingStateDirectory": other.stateDirectory, "port": String(base)],
            exitCode: 78)
    }

    private func runtime(of other: RegisteredInstance) -> RuntimeFile? {
        RuntimeFile.read(
            InstancePaths(
                state: other.stateDirectory, canonicalState: other.stateDirectory, socketFallbackDirectory: "/tmp"))
    }
}

extension LeaseStore {
    /// Takes what a start wants, all of it or nothing. Call it with the lock on the state directory held: of two starts
    /// that want the same at the same time only one passes. A start whose record already says all this reads one file
    /// and writes none.
    ///
    /// Where the table can't be written the start is still checked, against the table and the disk, and `note` says
    /// so.
    ///
    /// - Parameter reserved: `gateway.port` of the configuration, which stays set aside for the instance; by default
    ///   the base.
    /// - Returns: what the owner should know.
    /// - Throws: as `StartClaim.check`.
    @discardableResult
    package func claimStart(_ claim: StartClaim, reserved: Int? = nil, environment: HostEnvironment) throws -> [String]
    {
        do {
            let settled = try reading { table in
                let notes = try claim.check(table)
                let mine = table[claim.instance.canonicalStateDirectory]
                return mine == Self.record(claim, reserved: reserved, over: mine) ? notes : nil
            }
            if let notes = settled ?? nil { return notes }
            return try transact(sync: false, patience: .start) { table in
                let notes = try claim.check(table)
                if let id = claim.identity?.instanceId {
                    let mine = claim.instance.canonicalStateDirectory
                    let moved = table.instances.first { $0.instanceId == id && $0.stateDirectory != mine }
                    if let moved { table.move(from: moved.stateDirectory, to: mine) }
                }
                let mine = table[claim.instance.canonicalStateDirectory]
                table.put(Self.record(claim, reserved: reserved, over: mine))
                return notes
            }
        } catch let error as JarvisError where error.code.rawValue.hasPrefix("leases.") {
            note("\(error.message) Starting without a lease.")
            return try checkStart(claim, environment: environment)
        }
    }

    /// The same without taking anything: would this start pass? Asks the disk where there is no table.
    ///
    /// - Throws: as `StartClaim.check`.
    @discardableResult
    package func checkStart(_ claim: StartClaim, environment: HostEnvironment) throws -> [String] {
        let (table, condition) = load()
        let notes = try claim.check(table)
        if condition != .good {
            let siblings = try InstanceScanner.siblings(of: claim.instance, environment: environment)
            if claim.base != 0 {
                try SiblingConflict.check(
                    port: claim.base, instance: claim.instance, siblings: siblings, environment: environment)
            }
        }
        return notes
    }

    private static func record(
        _ claim: StartClaim, reserved: Int?, over known: RegisteredInstance?
    ) -> RegisteredInstance {
        var record = RegisteredInstance(
            claim.instance, instanceId: claim.identity?.instanceId ?? "", workspaces: claim.workspaces,
            base: reserved ?? (claim.base == 0 ? known?.base ?? 0 : claim.base))
        record.configPath = claim.configPath
        record.liveBase = claim.base == 0 ? nil : claim.base
        record.others = known?.others ?? [:]
        return record
    }
}
