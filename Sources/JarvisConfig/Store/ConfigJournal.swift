import JarvisCore
import JarvisFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One change of the configuration.
package struct ConfigJournalEntry: Sendable, Hashable {
    /// When, ISO 8601.
    package var ts: String
    /// Who: `cli`, `operator`, `rpc:<client>`, `external` …
    package var actor: String
    /// What: `set`, `unset`, `replace`, `patch`, `undo`, `external`, `first-seen`.
    package var event: String
    /// The paths that changed.
    package var keys: [String]
    /// The values before, by path, secrets as the sentinel. A path that was absent is missing.
    package var before: JSONObject
    /// The values after.
    package var after: JSONObject
    /// The hash of the file before; nil: there was none.
    package var previousHash: String?
    /// The hash of the file after.
    package var hash: String
    /// The size of the file before, in bytes.
    package var previousBytes: Int
    /// The size of the file after, in bytes.
    package var bytes: Int
    /// What `undo` takes.
    package var undoId: String
    /// `size-drop`, `keys-dropped`, `missing-meta`, `gateway-mode-removed`, `unparseable`.
    package var suspicious: [String]

    /// One line of the journal.
    package var json: JSONValue {
        .members([
            "ts": .string(ts), "actor": .string(actor), "event": .string(event), "pid": JSONValue(Int(getpid())),
            "keys": JSONValue(keys), "before": .object(before), "after": .object(after),
            "previousHash": JSONValue(previousHash), "hash": .string(hash),
            "previousBytes": JSONValue(previousBytes), "bytes": JSONValue(bytes), "undoId": .string(undoId),
            "suspicious": JSONValue(suspicious),
        ])
    }

    init(
        ts: String, actor: String, event: String, from old: ConfigVersion?, to new: ConfigVersion, undoId: String
    ) {
        self.ts = ts
        self.actor = actor
        self.event = event
        self.undoId = undoId
        previousHash = old?.hash
        hash = new.hash
        previousBytes = old?.bytes.count ?? 0
        bytes = new.bytes.count
        keys = []
        before = [:]
        after = [:]
        for path in ConfigDiff.changedPaths(from: old?.value ?? [:], to: new.value ?? [:]) {
            if path.elements.first == .key("meta") { continue }
            let key = path.description
            keys.append(key)
            before[key] = old?.value?.value(at: path).map { SecretRules.redact($0, at: path) }
            after[key] = new.value?.value(at: path).map { SecretRules.redact($0, at: path) }
        }
        suspicious = Self.suspicion(from: old, to: new)
    }

    init?(_ json: JSONValue) {
        guard let ts = json["ts"]?.stringValue, let hash = json["hash"]?.stringValue,
            let event = json["event"]?.stringValue, let undoId = json["undoId"]?.stringValue
        else { return nil }
        self.ts = ts
        self.hash = hash
        self.event = event
        self.undoId = undoId
        actor = json["actor"]?.stringValue ?? "unknown"
        keys = json["keys"]?.arrayValue?.compactMap(\.stringValue) ?? []
        before = json["before"]?.objectValue ?? [:]
        after = json["after"]?.objectValue ?? [:]
        previousHash = json["previousHash"]?.stringValue
        previousBytes = json["previousBytes"]?.intValue ?? 0
        bytes = json["bytes"]?.intValue ?? 0
        suspicious = json["suspicious"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }

    private static func suspicion(from old: ConfigVersion?, to new: ConfigVersion) -> [String] {
        guard let old else { return [] }
        var found: [String] = []
        if old.bytes.count >= 200, new.bytes.count * 2 < old.bytes.count { found.append("size-drop") }
        guard let before = old.value else { return found }
        guard let after = new.value else { return found + ["unparseable"] }
        let kept = before.leafPaths
        let dropped = kept.count { after.value(at: $0) == nil }
        if dropped >= 5, dropped * 2 > kept.count { found.append("keys-dropped") }
        if before["meta"] != nil, after["meta"] == nil { found.append("missing-meta") }
        if before["gateway"]?["mode"] != nil, after["gateway"]?["mode"] == nil { found.append("gateway-mode-removed") }
        return found
    }
}

/// One content of the main file.
struct ConfigVersion: Sendable {
    var bytes: [UInt8]
    var hash: String
    var document: JSON5Document?

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        hash = Identifiers.sha256Hex(bytes)
        do throws(JSON5ParseError) {
            document = try JSON5Document(parsing: bytes)
        } catch {
            document = nil
        }
    }

    var value: JSONValue? { document?.value }
}

extension JSONValue {
    /// The paths of everything that is neither object nor array.
    var leafPaths: [ConfigPath] {
        var paths: [ConfigPath] = []
        func visit(_ value: JSONValue, _ path: ConfigPath) {
            switch value {
            case .object(let members): for (key, member) in members { visit(member, path.appending(key)) }
            case .array(let elements):
                for (index, element) in elements.enumerated() { visit(element, path.appending(.index(index))) }
            default: paths.append(path)
            }
        }
        visit(self, ConfigPath())
        return paths
    }
}

/// The journal of changes and the contents they led to.
struct ConfigJournal: Sendable {
    private let stateDirectory: String
    private static let rotateBytes = 4 << 20
    private static let keptVersions = 64

    init(stateDirectory: String) { self.stateDirectory = stateDirectory }

    private var path: String { stateDirectory + "/logs/config-audit.jsonl" }
    private var historyDirectory: String { stateDirectory + "/config/history" }
    var lastGoodPath: String { stateDirectory + "/config/last-good.json5" }

    /// The newest entries, newest first. Lines that can't be read are passed over.
    func entries(limit: Int) -> [ConfigJournalEntry] {
        var result: [ConfigJournalEntry] = []
        for file in [path, path + ".1"] where result.count < limit {
            guard let bytes = try? DurableFile.read(file) else { continue }  // absent: nothing was journaled yet
            for line in bytes.split(separator: 0x0A).reversed() where result.count < limit {
                guard let json = try? JSONParser.parse(line) else { continue }  // a line torn by a crash
                if let entry = ConfigJournalEntry(json) { result.append(entry) }
            }
        }
        return result
    }

    func append(_ entry: ConfigJournalEntry) throws {
        try DurableFile.createDirectory(DurableFile.parent(of: path))
        var status = stat()
        if lstat(path, &status) == 0, status.st_size > Self.rotateBytes { rename(path, path + ".1") }
        try DurableFile.append(JSONWriter.encode(entry.json) + [0x0A], to: path)
    }

    /// Keeps `version`, so that a later change can be compared with it or taken back.
    func keep(_ version: ConfigVersion) throws {
        let file = historyPath(version.hash)
        if DurableFile.exists(file) { return }
        try DurableFile.createDirectory(historyDirectory)
        try DurableFile.write(version.bytes, to: file)
        prune()
    }

    /// A content by its hash; nil when it is no longer, or never was, kept.
    func version(_ hash: String) -> ConfigVersion? {
        guard hash.utf8.count == 64, hash.allSatisfy(\.isHexDigit) else { return nil }
        guard let bytes = try? DurableFile.read(historyPath(hash)) else { return nil }  // too old, or not ours
        let version = ConfigVersion(bytes)
        return version.hash == hash ? version : nil
    }

    private func historyPath(_ hash: String) -> String { historyDirectory + "/" + hash + ".json5" }

    /// Removes the oldest contents. Those that stand in the newest journal entries are kept.
    private func prune() {
        var files: [(name: String, time: Int)] = []
        for name in DirectoryNames.list(historyDirectory) where name.hasSuffix(".json5") {
            var status = stat()
            if lstat(historyDirectory + "/" + name, &status) == 0 {
                #if canImport(Darwin)
                    files.append((name, status.st_mtimespec.tv_sec))
                #else
                    files.append((name, status.st_mtim.tv_sec))
                #endif
            }
        }
        guard files.count > Self.keptVersions * 2 else { return }
        let recent = Set(entries(limit: Self.keptVersions).flatMap { [$0.hash, $0.previousHash ?? ""] })
        for file in files.sorted(by: { $0.time < $1.time }).dropLast(Self.keptVersions)
        where !recent.contains(String(file.name.dropLast(6))) {
            unlink(historyDirectory + "/" + file.name)
        }
    }
}
