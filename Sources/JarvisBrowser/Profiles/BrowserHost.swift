import JarvisCore
import JarvisNet
import JarvisSystem
import Logging
import NIOCore

/// What browsers need from the gateway and from this host, as closures: leases, the owner of a thing, a write of the
/// configuration.
package struct BrowserHost: Sendable {
    /// The children of this instance; every browser is one.
    package var tree: ChildTree
    /// Chrome's environment: the gateway's own without what names the instance and without credentials.
    package var environment: [String: String]
    /// Where sockets and timers run.
    package var group: any EventLoopGroup
    /// How the command line of this instance begins, for messages: `jarvis --profile rescue`. Default
    /// `jarvis`.
    package var command = "jarvis"
    /// Where records go. They hold no credential and no address with a query.
    package var logger: Logger

    /// Called whenever a browser has started: what only a start needs may be given back. Must be quick. Default nothing.
    package var started: @Sendable () -> Void = {}

    /// The debugging port of a profile: the leased one, or `pinned`. `relocate`: the leased one is in use by a stranger,
    /// give another.
    ///
    /// Throws `BrowserError` 409 `port_taken` naming the owner, 507 `no_port`.
    package var leasePort: @Sendable (_ profile: String, _ pinned: Int?, _ relocate: Bool) async throws -> Int
    /// Gives the port of a profile back.
    package var releasePort: @Sendable (_ profile: String) async -> Void
    /// Takes a user-data directory for a profile. Throws `BrowserError` 409 `directory_taken` naming the owner.
    package var leaseDirectory: @Sendable (_ profile: String, _ directory: String) async throws -> Void
    /// Gives a user-data directory back.
    package var releaseDirectory: @Sendable (_ directory: String) async -> Void
    /// Takes the address of a remote browser (`CDPAddress.endpoint`). Throws `BrowserError` 409 `address_taken`.
    package var leaseEndpoint: @Sendable (_ profile: String, _ endpoint: String) async throws -> Void
    /// Gives the address of a remote browser back.
    package var releaseEndpoint: @Sendable (_ endpoint: String) async -> Void

    /// The gateway of this host whose instance id a process carries in `JARVIS_INSTANCE`, in words such as
    /// `the gateway “rescue”`; nil when no gateway has that id.
    package var instanceTitle: @Sendable (_ instanceId: String) async -> String?
    /// The other gateway of this host to which a port belongs, in words; nil when it is nobody's or our own.
    package var portOwner: @Sendable (_ port: Int) async -> String?
    /// The other gateway of this host to which a user-data directory belongs, in words; nil when it is nobody's or ours.
    package var directoryOwner: @Sendable (_ directory: String) async -> String?
    /// Ports of this host that no page may open: this gateway's and its siblings'. Quick; asked at each use.
    package var deniedPorts: @Sendable () -> Set<Int>

    /// Writes a new profile into the configuration. Throws `BrowserError` 409, 500.
    package var saveProfile: @Sendable (BrowserSettings.Profile) async throws -> Void
    /// Takes a profile out of the configuration. Throws `BrowserError`.
    package var removeProfile: @Sendable (_ name: String) async throws -> Void
    /// Moves a directory into the instance's trash and returns its new place; nil when there was nothing.
    package var moveToTrash: @Sendable (_ profile: String, _ directory: String) async throws -> String?

    /// A host without other gateways and without a configuration that could be written: for tests and for the debug
    /// command. Ports are counted up from `firstPort`.
    package init(
        tree: ChildTree, environment: [String: String], group: any EventLoopGroup, logger: Logger, firstPort: Int = 0
    ) {
        self.tree = tree
        self.environment = environment
        self.group = group
        self.logger = logger
        let ports = PortCounter(first: firstPort)
        leasePort = { profile, pinned, relocate in pinned ?? ports.port(profile, relocate: relocate) }
        releasePort = { _ in }
        leaseDirectory = { _, _ in }
        releaseDirectory = { _ in }
        leaseEndpoint = { _, _ in }
        releaseEndpoint = { _ in }
        instanceTitle = { _ in nil }
        portOwner = { _ in nil }
        directoryOwner = { _ in nil }
        deniedPorts = { [] }
        saveProfile = { _ in throw BrowserError(409, "no_config", "There is no configuration to write here.") }
        removeProfile = { _ in throw BrowserError(409, "no_config", "There is no configuration to write here.") }
        moveToTrash = { _, _ in throw BrowserError(409, "no_trash", "There is no trash here.") }
    }
}
