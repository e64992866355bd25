/// Which addresses a client may connect to. Judged on the resolved address, and the connection goes to exactly that
/// address: a name can't point somewhere else between check and use.
package struct EgressPolicy: Sendable, Equatable {
    private enum Reach: Sendable { case any, publicOnly }

    private let reach: Reach

    /// Every address: for servers that the owner's configuration names.
    package static let any = EgressPolicy(reach: .any)
    /// Addresses on the public internet only, and no unix socket: for URLs that a model or a stranger chose.
    package static let publicOnly = EgressPolicy(reach: .publicOnly)

    /// Whether `address` may be connected to.
    package func allows(_ address: IPAddress) -> Bool { reach == .any || address.addressClass == .global }

    /// Whether unix sockets may be connected to.
    package var allowsUnixSockets: Bool { reach == .any }
}
