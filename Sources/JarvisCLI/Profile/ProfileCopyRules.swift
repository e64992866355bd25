import JarvisConfig
import JarvisCore
import JarvisHost

/// What becomes of each configuration value when an instance gets a twin on the same host.
struct ProfileCopyRules {
    /// Where the values come from.
    struct Origin {
        /// The state directory that paths of the original lie in, absolute.
        var stateDirectory: String
        /// The home of the original.
        var home: String
        /// The words that reach the original, for hints.
        var command = "jarvis"
    }

    let origin: Origin
    let instance: Instance
    let port: Int
    /// Whether exclusive values come along too.
    var keepsExclusive = false

    /// The configuration of `snapshot` for `instance`.
    ///
    /// - Throws: `config.invalid`.
    func copy(_ snapshot: ConfigSnapshot) throws -> ConfigCopy {
        var copy = try ConfigCopy(of: snapshot, command: origin.command, verdict)
        try copy.set(JSONValue(port), at: ConfigPath("gateway", "port"), reason: "a port of its own")
        try copy.set(
            .string(instance.defaultWorkspace), at: ConfigPath("agents", "defaults", "workspace"),
            reason: "a workspace of its own")
        let auth = snapshot.config.gateway.auth
        if auth.effectiveMode == .token, auth.token == nil, !auth.isBroken {
            try copy.set(
                .string(Identifiers.randomHex(bytes: 24)), at: ConfigPath("gateway", "auth", "token"),
                reason: "a token of its own")
        }
        if auth.effectiveMode == .password, auth.password == nil, !auth.isBroken {
            try copy.set(
                .string(Identifiers.randomHex(bytes: 12)), at: ConfigPath("gateway", "auth", "password"),
                reason: "a password of its own")
        }
        return copy
    }

    func verdict(_ path: ConfigPath, _ value: JSONValue) -> ConfigCopy.Verdict {
        if path.elements.first == .key("env") {
            guard value.objectValue == nil, ConfigSharing.of(path) == .exclusive, !keepsExclusive else { return .keep }
            return .removeUnlessUsed("no shared setting refers to it")
        }
        switch ConfigSharing.of(path) {
        case .exclusive: return keepsExclusive ? relocated(value) : .remove("two gateways can't both have it")
        case .regenerate: return regenerated(path, value)
        case .share: return relocated(value)
        }
    }

    private func regenerated(_ path: ConfigPath, _ value: JSONValue) -> ConfigCopy.Verdict {
        switch path {
        case ConfigPath("gateway", "port"): return .replace(JSONValue(port), "a port of its own")
        case ConfigPath("gateway", "auth", "token"):
            return .replace(.string(Identifiers.randomHex(bytes: 24)), "a token of its own")
        case ConfigPath("gateway", "auth", "password"):
            return .replace(.string(Identifiers.randomHex(bytes: 12)), "a password of its own")
        case ConfigPath("agents", "defaults", "workspace"):
            return .replace(.string(instance.defaultWorkspace), "a workspace of its own")
        default:
            // The workspace of one agent, and whatever row comes to say regenerate.
            if case .replace(let new, _) = relocated(value) { return .replace(new, "a directory of its own") }
            return .remove("its default is the instance's own")
        }
    }

    /// A path inside the original means the same place inside the copy.
    private func relocated(_ value: JSONValue) -> ConfigCopy.Verdict {
        guard case .string(let text) = value else { return .keep }
        let path: String
        if text.hasPrefix("/") {
            path = text
        } else if text.hasPrefix("~/") {
            path = HostPath.join(origin.home, String(text.dropFirst(2)))
        } else {
            return .keep
        }
        guard let inside = HostPath.relative(path, to: origin.stateDirectory) else { return .keep }
        return .replace(
            .string(HostPath.join(instance.stateDirectory, inside)), "the same place in its own state directory")
    }
}

/// The difference between a configuration and its copy.
enum ProfileDifference {
    static func json(_ changes: [ConfigCopy.Change]) -> JSONValue {
        .array(
            changes.map { change in
                .members([
                    "path": .string(change.path.description), "sharing": .string(change.sharing.rawValue),
                    "reason": .string(change.reason), "before": change.before, "after": change.after,
                ])
            })
    }

    static func lines(_ changes: [ConfigCopy.Change]) -> [String] {
        var table = TextTable()
        for change in changes {
            let after = change.after.map(shown) ?? "left out"
            table.add(
                "  \(change.path)", change.sharing.rawValue, "\(shown(change.before)) → \(after)",
                "(\(change.reason))")
        }
        return changes.isEmpty ? ["  no setting differs"] : [table.text]
    }

    private static func shown(_ value: JSONValue?) -> String {
        value?.stringValue == Secret.sentinel ? "(secret)" : Humanize.value(value)
    }
}
