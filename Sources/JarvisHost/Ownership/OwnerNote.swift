import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Who holds the lock on a state directory: `<state>/run/owner.json`, written right after the lock was taken. For error
/// messages of those who lose; never proof, and it may outlive its writer.
package struct OwnerNote: Sendable, Hashable {
    /// The holder.
    package var pid: Int32
    /// Its start time in clock ticks since boot; nil where the system does not tell.
    package var processStartTime: Int64?
    /// `default` or the profile's name.
    package var profile: String
    /// The configuration it runs with.
    package var configPath: String
    /// When it took the lock.
    package var since: EpochMilliseconds

    /// A note of this process.
    package init(profile: String, configPath: String, clock: WallClock = .system) {
        pid = getpid()
        processStartTime = ProcessInfoReader().current()?.startTime
        self.profile = profile
        self.configPath = configPath
        since = clock.now()
    }

    /// Reads the note of a state directory; nil when there is none that can be understood.
    package static func read(stateDirectory: String) -> OwnerNote? {
        let path = HostPath.join(stateDirectory, "run/owner.json")
        let bytes = try? DurableFile.read(path, limit: 64 << 10)  // a hint only: unreadable is absent
        guard let bytes else { return nil }
        let parsed = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self))  // likewise
        guard let parsed, let pid = parsed["pid"]?.intValue.flatMap(Int32.init(exactly:)) else { return nil }
        var note = OwnerNote(
            profile: parsed["profile"]?.stringValue ?? "default", configPath: parsed["configPath"]?.stringValue ?? "")
        note.pid = pid
        note.processStartTime = parsed["processStartTime"]?.intValue.map(Int64.init)
        note.since = parsed["sinceMs"]?.intValue.map(EpochMilliseconds.init) ?? 0
        return note
    }

    /// Writes the note: 0600, links not followed.
    ///
    /// - Throws: `SystemCallError`.
    package func write(stateDirectory: String) throws {
        let run = HostPath.join(stateDirectory, "run")
        try DurableFile.createDirectory(run)
        let json = JSONValue.members([
            "pid": JSONValue(Int(pid)), "processStartTime": processStartTime.map(JSONValue.int),
            "profile": .string(profile), "configPath": .string(configPath), "sinceMs": .int(since),
        ])
        try DurableFile.write(JSONWriter.encode(json), to: HostPath.join(run, "owner.json"), sync: false)
    }

    /// Whether the process that wrote it still runs; true where the system does not tell.
    package var isWriterAlive: Bool {
        guard let processStartTime else { return true }
        return ProcessInfoReader().isAlive(pid: pid, startTime: processStartTime)
    }
}
