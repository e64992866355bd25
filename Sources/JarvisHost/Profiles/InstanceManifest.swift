import JarvisCore

/// What an instance has made on this host: `<state>/manifest.json`. Removing the instance takes away what stands here
/// and nothing else. It holds no secret.
package struct InstanceManifest: Sendable, Hashable {
    /// One thing that was made.
    package struct Item: Sendable, Hashable {
        /// What it is.
        package enum Kind: String, Sendable {
            /// The state directory: path `.`.
            case stateDirectory
            /// A workspace that did not exist before.
            case workspace
            /// A unit, property list or task of a service manager.
            case service
            /// A port block or another claim in the host directory; its path is the value.
            case lease
        }

        /// What it is.
        package var kind: Kind
        /// Where: below the state directory without a slash in front (so that it survives a move), else absolute.
        package var path: String

        /// A thing of this kind at this place.
        package init(kind: Kind, path: String) {
            self.kind = kind
            self.path = path
        }
    }

    /// The instance's id.
    package var instanceId: String
    /// Which command made the instance: `setup`, `create`, `clone`, `import` …
    package var createdBy: String
    /// When.
    package var createdAt: EpochMilliseconds
    /// What was made, without repetitions, in the order of making.
    package private(set) var items: [Item]

    /// A manifest with the state directory in it.
    package init(instanceId: String, createdBy: String, createdAt: EpochMilliseconds = WallClock.system.now()) {
        self.instanceId = instanceId
        self.createdBy = createdBy
        self.createdAt = createdAt
        items = [Item(kind: .stateDirectory, path: ".")]
    }

    /// Adds an item; one that is there already is not repeated. A path inside `stateDirectory` is kept relative to it.
    package mutating func add(_ kind: Item.Kind, path: String, stateDirectory: String) {
        let inside = HostPath.relative(path, to: stateDirectory)
        let item = Item(kind: kind, path: inside ?? path)
        if !items.contains(item) { items.append(item) }
    }

    /// Takes an item away.
    package mutating func remove(_ kind: Item.Kind, path: String, stateDirectory: String) {
        let inside = HostPath.relative(path, to: stateDirectory)
        items.removeAll { $0.kind == kind && ($0.path == path || $0.path == inside) }
    }

    /// `<state>/manifest.json`.
    package static func path(stateDirectory: String) -> String { HostPath.join(stateDirectory, "manifest.json") }

    /// Reads the manifest; nil when there is none that can be understood: then the instance is taken to have made its
    /// state directory and nothing else.
    package static func load(stateDirectory: String) -> InstanceManifest? {
        let bytes = try? DurableFile.read(path(stateDirectory: stateDirectory), limit: 1 << 20)  // see above
        guard let bytes else { return nil }
        let json = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self))  // likewise
        return json.flatMap(InstanceManifest.init(json:))
    }

    /// Writes it, durable.
    ///
    /// - Throws: `SystemCallError`.
    package func write(stateDirectory: String) throws {
        try DurableFile.write(
            Array(JSONWriter.pretty(json).utf8) + [UInt8(ascii: "\n")], to: Self.path(stateDirectory: stateDirectory))
    }

    /// Notes that an instance has made something. Makes the manifest when there is none yet; an instance without an
    /// identity has none and nothing is noted.
    ///
    /// - Throws: `SystemCallError`, `instance.identity`.
    package static func record(
        _ kind: Item.Kind, path: String, stateDirectory: String, by command: String
    ) throws {
        guard let identity = try InstanceIdentity.load(stateDirectory: stateDirectory) else { return }
        let known = load(stateDirectory: stateDirectory)
        var manifest = known ?? InstanceManifest(instanceId: identity.instanceId, createdBy: command)
        manifest.add(kind, path: path, stateDirectory: stateDirectory)
        if manifest != known { try manifest.write(stateDirectory: stateDirectory) }
    }

    /// The file's content.
    package var json: JSONValue {
        [
            "version": 1, "instanceId": .string(instanceId), "createdBy": .string(createdBy),
            "createdAtMs": .int(createdAt),
            "items": .array(items.map { ["kind": .string($0.kind.rawValue), "path": .string($0.path)] }),
        ]
    }

    private init?(json: JSONValue) {
        guard let id = json["instanceId"]?.stringValue else { return nil }
        self.init(
            instanceId: id, createdBy: json["createdBy"]?.stringValue ?? "",
            createdAt: json["createdAtMs"]?.intValue.map(EpochMilliseconds.init) ?? 0)
        // A kind of a later version is kept out: what this program does not know it must not remove.
        for item in json["items"]?.arrayValue ?? [] {
            guard let kind = item["kind"]?.stringValue.flatMap(Item.Kind.init), let path = item["path"]?.stringValue
            else { continue }
            let made = Item(kind: kind, path: path)
            if !items.contains(made) { items.append(made) }
        }
    }
}

extension HostPath {
    /// `path` below `directory`, without a slash in front; nil when it lies elsewhere or is the directory itself. Both
    /// are absolute; links are not looked at.
    package static func relative(_ path: String, to directory: String) -> String? {
        let path = normalize(path)
        let prefix = join(normalize(directory), "")
        guard path.hasPrefix(prefix), path.utf8.count > prefix.utf8.count else { return nil }
        return String(path.dropFirst(prefix.count))
    }

    /// Whether `path` is `directory` or lies below it.
    package static func isInside(_ path: String, _ directory: String) -> Bool {
        normalize(path) == normalize(directory) || relative(path, to: directory) != nil
    }
}
