import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The permanent identity of an instance: `<state>/instance.json`. Made once, by setup, onboarding or the first start
/// of the gateway, and never by a command that only reads.
package struct InstanceIdentity: Sendable, Hashable {
    /// A random UUID in lower case.
    package let instanceId: String
    /// When it was made.
    package let createdAt: EpochMilliseconds
    /// `default` or the profile's name at that time; for people.
    package let createdAs: String

    private static let limit = 64 << 10

    /// Reads the identity; nil when the state directory has none (or does not exist).
    ///
    /// - Throws: `instance.identity`, exit 78, when the file is there and can't be read or understood: inventing
    /// another
    ///   id would cut the instance off from its clients.
    package static func load(stateDirectory: String) throws(JarvisError) -> InstanceIdentity? {
        let path = HostPath.join(stateDirectory, "instance.json")
        do {
            return try parse(DurableFile.read(path, limit: limit))
        } catch let error as SystemCallError where error.errorNumber == ENOENT || error.errorNumber == ENOTDIR {
            return nil
        } catch {
            throw JarvisError(
                "instance.identity", "\(path) can't be used as the identity of this instance: \(error).",
                hint: "Restore it from a backup. Moving it away makes a new identity: paired clients must pair again.",
                metadata: ["path": path], exitCode: 78, cause: error)
        }
    }

    /// Reads the identity, or makes it: durable, 0600. Makes the state directory (0700) when missing. Two processes
    /// that race get the same one.
    ///
    /// - Throws: as `load`, and `instance.write`, exit 78, when it can't be written.
    package static func loadOrCreate(
        stateDirectory: String, displayName: String, clock: WallClock = .system
    ) throws(JarvisError) -> InstanceIdentity {
        if let identity = try load(stateDirectory: stateDirectory) { return identity }
        let identity = InstanceIdentity(
            instanceId: Identifiers.uuid(), createdAt: clock.now(), createdAs: displayName)
        let path = HostPath.join(stateDirectory, "instance.json")
        do {
            try DurableFile.createDirectory(stateDirectory)
            try DurableFile.create(Array(JSONWriter.pretty(identity.json).utf8) + [UInt8(ascii: "\n")], at: path)
            return identity
        } catch let error as SystemCallError where error.errorNumber == EEXIST {
            if let winner = try load(stateDirectory: stateDirectory) { return winner }
            throw JarvisError("instance.write", "\(path) can't be written: \(error).", exitCode: 78, cause: error)
        } catch {
            throw JarvisError(
                "instance.write", "\(path) can't be written: \(error).",
                hint: "Check owner, free space and mount options of the state directory.", exitCode: 78, cause: error)
        }
    }

    private var json: JSONValue {
        [
            "version": 1, "instanceId": .string(instanceId), "createdAtMs": .int(createdAt),
            "createdAs": .string(createdAs),
        ]
    }

    private struct Malformed: Error, CustomStringConvertible {
        let description: String
    }

    private static func parse(_ bytes: [UInt8]) throws -> InstanceIdentity {
        let json = try JSONParser.parse(String(decoding: bytes, as: UTF8.self))
        guard let id = json["instanceId"]?.stringValue, isIdentifier(id) else {
            throw Malformed(description: "it holds no instanceId of 8 to 64 letters, digits and “-”")
        }
        return InstanceIdentity(
            instanceId: id, createdAt: json["createdAtMs"]?.intValue.map(EpochMilliseconds.init) ?? 0,
            createdAs: json["createdAs"]?.stringValue ?? "default")
    }

    private static func isIdentifier(_ text: String) -> Bool {
        (8...64).contains(text.utf8.count) && !text.hasPrefix("-") && InstancePaths.fileName(text) == text
            && !text.contains("_")
    }
}
