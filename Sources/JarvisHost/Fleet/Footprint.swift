import JarvisConfig
import JarvisCore

/// All that one instance can touch on this host: places, ports, services, bot accounts, names.
package struct Footprint: Sendable {
    /// The instance.
    package let instance: Instance
    /// `default` or the profile's name.
    package var name: String { instance.displayName }
    /// Its permanent id; nil when it has none yet or it can't be read.
    package let instanceId: String?
    /// Whether a gateway holds the lock on its state directory.
    package let isRunning: Bool
    /// The claims, state directory first.
    package var claims: [Claim]
    /// What could not be found out, for people: a configuration that can't be read, a credential whose variable is
    /// unset here.
    package var unknown: [String]

    /// The footprint of `instance`. Reads the disk, creates nothing, asks no gateway. Blocks for some milliseconds.
    ///
    /// - Parameters:
    ///   - key: the key under which bot credentials are hashed; the same for all footprints that are compared.
    ///   - host: what is known of the host besides the instances, read once for all footprints.
    package init(
        of instance: Instance, key: BotIdentity.Key, host: FleetHost = FleetHost(), environment: HostEnvironment
    ) {
        var reader = FootprintReader(instance: instance, key: key, host: host, environment: environment)
        reader.read()
        self.instance = instance
        instanceId = reader.instanceId
        isRunning = StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory)
        claims = reader.claims
        unknown = reader.unknown
    }

    /// Whether `path` is, or lies inside, something that this instance claims.
    package func owns(_ path: String) -> Bool {
        let place = PathIdentity(of: path)
        return claims.contains { claim in
            guard let claimed = claim.place else { return false }
            return claim.extent == .tree ? place.isInside(claimed) : place.key == claimed.key
        }
    }

    /// The claims on things of one sort.
    package func values(_ kind: Claim.Kind) -> [String] { claims.filter { $0.kind == kind }.map(\.value) }

    /// This instance as one side of an overlap.
    package func side(_ claim: Claim) -> Overlap.Side {
        Overlap.Side(
            name: name, instanceId: instanceId, stateDirectory: instance.stateDirectory, purpose: claim.purpose,
            command: instance.command)
    }

    /// `{name, instanceId, stateDir, running, claims: [{kind, value, purpose, active}], unknown}`.
    package var json: JSONValue {
        .members([
            "name": .string(name), "instanceId": instanceId.map(JSONValue.string),
            "stateDir": .string(instance.stateDirectory), "running": .bool(isRunning),
            "command": .string(instance.command),
            "claims": .array(
                claims.map {
                    [
                        "kind": .string($0.kind.rawValue), "value": .string($0.value), "purpose": .string($0.purpose),
                        "active": .bool($0.isActive),
                    ]
                }), "unknown": JSONValue(unknown),
        ])
    }
}
