import JarvisCore

/// One gateway of this host, as flags, environment and home name it. A value: making one touches no disk.
package struct Instance: Sendable {
    /// The names under which `provenance` knows the values.
    package enum Value: String, Sendable, CaseIterable {
        /// The home that everything hangs on.
        case home
        /// The profile; its text is `default` or the name.
        case profile
        /// The state directory.
        case stateDirectory
        /// The configuration file.
        case configPath
    }

    /// The profile; nil for the default instance.
    package let profile: ProfileName?
    /// The home directory.
    package let home: String
    /// The state directory, absolute, as it was named.
    package let stateDirectory: String
    /// The state directory without symbolic links: what two names of one instance have in common.
    package let canonicalStateDirectory: String
    /// The configuration file, absolute. It may lie anywhere.
    package let configPath: String
    /// Every other place of the instance.
    package let paths: InstancePaths
    /// Where each value came from, and what it won against.
    package let provenance: [Value: Provenance]
    /// `JARVIS_GATEWAY_PORT` as it counts for this instance: nil when unset or inherited from another instance.
    package let portVariable: String?
    /// `JARVIS_GATEWAY_PORT` of another instance that was set aside; for messages.
    package let inheritedPortVariable: String?

    /// `default` or the profile's name.
    package var displayName: String { profile?.text ?? "default" }

    /// What names of services, units and sockets end in: empty for the default instance, else `-<profile>`.
    package var suffix: String { profile.map { "-\($0)" } ?? "" }

    /// The workspace when the configuration names none: `<state>/workspace`, or `<state>/workspace-<profile>`.
    package var defaultWorkspace: String { HostPath.join(stateDirectory, "workspace\(suffix)") }

    /// The workspace of an agent other than the default one, when the configuration names none.
    package func defaultWorkspace(agent: String) -> String {
        HostPath.join(stateDirectory, "workspace-\(InstancePaths.fileName(agent))")
    }

    /// The base port when nothing names one: 18789, 19001 for `dev`, 19789 for `rescue`, and for any other profile a
    /// first guess that is stable for the name.
    package var defaultPort: Int { PortPlan.firstGuess(profile) }

    /// The words that reach this instance from any shell: `jarvis`, `jarvis --profile rescue`, or with the variables
    /// that name its places. For hints.
    package var command: String {
        let base = HostPath.join(home, ".jarvis\(suffix)")
        var words: [String] = []
        if stateDirectory != base { words.append("JARVIS_STATE_DIR=\(Self.quoted(stateDirectory))") }
        if configPath != HostPath.join(stateDirectory, "jarvis.json") {
            words.append("JARVIS_CONFIG_PATH=\(Self.quoted(configPath))")
        }
        words.append("jarvis")
        if let profile { words.append("--profile \(profile)") }
        return words.joined(separator: " ")
    }

    static func quoted(_ path: String) -> String {
        let plain = path.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "+"):
                true
            default: false
            }
        }
        return plain
            ? path : "'\(path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#))'"
    }
}
