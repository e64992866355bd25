import JarvisCore

/// Who claims something: one instance, by its place and its id.
package struct LeaseHolder: Sendable, Hashable {
    /// The state directory without symbolic links.
    package var stateDirectory: String
    /// The id of its `instance.json`; empty while it has none yet.
    package var instanceId: String

    /// A holder.
    package init(stateDirectory: String, instanceId: String) {
        self.stateDirectory = stateDirectory
        self.instanceId = instanceId
    }

    /// A running gateway's own claim.
    package init(_ instance: Instance, _ identity: InstanceIdentity) {
        self.init(stateDirectory: instance.canonicalStateDirectory, instanceId: identity.instanceId)
    }

    /// Whether a gateway holds the lock on the state directory and the directory still is this instance. Asks the
    /// kernel: a killed holder is dead at once.
    package var isAlive: Bool { StateDirectoryLock.isHolderAlive(stateDirectory: stateDirectory) && isStillThere }

    /// Whether the state directory still carries this id. Without an id the directory alone counts.
    package var isStillThere: Bool {
        if instanceId.isEmpty { return DurableFile.exists(stateDirectory) }
        do {
            return try InstanceIdentity.load(stateDirectory: stateDirectory)?.instanceId == instanceId
        } catch {
            return true  // unreadable: nobody can tell, so the claim stands
        }
    }
}

/// An instance as the lease table knows it. A record, never proof: whether it runs says the lock on its state
/// directory.
package struct RegisteredInstance: Sendable, Hashable {
    /// The state directory without symbolic links; what the record is found by.
    package var stateDirectory: String
    /// The id of its `instance.json`; empty while it has none yet.
    package var instanceId: String
    /// `default` or the profile's name.
    package var profile: String
    /// The configuration file without symbolic links.
    package var configPath: String
    /// The workspaces without symbolic links.
    package var workspaces: [String]
    /// The base port that is set aside for it, whether it runs or not; 0 when none is.
    package var base: Int
    /// The base port that its last start claimed. It counts only while the holder is alive.
    package var liveBase: Int?
    /// The home under which its profile was named.
    package var home: String
    /// The words that reach it: `jarvis --profile rescue`.
    package var command: String
    /// Members that another version wrote; kept.
    var others: JSONObject = [:]

    /// A record.
    package init(
        stateDirectory: String, instanceId: String, profile: String, configPath: String, workspaces: [String] = [],
        base: Int, liveBase: Int? = nil, home: String, command: String
    ) {
        self.stateDirectory = stateDirectory
        self.instanceId = instanceId
        self.profile = profile
        self.configPath = configPath
        self.workspaces = workspaces
        self.base = base
        self.liveBase = liveBase
        self.home = home
        self.command = command
    }

    /// The record of `instance`. Reads links of its configuration's path.
    package init(_ instance: Instance, instanceId: String = "", workspaces: [String] = [], base: Int = 0) {
        self.init(
            stateDirectory: instance.canonicalStateDirectory, instanceId: instanceId, profile: instance.displayName,
            configPath: HostPath.canonical(instance.configPath), workspaces: workspaces, base: base,
            home: instance.home,
            command: instance.command)
    }

    /// Who holds what this record claims.
    package var holder: LeaseHolder { LeaseHolder(stateDirectory: stateDirectory, instanceId: instanceId) }

    /// Its name with the place, for messages: `“rescue” (/home/a/.jarvis-rescue)`.
    package var title: String { "“\(profile)” (\(stateDirectory))" }

    static let members: Set<String> = [
        "stateDirectory", "instanceId", "profile", "configPath", "workspaces", "base", "liveBase", "home", "command",
    ]

    init?(json: JSONValue) {
        guard let object = json.objectValue, let state = object["stateDirectory"]?.stringValue, state.hasPrefix("/")
        else { return nil }
        let port = { (name: String) -> Int? in object[name]?.intValue.flatMap { (0...65_535).contains($0) ? $0 : nil } }
        self.init(
            stateDirectory: state, instanceId: object["instanceId"]?.stringValue ?? "",
            profile: object["profile"]?.stringValue ?? "default", configPath: object["configPath"]?.stringValue ?? "",
            workspaces: object["workspaces"]?.arrayValue?.compactMap(\.stringValue) ?? [], base: port("base") ?? 0,
            liveBase: port("liveBase"), home: object["home"]?.stringValue ?? "",
            command: object["command"]?.stringValue ?? "")
        others = object.filter { !Self.members.contains($0.key) }
    }

    var json: JSONValue {
        var object: JSONObject = [
            "stateDirectory": .string(stateDirectory), "instanceId": .string(instanceId), "profile": .string(profile),
            "configPath": .string(configPath), "workspaces": JSONValue(workspaces), "base": JSONValue(base),
        ]
        if let liveBase { object["liveBase"] = JSONValue(liveBase) }
        object["home"] = .string(home)
        object["command"] = .string(command)
        return .object(object.merging(others) { ours, _ in ours })
    }
}

/// A claim of one instance on one thing that only one may have.
package struct Lease: Sendable, Hashable {
    /// What kind of thing.
    package struct Kind: RawRepresentable, Sendable, Hashable, ExpressibleByStringLiteral {
        /// The word in the table.
        package var rawValue: String
        /// A kind, also one that this version does not know.
        package init(rawValue: String) { self.rawValue = rawValue }
        /// A kind.
        package init(stringLiteral value: String) { rawValue = value }
        /// A single TCP port; the value is the number.
        package static let port: Kind = "port"
        /// A bot identity; the value is `LeaseStore.digest` of channel and credential.
        package static let identity: Kind = "identity"
        /// A browser's user-data directory; the value is its canonical path.
        package static let browser: Kind = "browser"
        /// A name on the network or of a container.
        package static let name: Kind = "name"
        /// A workspace; the value is its canonical path.
        package static let workspace: Kind = "workspace"
        /// A configuration file; the value is its canonical path.
        package static let config: Kind = "config"
    }

    /// What kind of thing.
    package var kind: Kind
    /// Which one.
    package var value: String
    /// The canonical state directory of the holder.
    package var stateDirectory: String
    /// The holder's id.
    package var instanceId: String
    /// What for, for people and to find it again: `browser:work`, `telegram:main` …
    package var purpose: String
    /// Members that another version wrote; kept.
    var others: JSONObject = [:]

    /// A claim.
    package init(kind: Kind, value: String, stateDirectory: String, instanceId: String, purpose: String) {
        self.kind = kind
        self.value = value
        self.stateDirectory = stateDirectory
        self.instanceId = instanceId
        self.purpose = purpose
    }

    /// Who holds it.
    package var holder: LeaseHolder { LeaseHolder(stateDirectory: stateDirectory, instanceId: instanceId) }

    /// The port of a `.port` lease; nil for other kinds.
    package var port: Int? { kind == .port ? Int(value) : nil }

    static let members: Set<String> = ["kind", "value", "stateDirectory", "instanceId", "purpose"]

    init?(json: JSONValue) {
        guard let object = json.objectValue, let kind = object["kind"]?.stringValue,
            let value = object["value"]?.stringValue, let state = object["stateDirectory"]?.stringValue
        else { return nil }
        self.init(
            kind: Kind(rawValue: kind), value: value, stateDirectory: state,
            instanceId: object["instanceId"]?.stringValue ?? "", purpose: object["purpose"]?.stringValue ?? "")
        others = object.filter { !Self.members.contains($0.key) }
    }

    var json: JSONValue {
        let object: JSONObject = [
            "kind": .string(kind.rawValue), "value": .string(value), "stateDirectory": .string(stateDirectory),
            "instanceId": .string(instanceId), "purpose": .string(purpose),
        ]
        return .object(object.merging(others) { ours, _ in ours })
    }
}
