import JarvisCore

extension LeaseStore {
    // MARK: Instances

    /// Writes down an instance, or replaces what stood there for its state directory. A claim of a live start stays.
    ///
    /// - Parameter sync: waits for the disk; a start does not, setup does.
    /// - Throws: as `transact`.
    package func register(_ record: RegisteredInstance, sync: Bool = true) throws {
        try transact(sync: sync) { table in
            var record = record
            let known = table[record.stateDirectory]
            record.liveBase = record.liveBase ?? known?.liveBase
            if record.base == 0 { record.base = known?.base ?? 0 }
            if record.workspaces.isEmpty { record.workspaces = known?.workspaces ?? [] }
            table.put(record)
        }
    }

    /// Forgets an instance and all that it claims; nothing happens when it is not known.
    ///
    /// - Parameter stateDirectory: without symbolic links.
    /// - Throws: as `transact`.
    package func forget(stateDirectory: String) throws {
        try transact { $0.remove(stateDirectory: stateDirectory) }
    }

    /// Carries an instance and all that it claims over to another state directory. Call it after the directory was
    /// renamed, with the record of the new place registered afterwards.
    ///
    /// - Parameters: both without symbolic links.
    /// - Throws: as `transact`.
    package func move(from old: String, to new: String) throws {
        try transact { $0.move(from: old, to: new) }
    }

    // MARK: Single things

    /// Takes a thing that only one instance may have. Already having it costs one read and no write. A holder that is
    /// dead or gone loses it at once.
    ///
    /// - Parameter purpose: for people: `telegram:main`.
    /// - Throws: `lease.held`, exit 1, with `profile`, `stateDirectory`, `pid` and `command` of the holder in the
    ///   metadata; as `transact`.
    package func lease(_ kind: Lease.Kind, _ value: String, for holder: LeaseHolder, purpose: String) throws {
        let wanted = Lease(
            kind: kind, value: value, stateDirectory: holder.stateDirectory, instanceId: holder.instanceId,
            purpose: purpose)
        if try reading({ try refuseHeld(wanted, $0).contains(wanted) }) == true { return }
        try transact(sync: false, patience: .start) { table in
            _ = try refuseHeld(wanted, table)
            table.leases.removeAll { $0.kind == kind && $0.value == value }
            table.leases.append(wanted)
        }
    }

    /// Gives a thing back; nothing happens when `holder` does not have it.
    ///
    /// - Throws: as `transact`.
    package func release(_ kind: Lease.Kind, _ value: String, for holder: LeaseHolder) throws {
        let matches = { (lease: Lease) in
            lease.kind == kind && lease.value == value && lease.stateDirectory == holder.stateDirectory
        }
        guard read().leases.contains(where: matches) else { return }
        try transact(sync: false, patience: .start) { $0.leases.removeAll(where: matches) }
    }

    /// The keyed hash that stands for a credential in the table: equal for equal credentials of one channel on this
    /// host, and worth nothing elsewhere. The key lies beside the table, 0600.
    ///
    /// - Throws: `leases.unwritable` when there is no key and none can be made.
    package func digest(channel: String, credential: String) throws -> String {
        let file = HostPath.join(directory, "lease.key")
        var key = try? DurableFile.read(file, limit: 4096)  // absent: made below
        if key == nil {
            try transact { _ in
                if !DurableFile.exists(file) {
                    try DurableFile.create(Array(Identifiers.randomHex(bytes: 32).utf8), at: file)
                }
            }
            key = try DurableFile.read(file, limit: 4096)
        }
        let inner = Identifiers.sha256((key ?? []) + Array("\(channel)\u{0}\(credential)".utf8))
        return Identifiers.sha256Hex((key ?? []) + inner)
    }

    /// The leases of that kind and value; passes when none of them belongs to somebody else who lives.
    private func refuseHeld(_ wanted: Lease, _ table: LeaseTable) throws(JarvisError) -> [Lease] {
        let same = table.leases.filter { $0.kind == wanted.kind && $0.value == wanted.value }
        for lease in same where lease.stateDirectory != wanted.stateDirectory && lease.holder.isAlive {
            let owner = table[lease.stateDirectory]
            let pid = DirectoryLock.holderPid(of: lease.stateDirectory)
            throw JarvisError(
                "lease.held",
                "The \(wanted.kind.rawValue) for \(wanted.purpose) is held by the gateway"
                    + " “\(owner?.profile ?? "?")” (\(lease.stateDirectory)\(pid.map { ", pid \($0)" } ?? "")).",
                hint: owner.map { "Look at it with: \($0.command) status" },
                metadata: [
                    "profile": owner?.profile ?? "", "stateDirectory": lease.stateDirectory,
                    "instanceId": lease.instanceId, "pid": pid.map { String($0) } ?? "",
                    "command": owner?.command ?? "", "purpose": lease.purpose,
                ])
        }
        return same
    }
}
