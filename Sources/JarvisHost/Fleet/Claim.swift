/// One thing that an instance can touch, and why.
package struct Claim: Sendable, Hashable {
    /// What sort of thing.
    package enum Kind: String, Sendable, CaseIterable {
        /// The state directory.
        case state
        /// The configuration file.
        case config
        /// The files of an agent.
        case workspace
        /// A log file outside the state directory.
        case log
        /// Some other file or directory.
        case path
        /// The control socket.
        case socket
        /// A TCP port of this host.
        case port
        /// The user-data directory of a browser.
        case browser
        /// The address of a browser that runs elsewhere.
        case cdpUrl
        /// The name of a service in one domain.
        case unit
        /// A bot account.
        case identity
        /// A name on the network, a container name, a host-wide publication.
        case name
        /// The permanent id.
        case instanceId

        /// The letter in the matrix.
        package var letter: String {
            switch self {
            case .state: "S"
            case .config: "C"
            case .workspace: "W"
            case .log: "L"
            case .path: "F"
            case .socket: "K"
            case .port: "P"
            case .browser: "B"
            case .cdpUrl: "R"
            case .unit: "U"
            case .identity: "T"
            case .name: "N"
            case .instanceId: "I"
            }
        }

        /// The word for people.
        package var title: String {
            switch self {
            case .state: "state directory"
            case .config: "configuration"
            case .workspace: "workspace"
            case .log: "log"
            case .path: "file"
            case .socket: "control socket"
            case .port: "port"
            case .browser: "browser data"
            case .cdpUrl: "remote browser"
            case .unit: "service"
            case .identity: "bot identity"
            case .name: "name"
            case .instanceId: "instance id"
            }
        }
    }

    /// How much of a path is claimed.
    package enum Extent: Sendable, Hashable {
        /// This file alone.
        case file
        /// A directory with all that is in it.
        case tree
    }

    /// What sort of thing.
    package var kind: Kind
    /// The thing: a path, a port in digits, a unit name, a keyed hash. Never a secret.
    package var value: String
    /// What the instance uses it for, and where that is written: `workspace of agent main (agents.defaults.workspace)`.
    package var purpose: String
    /// The real place; nil for things that are no paths.
    package var place: PathIdentity?
    /// How much of it is claimed, for a path.
    package var extent: Extent
    /// False when the claim has no effect at present: a channel that is switched off, a service not installed.
    package var isActive: Bool

    /// A claim on something that is no path.
    package init(_ kind: Kind, _ value: String, _ purpose: String, isActive: Bool = true) {
        self.kind = kind
        self.value = value
        self.purpose = purpose
        place = nil
        extent = .file
        self.isActive = isActive
    }

    /// A claim on a path, which need not exist.
    package init(_ kind: Kind, path: String, _ extent: Extent, _ purpose: String, isActive: Bool = true) {
        self.kind = kind
        value = path
        self.purpose = purpose
        place = PathIdentity(of: path)
        self.extent = extent
        self.isActive = isActive
    }
}
