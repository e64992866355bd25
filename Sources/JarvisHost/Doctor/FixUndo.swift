import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How things were before a fix: `<state>/backups/doctor/<id>.json`, 0600. May hold what a replaced file held.
package enum FixUndo {
    /// The largest file whose content is kept.
    static let limit = 1 << 20

    /// A note that is not written down yet.
    struct Note {
        /// The id under which the fix is taken back.
        let id: String
        let path: String
        let bytes: [UInt8]

        /// Writes it: durable, 0600.
        func write() throws {
            try DurableFile.createDirectory(DurableFile.parent(of: path))
            try DurableFile.write(bytes, to: path)
        }
    }

    /// Looks at everything that `plan` touches inside the instance. Nil when nothing of it can be taken back.
    static func note(_ plan: FixPlan, instance: Instance) -> Note? {
        var entries: [JSONValue] = []
        for step in plan.steps {
            switch step {
            case .act: continue
            case .chmod: if let entry = entry(step.path, withContent: false) { entries.append(entry) }
            case .remove, .replace: if let entry = entry(step.path, withContent: true) { entries.append(entry) }
            }
        }
        guard !entries.isEmpty else { return nil }
        let id = "\(WallClock.system.now())-\(Identifiers.randomHex(bytes: 3))"
        let record = JSONValue.members([
            "version": 1, "id": .string(id), "plan": .string(plan.id), "title": .string(plan.title),
            "instanceId": plan.target.instanceId.map(JSONValue.string), "entries": .array(entries),
        ])
        return Note(
            id: id, path: HostPath.join(directory(instance), "\(id).json"),
            bytes: Array(JSONWriter.pretty(record).utf8) + [UInt8(ascii: "\n")])
    }

    /// Puts everything back that the fix `id` changed, where it is still as the fix left it or gone.
    ///
    /// - Returns: the paths put back.
    /// - Throws: `doctor.undo`, exit 2, when there is no such record; `SystemCallError`.
    package static func restore(_ id: String, footprint: Footprint, others: [Footprint]) throws -> [String] {
        let instance = footprint.instance
        let path = HostPath.join(directory(instance), "\(InstancePaths.fileName(id)).json")
        let record: JSONValue
        do {
            record = try JSONParser.parse(String(decoding: DurableFile.read(path), as: UTF8.self))
        } catch {
            throw JarvisError(
                "doctor.undo", "There is no fix “\(id.prefix(60))” of “\(instance.displayName)” to take back.",
                hint: "Fixes are kept in \(directory(instance)).", exitCode: 2, cause: error)
        }
        var restored: [String] = []
        for entry in record["entries"]?.arrayValue ?? [] {
            guard let path = entry["path"]?.stringValue, let mode = entry["mode"]?.intValue else { continue }
            guard footprint.owns(path), !others.contains(where: { $0.owns(path) }) else {
                throw JarvisError("doctor.foreign", "\(path) belongs to another gateway too; it stays as it is.")
            }
            if let digits = entry["content"]?.stringValue, let bytes = bytes(digits) {
                try DurableFile.write(bytes, to: path, mode: mode_t(mode))
            }
            guard DurableFile.exists(path) else { continue }
            guard chmod(path, mode_t(mode)) == 0 else {
                throw SystemCallError(call: "chmod", errorNumber: errno, subject: path)
            }
            restored.append(path)
        }
        unlink(path)
        return restored
    }

    private static func directory(_ instance: Instance) -> String { HostPath.join(instance.paths.backups, "doctor") }

    /// Mode and content of a file; nil for what is gone or can't come back (a socket of a dead process).
    private static func entry(_ path: String, withContent: Bool) -> JSONValue? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        guard kind == S_IFREG || kind == S_IFDIR else { return nil }
        var content: JSONValue?
        if kind == S_IFREG, withContent {
            // what can't be read is not replaced either, only its mode is
            content = (try? DurableFile.read(path, limit: limit)).map { .string(Identifiers.hex($0)) }  // see above
        }
        return .members([
            "path": .string(path), "mode": JSONValue(Int(status.st_mode & 0o7777)), "content": content,
        ])
    }

    private static func bytes(_ digits: String) -> [UInt8]? {
        let text = Array(digits)
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let byte = UInt8(String(text[index...(index + 1)]), radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
