/// What a connection may do. Authority comes from the credential alone: a connection's scopes are those that it asked
/// for *and* that its credential grants.
public enum Scope: String, Sendable, Hashable, CaseIterable {
    /// Everything.
    case admin = "operator.admin"
    /// Look.
    case read = "operator.read"
    /// Talk, run, abort. Implies `read`.
    case write = "operator.write"
    /// Answer approvals.
    case approvals = "operator.approvals"
    /// Pair and unpair devices.
    case pairing = "operator.pairing"
}

/// A set of scopes with the protocol's implications.
public struct ScopeSet: Sendable, Hashable {
    /// The scopes as granted.
    public var scopes: Set<Scope>

    /// A set.
    public init(_ scopes: some Sequence<Scope>) { self.scopes = Set(scopes) }

    /// Every scope: what the shared secret and the owner's own socket grant.
    public static let all = ScopeSet(Scope.allCases)

    /// Reads the spellings of a wire list. An unknown spelling grants nothing and is left out.
    public init(names: [String]) { scopes = Set(names.compactMap(Scope.init(rawValue:))) }

    /// The spellings, in a stable order.
    public var names: [String] { Scope.allCases.filter(scopes.contains).map(\.rawValue) }

    /// Whether a method that needs `scope` may be called.
    public func allows(_ scope: Scope) -> Bool {
        if scopes.contains(.admin) || scopes.contains(scope) { return true }
        return scope == .read && scopes.contains(.write)
    }

    /// Whether everything in `other` is allowed here: the test before minting or granting.
    public func covers(_ other: ScopeSet) -> Bool { other.scopes.allSatisfy(allows) }

    /// What both allow, in `requested`'s words.
    public func granting(_ requested: ScopeSet) -> ScopeSet { ScopeSet(requested.scopes.filter(allows)) }
}
