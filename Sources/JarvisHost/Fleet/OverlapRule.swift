/// What it means that two instances claim one thing.
struct OverlapRule {
    let kind: Claim.Kind
    let severity: Overlap.Severity
    let why: String
    private let isSame: Bool

    /// - Parameters:
    ///   - inner: the claim on the thing, or on the inner one of two places.
    ///   - outer: the claim on the same thing, or on the place around it.
    init(inner: Claim, outer: Claim, isSame: Bool) {
        self.isSame = isSame
        let isActive = inner.isActive && outer.isActive
        guard isSame else {
            kind = outer.kind == .workspace || inner.kind == .path ? outer.kind : inner.kind
            // A file inside another's state directory (both configurations in one folder) is untidy; a directory in
            // which one works while the other owns it is a conflict.
            let isFile = inner.extent == .file && outer.kind == .state
            severity = isFile || !isActive ? .note : .conflict
            why =
                isFile
                ? "The \(inner.kind.title) of the one lies in the \(outer.kind.title) of the other and is moved, exported"
                    + " and removed with it."
                : "The \(inner.kind.title) of the one lies inside the \(outer.kind.title) of the other, which can read,"
                    + " change and remove it."
            return
        }
        let kinds = [inner.kind, outer.kind]
        kind = kinds.contains(.state) ? .state : inner.kind == .path ? outer.kind : inner.kind
        severity = isActive ? .conflict : .note
        switch kind {
        case .state: why = "Jobs would run twice and conversations would mix."
        case .config: why = "A change for the one would change the other, the port included."
        case .workspace: why = "Their agents would undo each other's work."
        case .log: why = "Their lines would mix, and both would rotate the file."
        case .path: why = "Both would write there."
        case .socket: why = "Only one of them could be reached."
        case .port: why = "Only one of them can listen there."
        case .browser: why = "A browser's data can be open in one browser only."
        case .cdpUrl: why = "Both would drive the same browser."
        case .unit: why = "A command for the one would start, stop or replace the other."
        case .identity: why = "Only one of them can receive its messages; which one changes from start to start."
        case .name: why = "Only one of them can have it."
        case .instanceId: why = "One is a copy of the other: clients and leases can't tell them apart."
        }
    }

    /// The command or step that ends the overlap, at the side that is easier to change.
    func next(_ inner: Footprint, _ outer: Footprint, basesInUse: [Int]) -> String {
        let side = inner.instance.profile == nil && outer.instance.profile != nil && isSame ? outer : inner
        let command = side.instance.command
        switch kind {
        case .port: return Self.portCommand(side, basesInUse: basesInUse)
        case .workspace:
            return "\(command) config set agents.defaults.workspace \(side.instance.defaultWorkspace)"
        case .log: return "\(command) config unset logging.file"
        case .instanceId: return "\(command) doctor --fix"
        case .unit: return "\(command) gateway install"
        case .identity: return "\(command) config get channels"
        case .cdpUrl, .browser: return "\(command) config get browser"
        default: return "\(command) which"
        }
    }

    /// The command that gives an instance a base port of its own.
    static func portCommand(_ side: Footprint, basesInUse: [Int]) -> String {
        let free = PortPlan.propose(for: side.instance.profile, taken: basesInUse)
        return "\(side.instance.command) config set gateway.port \(free.map(String.init) ?? "<another>")"
    }
}
