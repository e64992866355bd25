import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The lease table of this user on this host: `leases.json` in the host directory, replaced atomically under a kernel
/// lock on the directory. A crash leaves the old table or the new one, never half, and no lock behind.
///
/// A record is only a claim; who holds it lives as long as the lock on its state directory is held. So nothing here
/// must be cleaned up after a crash, and no clock is asked.
///
/// All calls block: keep them off the cooperative pool and the event loop.
package struct LeaseStore: Sendable {
    /// What the table on disk was found to be.
    package enum Condition: Sendable, Hashable {
        /// Read.
        case good
        /// There is none yet.
        case missing
        /// There is one and it is no lease table; the next write sets it aside and makes another.
        case corrupt(String)
        /// A newer version wrote it and this one does not understand it.
        case newer(String)
        /// It can't be read.
        case unreadable(String)
    }

    /// How long a caller waits for others.
    package enum Patience: Int, Sendable {
        /// A gateway that starts: 5 s.
        case start = 5000
        /// A command that sets something up: 60 s.
        case command = 60_000
    }

    /// The host directory.
    package let directory: String
    /// Told in a sentence what the owner should know, such as that a damaged table was set aside.
    package var note: @Sendable (String) -> Void = { _ in }
    private let rebuild: @Sendable () -> LeaseTable

    /// The store in `directory`.
    ///
    /// - Parameter rebuild: makes the table when there is none, from what lies on disk.
    package init(directory: String, rebuild: @escaping @Sendable () -> LeaseTable = { LeaseTable() }) {
        self.directory = directory
        self.rebuild = rebuild
    }

    /// The store of this user; a missing or damaged table is rebuilt from the instances under the home.
    ///
    /// - Throws: `home.missing`, `home.relative`, `path.invalid`; exit 2.
    package init(environment: HostEnvironment) throws(JarvisError) {
        self.init(directory: try HostDirectory.path(environment)) { LeaseRebuild.table(environment: environment) }
    }

    /// The table's file.
    package var path: String { HostPath.join(directory, "leases.json") }

    // MARK: Reading

    /// The table; empty when there is none that can be understood. Creates nothing.
    package func read() -> LeaseTable { load().table }

    /// The table and what was found.
    package func load() -> (table: LeaseTable, condition: Condition) {
        do {
            return (try LeaseTable(bytes: DurableFile.read(path, limit: 16 << 20)), .good)
        } catch let error as SystemCallError where error.errorNumber == ENOENT || error.errorNumber == ENOTDIR {
            return (LeaseTable(), .missing)
        } catch let error as SystemCallError where error.errorNumber != EFBIG && error.errorNumber != EINVAL {
            return (LeaseTable(), .unreadable(SystemCallError.text(error.errorNumber)))
        } catch let error as LeaseTable.Malformed where error.isNewer {
            return (LeaseTable(), .newer(error.description))
        } catch {
            return (LeaseTable(), .corrupt("\(error)"))
        }
    }

    /// Calls `body` with the table while nobody can change it; nil when there is no table yet, or none that can be
    /// locked and understood.
    ///
    /// - Throws: what `body` throws; `leases.busy`.
    func reading<Result>(patience: Patience = .start, _ body: (LeaseTable) throws -> Result) throws -> Result? {
        let lock: DirectoryLock
        do {
            lock = try self.lock(patience: patience, shared: true)
        } catch let error as JarvisError where error.code != "leases.busy" {
            return nil  // whoever writes says why
        }
        defer { lock.release() }
        let (table, condition) = load()
        return condition == .good ? try body(table) : nil
    }

    // MARK: Writing

    /// Reads, changes and replaces the table, alone. Records of state directories that are gone are dropped on the
    /// way; an unchanged table is not written.
    ///
    /// - Parameter sync: waits for the disk, so that what was promised survives a power loss.
    /// - Throws: what `body` throws, then nothing is written; `leases.unwritable`, `leases.busy`, `leases.newer`;
    ///   exit 1.
    package func transact<Result>(
        sync: Bool = true, patience: Patience = .command, _ body: (inout LeaseTable) throws -> Result
    ) throws -> Result {
        try prepare()
        let lock = try lock(patience: patience, shared: false)
        defer { lock.release() }
        let (found, condition) = load()
        var table = found
        switch condition {
        case .good: break
        case .missing: table = rebuild()
        case .corrupt(let reason):
            try setAside(reason)
            table = rebuild()
        case .newer(let reason):
            throw JarvisError(
                "leases.newer", "The lease table \(path) was written by a newer version: \(reason).",
                hint: "Update this jarvis, or move the file away: it is made again from the instances on disk.",
                metadata: ["path": path])
        case .unreadable(let reason): throw unwritable(reason)
        }
        let result = try body(&table)
        table.dropVanished()
        if table != found || condition != .good {
            do { try save(table, sync: sync) } catch { throw unwritable("\(error)", error) }
        }
        return result
    }

    private func prepare() throws {
        do {
            try DurableFile.createDirectory(directory)
        } catch {
            throw unwritable("\(error)", error)
        }
        var status = stat()
        guard stat(directory, &status) == 0, status.st_uid == geteuid() || geteuid() == 0 else {
            throw unwritable("\(directory) belongs to user \(status.st_uid)")
        }
        if status.st_mode & 0o077 != 0 { chmod(directory, 0o700) }
    }

    private func save(_ table: LeaseTable, sync: Bool) throws {
        try DurableFile.write(table.bytes, to: path, sync: sync)
        // Only the holder of the lock makes temporary files here: any other is left from a crash.
        if sync { DurableFile.sweep(directory) }
    }

    private func setAside(_ reason: String) throws {
        let quarantine = HostPath.join(directory, "quarantine")
        let kept = HostPath.join(quarantine, "leases-\(Identifiers.randomHex(bytes: 4)).json")
        do {
            try DurableFile.createDirectory(quarantine)
            guard rename(path, kept) == 0 else {
                throw SystemCallError(call: "rename", errorNumber: errno, subject: path)
            }
        } catch {
            throw unwritable("\(error)", error)
        }
        note(
            "the lease table \(path) was damaged (\(reason)); it was moved to \(kept) and made again from the instances"
                + " on disk")
    }

    private func lock(patience: Patience, shared: Bool) throws -> DirectoryLock {
        do throws(DirectoryLock.Failure) {
            return try DirectoryLock.acquire(
                directory, allowNetworkFileSystem: true, patience: patience.rawValue, interval: 1, shared: shared)
        } catch {
            switch error {
            case .held(let pid):
                throw JarvisError(
                    "leases.busy",
                    "The lease table \(path) has been locked for \(patience.rawValue / 1000) s"
                        + (pid.map { " by process \($0)" } ?? "") + ".",
                    hint: pid.map { "Look at that process: ps -fp \($0)" }, metadata: ["path": path])
            case .networkFileSystem(let name): throw unwritable("it lies on \(name)")
            case .unsupported(let number): throw unwritable("its directory can't be locked", errno: number)
            case .system(let cause): throw unwritable("\(cause)", cause)
            }
        }
    }

    private func unwritable(_ reason: String, _ cause: (any Error)? = nil, errno: Int32? = nil) -> JarvisError {
        let detail = errno.map { " (\(SystemCallError.text($0)))" } ?? ""
        return JarvisError(
            "leases.unwritable", "The lease table of this host, \(path), can't be used: \(reason)\(detail).",
            hint: "Make \(directory) writable for you, or name another place with JARVIS_HOST_DIR.",
            metadata: ["path": path], cause: cause)
    }
}
