import JarvisCore

/// Who has what on this host: the content of `leases.json`.
package struct LeaseTable: Sendable, Hashable {
    /// The version that this program writes.
    package static let currentVersion = 1

    /// The instances, each state directory once.
    package var instances: [RegisteredInstance] = []
    /// The claims.
    package var leases: [Lease] = []
    /// The version that the file says; a newer one is kept.
    package var version = Self.currentVersion
    /// Rows and members that this version does not understand; written back as they were.
    private var otherInstances: [JSONValue] = []
    private var otherLeases: [JSONValue] = []
    private var others: JSONObject = [:]

    /// An empty table.
    package init() {}

    /// The record of a canonical state directory.
    package subscript(stateDirectory: String) -> RegisteredInstance? {
        instances.first { $0.stateDirectory == stateDirectory }
    }

    /// Adds a record or replaces the one of the same state directory, whose unknown members stay.
    package mutating func put(_ record: RegisteredInstance) {
        guard let index = instances.firstIndex(where: { $0.stateDirectory == record.stateDirectory }) else {
            instances.append(record)
            return
        }
        var record = record
        record.others = instances[index].others.merging(record.others) { _, new in new }
        instances[index] = record
    }

    /// Removes an instance and all that it claims.
    package mutating func remove(stateDirectory: String) {
        instances.removeAll { $0.stateDirectory == stateDirectory }
        leases.removeAll { $0.stateDirectory == stateDirectory }
    }

    /// Carries record and claims over to another state directory.
    package mutating func move(from old: String, to new: String) {
        guard old != new else { return }
        if instances.contains(where: { $0.stateDirectory == old }) {
            instances.removeAll { $0.stateDirectory == new }
        }
        for index in instances.indices where instances[index].stateDirectory == old {
            instances[index].stateDirectory = new
        }
        for index in leases.indices where leases[index].stateDirectory == old { leases[index].stateDirectory = new }
    }

    /// The records of others whose directories still are there.
    func siblings(of stateDirectory: String) -> [RegisteredInstance] {
        instances.filter { $0.stateDirectory != stateDirectory && DurableFile.exists($0.stateDirectory) }
    }

    /// Drops what belongs to state directories that are gone.
    mutating func dropVanished() {
        let gone = instances.map(\.stateDirectory).filter { !DurableFile.exists($0) }
        for directory in gone { remove(stateDirectory: directory) }
    }

    /// Reads a file's bytes.
    ///
    /// - Throws: `Malformed` when they are no lease table.
    init(bytes: [UInt8]) throws {
        let json = try JSONParser.parse(String(decoding: bytes, as: UTF8.self))
        guard let object = json.objectValue, let version = object["version"]?.intValue, version >= 1 else {
            throw Malformed(description: "it holds no object with a version")
        }
        guard let instances = object["instances"]?.arrayValue, let leases = object["leases"]?.arrayValue else {
            throw version > Self.currentVersion
                ? Malformed(description: "version \(version) is not understood", isNewer: true)
                : Malformed(description: "it holds no lists of instances and leases")
        }
        self.version = version
        for row in instances {
            if let record = RegisteredInstance(json: row), self[record.stateDirectory] == nil {
                self.instances.append(record)
            } else if RegisteredInstance(json: row) == nil {
                otherInstances.append(row)
            }
        }
        for row in leases {
            if let lease = Lease(json: row) { self.leases.append(lease) } else { otherLeases.append(row) }
        }
        others = object.filter { !["version", "instances", "leases"].contains($0.key) }
    }

    var bytes: [UInt8] {
        let object: JSONObject = [
            "version": JSONValue(version), "instances": .array(instances.map(\.json) + otherInstances),
            "leases": .array(leases.map(\.json) + otherLeases),
        ]
        let json = JSONValue.object(object.merging(others) { ours, _ in ours })
        return Array(JSONWriter.pretty(json).utf8) + [UInt8(ascii: "\n")]
    }

    struct Malformed: Error, CustomStringConvertible {
        let description: String
        var isNewer = false
    }
}
