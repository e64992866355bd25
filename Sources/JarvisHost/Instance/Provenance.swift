/// Where a value came from.
package enum ValueSource: Sendable, Hashable, CustomStringConvertible {
    /// A command-line option, such as `--profile rescue`.
    case flag(String)
    /// An environment variable, by name.
    case env(String)
    /// The configuration, by key.
    case config(String)
    /// Follows from another value, by the name of that value.
    case derived(String)
    /// The built-in rule.
    case `default`

    /// For people: `--profile rescue`, `environment JARVIS_STATE_DIR`, `gateway.port`, `default`.
    package var description: String {
        switch self {
        case .flag(let option): option
        case .env(let name): "environment \(name)"
        case .config(let key): "config \(key)"
        case .derived(let name): "from \(name)"
        case .default: "default"
        }
    }

    /// One word for programs: `flag`, `env`, `config`, `derived`, `default`.
    package var kind: String {
        switch self {
        case .flag: "flag"
        case .env: "env"
        case .config: "config"
        case .derived: "derived"
        case .default: "default"
        }
    }
}

/// A value of an instance, where it came from, and what it won against.
package struct Provenance: Sendable, Hashable {
    /// A value that lost.
    package struct Overruled: Sendable, Hashable {
        /// The losing value.
        package var value: String
        /// Where it stood.
        package var source: ValueSource
        /// Why it lost, for people: `inherited from profile main` …
        package var reason: String
    }

    /// The value as text.
    package var value: String
    /// Where it came from.
    package var source: ValueSource
    /// What lost; empty when nothing else was said.
    package var overruled: [Overruled] = []

    /// Whether a value of another instance was set aside.
    package var setAsideInherited: Bool { overruled.contains { $0.reason.hasPrefix("inherited") } }
}
