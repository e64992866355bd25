import JarvisConfig
import JarvisCore

/// Whether the instances of this host are disjoint: no place, port, service, bot account or name belongs to two.
package enum FleetCheck {
    /// The footprints of all instances of this host, and of `extra`, which may not exist yet.
    ///
    /// - Throws: `home.missing`, `home.relative`; exit 2.
    package static func footprints(
        environment: HostEnvironment, including extra: Instance? = nil
    ) throws(JarvisError) -> [Footprint] {
        try survey(environment: environment, including: extra).footprints
    }

    /// The same with what was read of the host for it.
    static func survey(
        environment: HostEnvironment, including extra: Instance? = nil
    ) throws(JarvisError) -> (footprints: [Footprint], host: FleetHost) {
        var siblings = try InstanceScanner.all(environment: environment)
        for lost in try InstanceScanner.unreadable(environment: environment)
        where !siblings.contains(where: { $0.stateDirectory == lost.stateDirectory }) {
            siblings.append(lost)
        }
        var instances: [Instance] = []
        for sibling in siblings { instances.append(try sibling.instance(environment: environment)) }
        if let extra {
            let place = extra.canonicalStateDirectory
            if let index = instances.firstIndex(where: { $0.canonicalStateDirectory == place }) {
                instances[index] = extra
            } else {
                instances.append(extra)
            }
        }
        let host = try FleetHost.read(environment: environment, instances: instances)
        let key = BotIdentity.key(hostDirectory: host.directory)
        return (instances.map { Footprint(of: $0, key: key, host: host, environment: environment) }, host)
    }

    /// Everything that two of the footprints share, conflicts first. A thing that follows from another overlap of the
    /// same two (a log inside a state directory that both use) is not told again.
    package static func overlaps(_ footprints: [Footprint]) -> [Overlap] {
        var index = ClaimIndex(footprints)
        return index.overlaps().sorted {
            ($0.severity == .conflict ? 0 : 1, $0.a.name, $0.b.name, $0.kind.rawValue, $0.value)
                < ($1.severity == .conflict ? 0 : 1, $1.a.name, $1.b.name, $1.kind.rawValue, $1.value)
        }
    }

    /// Passes when `instance`, which may not exist yet, shares nothing with another instance of this host.
    ///
    /// - Throws: `fleet.overlap`, exit 2, naming the thing and both owners; `home.missing`, `home.relative`.
    package static func requireDisjoint(
        _ instance: Instance, environment: HostEnvironment
    ) throws(JarvisError) {
        let footprints = try footprints(environment: environment, including: instance)
        let mine = overlaps(footprints).filter { overlap in
            overlap.severity == .conflict
                && [overlap.a.stateDirectory, overlap.b.stateDirectory].contains(instance.stateDirectory)
        }
        guard let first = mine.first else { return }
        throw refusal(first, others: mine.count - 1)
    }

    /// Passes when `instance` may also claim `claim` (a workspace that is about to be written down).
    ///
    /// - Throws: as `requireDisjoint(_:environment:)`.
    package static func requireFree(
        _ claim: Claim, for instance: Instance, environment: HostEnvironment
    ) throws(JarvisError) {
        var footprints = try footprints(environment: environment, including: instance)
        let place = instance.canonicalStateDirectory
        guard let index = footprints.firstIndex(where: { $0.instance.canonicalStateDirectory == place }),
            claim.place.map({ !$0.isInside(PathIdentity(of: instance.stateDirectory)) }) ?? true
        else { return }
        footprints[index].claims = [claim]
        let found = overlaps(footprints).first { overlap in
            overlap.severity == .conflict
                && [overlap.a.stateDirectory, overlap.b.stateDirectory].contains(instance.stateDirectory)
        }
        if let found { throw refusal(found, others: 0) }
    }

    /// Passes when `path` may be the workspace of `instance`.
    ///
    /// - Throws: as `requireDisjoint(_:environment:)`.
    package static func requireFree(
        workspace path: String, for instance: Instance, environment: HostEnvironment
    ) throws(JarvisError) {
        try requireFree(Claim(.workspace, path: path, .tree, "workspace"), for: instance, environment: environment)
    }

    /// What an instance shares with others at present, one sentence each; for notes of a setup.
    ///
    /// - Throws: `home.missing`, `home.relative`; exit 2.
    package static func notes(
        for instance: Instance, environment: HostEnvironment
    ) throws(JarvisError) -> [String] {
        let state = instance.stateDirectory
        return try overlaps(footprints(environment: environment, including: instance)).compactMap { overlap in
            guard overlap.severity == .conflict, [overlap.a.stateDirectory, overlap.b.stateDirectory].contains(state)
            else { return nil }
            let other = overlap.a.stateDirectory == state ? overlap.b : overlap.a
            return "the \(overlap.kind.title) \(overlap.value) also belongs to \(other.title); next: \(overlap.next)"
        }
    }

    /// The error for an overlap.
    static func refusal(_ overlap: Overlap, others: Int) -> JarvisError {
        let more = others > 0 ? " \(others) more: jarvis fleet check." : ""
        return JarvisError(
            "fleet.overlap",
            "The \(overlap.kind.title) \(overlap.value) belongs to two gateways: \(overlap.a.title), as"
                + " \(overlap.a.purpose), and \(overlap.b.title), as \(overlap.b.purpose). \(overlap.why)\(more)",
            hint: overlap.next,
            metadata: [
                "kind": overlap.kind.rawValue, "value": overlap.value, "a": overlap.a.stateDirectory,
                "b": overlap.b.stateDirectory,
            ], exitCode: 2)
    }
}

extension SiblingInstance {
    /// The instance as its own gateway sees it: no variable of this shell that names an instance counts.
    ///
    /// - Throws: `home.missing`, `home.relative`; exit 2.
    package func instance(environment: HostEnvironment) throws(JarvisError) -> Instance {
        var own = environment
        for name in [
            "JARVIS_PROFILE", "JARVIS_STATE_DIR", "JARVIS_CONFIG_PATH", "JARVIS_GATEWAY_PORT", "JARVIS_INSTANCE_ID",
        ] {
            own.variables[name] = nil
        }
        own.variables["JARVIS_STATE_DIR"] = stateDirectory
        own.variables["JARVIS_CONFIG_PATH"] = configPath
        if let profile { own.variables["JARVIS_PROFILE"] = profile.text }
        do throws(JarvisError) {
            return try InstanceResolver.resolve(environment: own)
        } catch {
            // A profile name that contradicts the directory: the directory counts.
            own.variables["JARVIS_PROFILE"] = nil
            return try InstanceResolver.resolve(environment: own)
        }
    }
}
