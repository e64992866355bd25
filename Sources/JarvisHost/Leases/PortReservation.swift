import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A base port for an instance beside all others of this host, whether they run or not.
package struct PortReservation: Sendable {
    /// Which port is wanted.
    package enum Wish: Sendable, Hashable {
        /// Exactly this one, or a refusal.
        case exactly(Int)
        /// The one that the configuration already names.
        case keep(Int)
        /// Any free block; the one that is set aside already when there is one.
        case any
    }

    /// The instance.
    package var instance: Instance
    /// The others on disk with their configured ports: what the table may not know yet, such as a port edited by hand.
    package var siblings: [SiblingInstance]
    /// Gateways that are not ours and must be left alone.
    package var foreign: [FamilyGateway]
    /// Whether nothing listens on a port.
    package var isFree: @Sendable (Int) -> Bool

    /// A reservation. `siblings` comes from `InstanceScanner.siblings` with the configured ports read.
    package init(
        instance: Instance, siblings: [SiblingInstance], foreign: [FamilyGateway] = [],
        isFree: @escaping @Sendable (Int) -> Bool = { PortPlan.isFree($0) }
    ) {
        self.instance = instance
        self.siblings = siblings
        self.foreign = foreign
        self.isFree = isFree
    }

    /// A base that belongs to somebody.
    package struct Owned: Sendable, Hashable {
        /// The base.
        package var base: Int
        /// `default` or the profile's name.
        package var profile: String
        /// The state directory.
        package var stateDirectory: String
    }

    /// The bases of the others: set aside, configured, and claimed by those who run.
    package func owned(_ table: LeaseTable) -> [Owned] {
        var owned: [Owned] = []
        for other in table.siblings(of: instance.canonicalStateDirectory) {
            var bases = [other.base]
            if let live = other.liveBase, live != other.base, other.holder.isAlive { bases.append(live) }
            for base in bases where base > 0 {
                owned.append(Owned(base: base, profile: other.profile, stateDirectory: other.stateDirectory))
            }
        }
        for sibling in siblings {
            var bases = sibling.configuredPort.map { [$0] } ?? []
            if sibling.isRunning, let running = sibling.runtime?.port { bases.append(running) }
            for base in bases {
                let entry = Owned(base: base, profile: sibling.displayName, stateDirectory: sibling.stateDirectory)
                if !owned.contains(where: { $0.base == base && $0.profile == entry.profile }) { owned.append(entry) }
            }
        }
        return owned
    }

    /// Passes when `port` is at least 20 away from every base of the others, and neither it nor its control port is
    /// leased to a browser of one that runs.
    ///
    /// - Throws: `port.sibling`, exit 2, naming both owners and a free port; `port.range`, exit 2.
    package func check(_ port: Int, _ table: LeaseTable) throws(JarvisError) {
        let span = try PortSpan(base: port)
        let me = "\"\(instance.displayName)\" (\(instance.stateDirectory))"
        func refuse(_ reason: String, _ owner: String) -> JarvisError {
            JarvisError(
                "port.sibling", reason, hint: propose(table).map { "Free is for example \($0)." },
                metadata: ["port": String(port), "sibling": owner], exitCode: 2)
        }
        for other in owned(table) where span.spacing(to: other.base) == .tooClose {
            throw refuse(
                "Port \(port) for the gateway \(me) is too close to \(other.base), which belongs to the gateway"
                    + " \"\(other.profile)\" (\(other.stateDirectory)): bases must lie at least"
                    + " \(PortSpan.leastSpacing) apart.", other.profile)
        }
        for lease in foreignLeases(table) where lease.port == port || lease.port == port + 2 {
            let owner = table[lease.stateDirectory]?.profile ?? "?"
            throw refuse(
                "Port \(lease.value), which the gateway \(me) would use, is leased to \(lease.purpose) of the gateway"
                    + " \"\(owner)\" (\(lease.stateDirectory)).", owner)
        }
    }

    /// A base whose whole span no sibling touches and on which nothing listens; nil when no block is left.
    package func propose(_ table: LeaseTable) -> Int? {
        let leased = foreignLeases(table).compactMap(\.port)
        return PortPlan.propose(
            for: instance.profile, taken: owned(table).map(\.base), ephemeralStart: PortPlan.ephemeralStart()
        ) { port in
            // Of the two ports that are asked about only the base can be the first of a span with a lease in it.
            !leased.contains { (port...(port + 110)).contains($0) } && !foreign.contains { $0.isInTheWay(of: port) }
                && (isFree(port) || isOwn(port))
        }
    }

    private func foreignLeases(_ table: LeaseTable) -> [Lease] {
        table.leases.filter {
            $0.kind == .port && $0.stateDirectory != instance.canonicalStateDirectory && $0.holder.isAlive
        }
    }

    /// Whether it is this instance's own gateway that listens there.
    private func isOwn(_ port: Int) -> Bool {
        guard let runtime = RuntimeFile.read(instance.paths), runtime.port == port else { return false }
        return StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory)
    }
}

extension LeaseStore {
    /// Sets a base port aside for an instance, durable before it returns: no other instance is offered one near it,
    /// whether this one runs or not. Makes the state directory, by which the record lives.
    ///
    /// - Returns: the base.
    /// - Throws: `port.sibling`, `port.range`, `instance.cloned`, exit 2; `port.none`, exit 1, when no block is left; as
    ///   `transact`.
    package func reserveBlock(
        for reservation: PortReservation, wish: PortReservation.Wish = .any
    ) throws -> Int {
        let identity = try InstanceIdentity.load(stateDirectory: reservation.instance.stateDirectory)
        let state = reservation.instance.stateDirectory
        let isNew = !DurableFile.exists(state)
        var isDone = false
        // A directory that was made only for a record that could not be written goes again.
        defer { if isNew && !isDone { rmdir(state) } }
        let base = try transact { table in
            if let identity {
                try table.refuseCopy(reservation.instance, instanceId: identity.instanceId, exitCode: 2)
            }
            let base = try reservation.choose(wish, table)
            try DurableFile.createDirectory(state)
            set(base, reservation.instance, identity, &table)
            return base
        }
        isDone = true
        return base
    }

    /// Changes the base port that is set aside together with what `change` writes: nobody can take a base near it in
    /// between.
    ///
    /// - Throws: `port.sibling`, `port.range`, exit 2; what `change` throws, then nothing is set aside; as `transact`.
    package func changeBase<Result>(
        to base: Int, for reservation: PortReservation, _ change: () throws -> Result
    ) throws -> Result {
        let identity = try InstanceIdentity.load(stateDirectory: reservation.instance.stateDirectory)
        return try transact { table in
            try reservation.check(base, table)
            let result = try change()
            set(base, reservation.instance, identity, &table)
            return result
        }
    }

    private func set(
        _ base: Int, _ instance: Instance, _ identity: InstanceIdentity?, _ table: inout LeaseTable
    ) {
        let known = table[instance.canonicalStateDirectory]
        // A copy keeps nothing of its original's id here, or neither of the two could start.
        let isCopy = table.instances.contains {
            $0.instanceId == identity?.instanceId && $0.stateDirectory != instance.canonicalStateDirectory
        }
        let id = isCopy ? nil : identity?.instanceId
        var record = RegisteredInstance(
            instance, instanceId: id ?? known?.instanceId ?? "", workspaces: known?.workspaces ?? [], base: base)
        record.liveBase = known?.liveBase
        table.put(record)
    }
}

extension PortReservation {
    fileprivate func choose(_ wish: Wish, _ table: LeaseTable) throws(JarvisError) -> Int {
        switch wish {
        case .exactly(let port):
            try check(port, table)
            return port
        case .keep(let port): return try PortSpan(base: port).base
        case .any:
            if let known = table[instance.canonicalStateDirectory]?.base, known > 0, isStillGood(known, table) {
                return known
            }
            if let free = propose(table) { return free }
            throw JarvisError(
                "port.none", "No block of free ports is left on this host for the gateway “\(instance.displayName)”.",
                hint: "Name one: \(instance.command) setup --port <base>. What is taken: jarvis ports")
        }
    }

    private func isStillGood(_ base: Int, _ table: LeaseTable) -> Bool {
        do throws(JarvisError) {
            try check(base, table)
            return true
        } catch {
            return false
        }
    }
}
