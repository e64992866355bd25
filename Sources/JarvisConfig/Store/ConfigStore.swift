import JarvisCore
import JarvisFormats

/// What a write was made against.
package enum ConfigBase: Sendable, Hashable {
    /// Whatever stands in the file when the lock is held: for commands that name a single key.
    case current
    /// The hash that the writer read. Required once a file exists; nil is then an error.
    case hash(String?)
}

/// What a write did.
package struct ConfigWriteResult: Sendable {
    /// The file.
    package let path: String
    /// What it means now.
    package let snapshot: ConfigSnapshot
    /// The hash before; nil: there was no file.
    package let previousHash: String?
    /// The hash now.
    package let hash: String
    /// The paths whose meaning changed.
    package let changed: [ConfigPath]
    /// What `undo` takes; nil: the file held all this already and was not written.
    package let undoId: String?
    /// What the change needs to become effective.
    package let reload: ConfigReloadPlan
    /// What the writer should know: a key that overrides an include, an unset variable, a rebase.
    package let notices: [String]
}

/// The only writer of the configuration: lock, compare with the base, rebase, validate, write durably, journal.
///
/// All methods block on locks and the disk (`fsync`): call them neither on the event loop nor on the cooperative pool.
/// Writers in other threads and processes wait for each other. When a method throws, nothing was written.
package final class ConfigStore: Sendable {
    /// The configuration file.
    package let path: String
    let stateDirectory: String
    let environment: [String: String]
    let version: String
    let clock: WallClock
    let lockTimeoutMs: Int
    let journal: ConfigJournal

    /// A store for the file at `path`. Nothing is read or created yet.
    ///
    /// - Parameters:
    ///   - stateDirectory: holds `.env`, `logs/config-audit.jsonl` and `config/`.
    ///   - environment: the variables of the process.
    ///   - version: written to `meta.lastTouchedVersion`.
    ///   - lockTimeoutMs: how long to wait for other writers, in milliseconds.
    package init(
        path: String, stateDirectory: String, environment: [String: String], version: String,
        clock: WallClock = .system, lockTimeoutMs: Int = 15000
    ) {
        self.path = path
        self.stateDirectory = stateDirectory
        self.environment = environment
        self.version = version
        self.clock = clock
        self.lockTimeoutMs = lockTimeoutMs
        journal = ConfigJournal(stateDirectory: stateDirectory)
    }

    // MARK: Reading

    /// Reads the file. Creates nothing.
    package func load() -> ConfigSnapshot {
        ConfigLoader.load(path: path, stateDirectory: stateDirectory, environment: environment)
    }

    /// The last content that booted or was written, with a warning that says so; nil when there is none.
    package func loadLastGood() -> ConfigSnapshot? {
        guard let bytes = try? DurableFile.read(journal.lastGoodPath) else { return nil }  // absent: nothing booted yet
        var snapshot = ConfigLoader.load(
            bytes: bytes, path: path, stateDirectory: stateDirectory, environment: environment)
        snapshot.add(
            ConfigIssue(
                path: "(root)", message: "this is the last good version, kept in \(journal.lastGoodPath)",
                severity: .warning, code: .note, file: journal.lastGoodPath))
        return snapshot.isUsable ? snapshot : nil
    }

    /// Keeps `snapshot` as the last good version: call it when the gateway has booted with it.
    ///
    /// - Throws: `config.write`.
    package func markGood(_ snapshot: ConfigSnapshot) throws(JarvisError) {
        guard snapshot.isUsable, snapshot.exists, let raw = snapshot.raw, let composed = snapshot.composed else {
            return
        }
        // With its includes inside: a broken include must not take the last good version with it.
        let text = snapshot.sources.count > 1 ? JSONWriter.pretty(composed.value) + "\n" : raw
        let bytes = Array(text.utf8)
        if let kept = try? DurableFile.read(journal.lastGoodPath), kept == bytes { return }  // absent: written below
        do {
            try DurableFile.createDirectory(DurableFile.parent(of: journal.lastGoodPath))
            try DurableFile.write(bytes, to: journal.lastGoodPath)
        } catch {
            throw Self.writeFailure(error)
        }
    }

    /// The newest journal entries, newest first.
    package func journal(limit: Int = 100) -> [ConfigJournalEntry] { journal.entries(limit: limit) }

    // MARK: Writing

    /// Makes the value at `path` equal to `value`; the sentinel in it keeps the stored secret.
    ///
    /// - Throws: `config.baseHashRequired`, `config.stale`, `config.invalid`, `config.parse`, `config.path`,
    ///   `config.include`, `config.sentinel`, `config.symlink`, `config.locked`, `config.write`.
    package func set(
        _ path: ConfigPath, to value: JSONValue, actor: String, base: ConfigBase = .current
    ) throws(JarvisError) -> ConfigWriteResult {
        try write(event: "set", actor: actor, base: base) { transaction throws(JarvisError) in
            try transaction.apply([.set(path, value)])
        }
    }

    /// Removes the value at `path`.
    ///
    /// - Throws: `config.notFound` when nothing stands there, and as `set`.
    package func unset(
        _ path: ConfigPath, actor: String, base: ConfigBase = .current
    ) throws(JarvisError) -> ConfigWriteResult {
        try write(event: "unset", actor: actor, base: base) { transaction throws(JarvisError) in
            if transaction.value(at: path) == nil {
                throw JarvisError("config.notFound", "Config path not found: \(path)", exitCode: 1)
            }
            try transaction.apply([.remove(path)])
        }
    }

    /// Applies a JSON merge patch: null deletes, lists of objects join by `id`.
    ///
    /// - Throws: as `set`.
    package func patch(
        _ patch: JSONValue, actor: String, base: ConfigBase
    ) throws(JarvisError) -> ConfigWriteResult {
        guard patch.objectValue != nil else {
            throw JarvisError("config.invalid", "a patch must be an object, found \(patch.kindName)", exitCode: 2)
        }
        return try write(event: "patch", actor: actor, base: base) { transaction throws(JarvisError) in
            try transaction.apply(ConfigMerge(patch, onto: transaction.composedValue).changes)
        }
    }

    /// Replaces the whole text, comments included; a sentinel in it keeps the stored secret.
    ///
    /// - Throws: as `set`.
    package func replace(raw: String, actor: String, base: ConfigBase) throws(JarvisError) -> ConfigWriteResult {
        try write(event: "replace", actor: actor, base: base) { transaction throws(JarvisError) in
            try transaction.replace(with: raw)
        }
    }

    /// Takes one journaled change back; what was changed since elsewhere stays.
    ///
    /// - Throws: `config.notFound` for an unknown id or a content that is no longer kept, `config.stale` when the same
    ///   keys were changed again since, and as `set`.
    package func undo(_ undoId: String, actor: String) throws(JarvisError) -> ConfigWriteResult {
        guard let entry = journal.entries(limit: 10000).first(where: { $0.undoId == undoId }) else {
            throw JarvisError(
                "config.notFound", "there is no change \"\(undoId.prefix(64))\" in the journal", exitCode: 1)
        }
        return try write(event: "undo", actor: actor, base: .current) { transaction throws(JarvisError) in
            try transaction.undo(entry)
        }
    }

    /// Journals a change that was not made by this store: an editor's, another program's. The first sight of a file is
    /// journaled too.
    ///
    /// - Returns: nil when there was none. Look at `suspicious`.
    /// - Throws: `config.locked`, `config.write`.
    package func recordExternalEdit() throws(JarvisError) -> ConfigJournalEntry? {
        if !DurableFile.exists(path) { return nil }
        let lock = try lockFile()
        let entry = try recordExternalEdit(readCurrent())
        _ = consume lock
        return entry
    }

    // MARK: One write

    private func write(
        event: String, actor: String, base: ConfigBase,
        _ edit: (inout ConfigTransaction) throws(JarvisError) -> Void
    ) throws(JarvisError) -> ConfigWriteResult {
        do {
            try DurableFile.createDirectory(DurableFile.parent(of: path))
        } catch {
            throw Self.writeFailure(error)
        }
        let lock = try lockFile()
        let current = try readCurrent()
        _ = try recordExternalEdit(current)
        var transaction = ConfigTransaction(store: self, current: current)
        try transaction.begin(base)
        try edit(&transaction)
        let result = try commit(transaction, event: event, actor: actor)
        _ = consume lock
        return result
    }

    private func commit(
        _ transaction: ConfigTransaction, event: String, actor: String
    ) throws(JarvisError) -> ConfigWriteResult {
        let old = transaction.snapshot
        if let current = transaction.current, transaction.document.bytes == current.bytes {
            return ConfigWriteResult(
                path: path, snapshot: old, previousHash: current.hash, hash: current.hash, changed: [], undoId: nil,
                reload: ConfigReloadPlan(changedPaths: []), notices: transaction.notices)
        }
        var transaction = transaction
        try transaction.stamp(version: version, at: WallClock.iso8601(clock.now()))
        let next = ConfigVersion(transaction.document.bytes)
        let snapshot = judge(next)
        try refuseNewErrors(old, snapshot)
        try refuseExposure(old, snapshot)
        let undoId = Identifiers.randomHex(bytes: 6)
        let entry = ConfigJournalEntry(
            ts: WallClock.iso8601(clock.now()), actor: actor, event: event, from: transaction.current, to: next,
            undoId: undoId)
        do {
            if let current = transaction.current {
                try journal.keep(current)
                try rotateBackups(current)
            }
            // Before the file: a content that is known to the history was ours even if the journal misses it.
            try journal.keep(next)
            try DurableFile.write(next.bytes, to: path)
        } catch {
            throw Self.writeFailure(error)
        }
        var notices = transaction.notices + variableNotices(snapshot)
        do {
            try journal.append(entry)
            try markGood(snapshot)
        } catch {
            notices.append("the change was written, but not journaled: \(error)")
        }
        let changed = snapshot.changedPaths(since: old).filter { $0.elements.first != .key("meta") }
        return ConfigWriteResult(
            path: path, snapshot: snapshot, previousHash: transaction.current?.hash, hash: next.hash, changed: changed,
            undoId: undoId, reload: ConfigReloadPlan(changedPaths: changed), notices: notices)
    }

    func judge(_ version: ConfigVersion) -> ConfigSnapshot {
        ConfigLoader.load(bytes: version.bytes, path: path, stateDirectory: stateDirectory, environment: environment)
    }

    /// Errors that were there before don't block: a broken file is mended one key at a time.
    private func refuseNewErrors(_ old: ConfigSnapshot, _ new: ConfigSnapshot) throws(JarvisError) {
        let known = Set(old.errors.map { $0.path + ":" + $0.message })
        let fresh = new.errors.filter { $0.code != .variable && !known.contains($0.path + ":" + $0.message) }
        guard let first = fresh.first else { return }
        let more = fresh.count > 1 ? " (and \(fresh.count - 1) more)" : ""
        throw JarvisError(
            "config.invalid", "the change was not written: \(first.path): \(first.message)\(more)",
            hint: "see the expected form with: jarvis config schema", metadata: ["path": first.path])
    }

    private func variableNotices(_ snapshot: ConfigSnapshot) -> [String] {
        snapshot.errors.filter { $0.code == .variable }.map { "\($0.path): \($0.message)" }
    }

    private func lockFile() throws(JarvisError) -> ConfigLock {
        // Beside the file, by its real name: two instances that share one configuration share the lock.
        let directory = RealPath.resolve(DurableFile.parent(of: path)) ?? DurableFile.parent(of: path)
        let name = path.split(separator: "/").last.map(String.init) ?? "config"
        return try ConfigLock(path: directory + "/." + name + ".lock", timeoutMs: lockTimeoutMs)
    }

    private func readCurrent() throws(JarvisError) -> ConfigVersion? {
        if FileKind.isSymbolicLink(path) {
            throw JarvisError(
                "config.symlink", "\(path) is a symbolic link; nothing was written",
                hint: "replace the link by a file, or point JARVIS_CONFIG_PATH at its target")
        }
        do {
            return ConfigVersion(try DurableFile.read(path, limit: ConfigLoader.maximumFileBytes))
        } catch {
            if (error as? SystemCallError)?.isMissing == true { return nil }
            throw JarvisError(
                "config.read",
                "the configuration \(path) can't be read: \(ReadFailure.text(error)); nothing was written",
                cause: error)
        }
    }

    private func recordExternalEdit(_ current: ConfigVersion?) throws(JarvisError) -> ConfigJournalEntry? {
        guard let current else { return nil }
        let last = journal.entries(limit: 1).first
        if last?.hash == current.hash { return nil }
        let isOurs = last != nil && journal.version(current.hash) != nil
        let entry = ConfigJournalEntry(
            ts: WallClock.iso8601(clock.now()), actor: isOurs ? "recovery" : "external",
            event: last == nil ? "first-seen" : isOurs ? "restored" : "external",
            from: last.flatMap { journal.version($0.hash) }, to: current, undoId: Identifiers.randomHex(bytes: 6))
        do {
            try journal.keep(current)
            try journal.append(entry)
        } catch {
            throw Self.writeFailure(error)
        }
        return entry
    }

    private func rotateBackups(_ current: ConfigVersion) throws {
        let names = [".bak", ".bak.1", ".bak.2", ".bak.3", ".bak.4"].map { path + $0 }
        for index in stride(from: names.count - 1, to: 0, by: -1) { FileKind.move(names[index - 1], to: names[index]) }
        try DurableFile.write(current.bytes, to: names[0])
    }

    static func writeFailure(_ error: any Error) -> JarvisError {
        if let error = error as? JarvisError { return error }
        return JarvisError(
            "config.write", "the configuration was not written: \(error)",
            hint: "check free space and the permissions of the directory", cause: error)
    }
}
