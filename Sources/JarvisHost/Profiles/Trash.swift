import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where removed instances wait for a week: `<host directory>/trash/<name>-<time>/`, each with `info.json` and the state
/// directory as `state`. All calls block.
package struct Trash: Sendable {
    /// How long a removed instance is kept: 7 days in milliseconds.
    package static let keptMs: EpochMilliseconds = 7 * 24 * 3600 * 1000

    /// A removed instance.
    package struct Entry: Sendable, Hashable {
        /// The name of its directory in the trash, which `restore` takes.
        package var name: String
        /// `default` or the profile's name.
        package var profile: String
        /// Where the state directory was, absolute.
        package var stateDirectory: String
        /// Its id; nil when it had none.
        package var instanceId: String?
        /// When it was removed.
        package var removedAt: EpochMilliseconds
        /// What was taken away beside the state directory, for people: service units.
        package var services: [String]
        /// The entry's directory.
        package var directory: String

        /// When it is deleted for good.
        package var expiresAt: EpochMilliseconds { removedAt + Trash.keptMs }
        /// The state directory in the trash.
        package var state: String { HostPath.join(directory, "state") }
    }

    /// The trash itself.
    package let directory: String
    private let clock: WallClock

    /// The trash of the host directory `hostDirectory`. Nothing is created.
    package init(hostDirectory: String, clock: WallClock = .system) {
        directory = HostPath.join(hostDirectory, "trash")
        self.clock = clock
    }

    /// Everything in the trash, the newest first.
    package func entries() -> [Entry] {
        let names = try? FileTree.names(in: directory)  // no trash is an empty one
        return (names ?? []).compactMap(entry).filter { DurableFile.exists($0.state) }
            .sorted { ($0.removedAt, $0.name) > ($1.removedAt, $1.name) }
    }

    /// Moves the state directory of `instance` into the trash: by one rename, or to another disk by a copy that is
    /// compared before the original goes. The caller holds the lock of the state directory.
    ///
    /// - Throws: `profile.trash`; then the state directory is where it was.
    package func put(
        _ instance: Instance, instanceId: String?, services: [String] = []
    ) throws(JarvisError) -> Entry {
        let now = clock.now()
        do {
            try DurableFile.createDirectory(directory)
            let entry = try begin(instance, instanceId: instanceId, services: services, at: now)
            do {
                try DurableFile.publish(instance.stateDirectory, as: entry.state)
            } catch let error as SystemCallError where error.errorNumber == EXDEV {
                try copyAcross(instance.stateDirectory, entry)
            }
            return entry
        } catch let error as JarvisError {
            throw error
        } catch {
            throw JarvisError(
                "profile.trash", "\(instance.stateDirectory) can't be moved to the trash at \(directory): \(error).",
                hint: "Check owner and free space of \(directory).", metadata: ["path": directory], cause: error)
        }
    }

    /// Puts an entry back where it was.
    ///
    /// - Throws: `profile.exists`, exit 2, when something is there again; `profile.trash`.
    package func restore(_ entry: Entry) throws(JarvisError) {
        do {
            do {
                try DurableFile.publish(entry.state, as: entry.stateDirectory)
            } catch let error as SystemCallError where error.errorNumber == EXDEV {
                try copyBack(entry)
            }
            try? FileTree.remove(entry.directory)  // what stays is an entry without a state, swept later
        } catch let error as SystemCallError where error.errorNumber == EEXIST || error.errorNumber == ENOTEMPTY {
            throw JarvisError(
                "profile.exists",
                "\(entry.stateDirectory) exists again, so “\(entry.profile)” can't go back there.",
                hint: "Rename or remove what is there first.", metadata: ["stateDirectory": entry.stateDirectory],
                exitCode: 2)
        } catch {
            throw JarvisError(
                "profile.trash", "\(entry.state) can't be moved back to \(entry.stateDirectory): \(error).",
                metadata: ["path": entry.stateDirectory], cause: error)
        }
    }

    /// Deletes an entry for good.
    ///
    /// - Throws: `profile.trash`.
    package func delete(_ entry: Entry) throws(JarvisError) {
        do {
            try FileTree.remove(entry.directory)
        } catch {
            throw JarvisError("profile.trash", "\(entry.directory) can't be deleted: \(error).", cause: error)
        }
    }

    /// Deletes what has been here longer than 7 days, and beginnings that a crash left. A clock that went back deletes
    /// nothing. Failures are ignored: the next sweep tries again.
    ///
    /// - Returns: what was deleted.
    @discardableResult
    package func sweep() -> [Entry] {
        let names = try? FileTree.names(in: directory)  // no trash: nothing to do
        var deleted: [Entry] = []
        let now = clock.now()
        for name in names ?? [] {
            guard let entry = entry(name) else { continue }
            let isOver = entry.expiresAt <= now
            let isRest = !DurableFile.exists(entry.state) && entry.removedAt < now - 3_600_000
            guard isOver || isRest else { continue }
            do {
                try FileTree.remove(entry.directory)
                if isOver { deleted.append(entry) }
            } catch {}  // see above
        }
        return deleted
    }

    // MARK: One entry

    private func begin(
        _ instance: Instance, instanceId: String?, services: [String], at now: EpochMilliseconds
    ) throws -> Entry {
        var number = 0
        while true {
            let stamp = WallClock.iso8601(now).filter { $0.isNumber }.prefix(14)
            let name = "\(instance.displayName)-\(stamp)\(number == 0 ? "" : "-\(number)")"
            let entry = Entry(
                name: name, profile: instance.displayName, stateDirectory: instance.stateDirectory,
                instanceId: instanceId, removedAt: now, services: services, directory: HostPath.join(directory, name))
            if mkdir(entry.directory, 0o700) == 0 {
                try DurableFile.write(
                    Array(JSONWriter.pretty(json(entry)).utf8) + [UInt8(ascii: "\n")], to: infoPath(entry.directory))
                return entry
            }
            guard errno == EEXIST, number < 1000 else {
                throw SystemCallError(call: "mkdir", errorNumber: errno, subject: entry.directory)
            }
            number += 1
        }
    }

    /// To another disk. Killed before the rename the instance is untouched, after it the trash holds a compared copy.
    private func copyAcross(_ state: String, _ entry: Entry) throws {
        let partial = HostPath.join(entry.directory, "partial")
        try DurableFile.createDirectory(partial)
        try FileTree.copy(state, into: partial)
        guard try FileTree.digest(of: state) == FileTree.digest(of: partial) else {
            throw SystemCallError(call: "compare", errorNumber: EIO, subject: partial)
        }
        try DurableFile.publish(partial, as: entry.state)
        let old = "\(state)\(InstanceStaging.removing)\(Identifiers.randomHex(bytes: 6))"
        try DurableFile.publish(state, as: old)
        try? FileTree.remove(old)  // what stays is swept later
    }

    private func copyBack(_ entry: Entry) throws {
        if DurableFile.exists(entry.stateDirectory) {
            throw SystemCallError(call: "rename", errorNumber: EEXIST, subject: entry.stateDirectory)
        }
        let partial = "\(entry.stateDirectory)\(InstanceStaging.mark)\(Identifiers.randomHex(bytes: 6))"
        try DurableFile.createDirectory(partial)
        let lock = try DirectoryLock.acquire(partial, allowNetworkFileSystem: true)
        defer { lock.release() }
        try FileTree.copy(entry.state, into: partial)
        guard try FileTree.digest(of: entry.state) == FileTree.digest(of: partial) else {
            throw SystemCallError(call: "compare", errorNumber: EIO, subject: partial)
        }
        try DurableFile.publish(partial, as: entry.stateDirectory)
    }

    private func infoPath(_ directory: String) -> String { HostPath.join(directory, "info.json") }

    private func json(_ entry: Entry) -> JSONValue {
        .members([
            "version": 1, "profile": .string(entry.profile), "stateDirectory": .string(entry.stateDirectory),
            "instanceId": entry.instanceId.map(JSONValue.string), "removedAtMs": .int(entry.removedAt),
            "services": JSONValue(entry.services),
        ])
    }

    private func entry(_ name: String) -> Entry? {
        let directory = HostPath.join(directory, name)
        let bytes = try? DurableFile.read(infoPath(directory), limit: 1 << 20)  // not ours, or just begun
        guard let bytes else { return nil }
        let json = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self))  // likewise
        guard let json, let profile = json["profile"]?.stringValue, let state = json["stateDirectory"]?.stringValue,
            state.hasPrefix("/"), let removedAt = json["removedAtMs"]?.intValue
        else { return nil }
        return Entry(
            name: name, profile: profile, stateDirectory: state, instanceId: json["instanceId"]?.stringValue,
            removedAt: EpochMilliseconds(removedAt),
            services: (json["services"]?.arrayValue ?? []).compactMap(\.stringValue), directory: directory)
    }
}
