import JarvisCore
import JarvisHost
import JarvisSystem

/// The base port of an instance beside its siblings.
struct PortChoice {
    let context: CLIContext
    let instance: Instance

    /// Passes when no sibling owns `port` or a port nearer than 20. Sets nothing aside.
    ///
    /// - Throws: `port.sibling`, exit 2, with both owners and a port that is free; `port.range`.
    func check(_ port: Int) throws {
        try reservation().check(port, context.leases().read())
    }

    /// A base whose whole span no sibling touches and on which nothing listens; nil when no block is left. Sets nothing
    /// aside.
    func propose() throws -> Int? { try reservation().propose(context.leases().read()) }

    /// Sets a base aside for the instance before its configuration is written, so that of any number of set-ups at one
    /// time no two get the same.
    ///
    /// - Throws: as `LeaseStore.reserveBlock`.
    func reserve(_ wish: PortReservation.Wish) throws -> Int {
        try context.leases().reserveBlock(for: reservation(), wish: wish)
    }

    /// Calls `change`, which writes the port into the configuration, with the port set aside.
    ///
    /// - Throws: as `LeaseStore.changeBase`.
    func change<Result>(to port: Int, _ change: () throws -> Result) throws -> Result {
        try context.leases().changeBase(to: port, for: reservation(), change)
    }

    /// What the owner should know about `port`.
    func notes(_ port: Int) throws -> [String] {
        var notes: [String] = []
        let reservation = try reservation()
        let span = try PortSpan(base: port)
        for other in reservation.owned(try context.leases().read()) {
            switch span.spacing(to: other.base) {
            case .clear: break
            case .tooClose:
                notes.append("port \(port) is too close to \(other.base) of \"\(other.profile)\"")
            case .shared(let count):
                notes.append(
                    "\(count) browser profiles fit between port \(port) and \(other.base) of \"\(other.profile)\"")
            }
        }
        for taken in [port, port + 2] {
            guard let listener = PortListeners(ports: [taken])[taken], !isOwn(listener) else { continue }
            notes.append("\(PortMap.name(listener)) listens on port \(taken) now")
        }
        let usual = PortPlan.firstGuess(instance.profile, ephemeralStart: PortPlan.ephemeralStart())
        if port != usual, instance.profile == nil, let reason = try reason(against: usual, reservation) {
            notes.append("port \(usual) is taken by \(reason), so this gateway has \(port)")
        }
        return notes
    }

    private func reason(against usual: Int, _ reservation: PortReservation) throws -> String? {
        let owned = reservation.owned(try context.leases().read())
        if let owner = owned.first(where: { abs($0.base - usual) < PortPlan.blockSize }) {
            return "the gateway \"\(owner.profile)\""
        }
        if let foreign = reservation.foreign.first(where: { $0.isInTheWay(of: usual) }) {
            return "\(foreign.name) (\(foreign.stateDirectory))"
        }
        if let holder = PortHolder.find(port: usual) { return "\(holder)" }
        return PortPlan.isFree(usual) ? nil : "a program of another user"
    }

    private func isOwn(_ listener: PortListeners.Listener) -> Bool {
        guard let owner = DirectoryLock.holderPid(of: instance.stateDirectory) else { return false }
        return listener.holder?.descends(from: owner) ?? false
    }

    private func reservation() throws -> PortReservation {
        let siblings = try InstanceScanner.siblings(
            of: instance, environment: context.environment, configuredPort: context.configuredPort)
        return PortReservation(
            instance: instance, siblings: siblings,
            foreign: FamilyGateway.installed(home: try context.environment.home().path))
    }
}
