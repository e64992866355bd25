import JarvisConfig
import JarvisCore
import JarvisSystem

/// Every port that the instances of this host have to do with, and who listens there now. Reads only.
package struct PortMap: Sendable {
    /// What a port is for.
    package enum Role: Sendable, Hashable {
        /// HTTP, WebSocket and canvas.
        case gateway
        /// The browser control service.
        case browserControl
        /// Debugging of a browser profile, by name.
        case browser(String)
        /// Another single port that is leased, by its purpose.
        case other(String)

        /// One word for programs: `gateway`, `browserControl`, `browser`, `other`.
        package var word: String {
            switch self {
            case .gateway: "gateway"
            case .browserControl: "browserControl"
            case .browser: "browser"
            case .other: "other"
            }
        }
    }

    /// Who is there.
    package enum State: Sendable, Hashable {
        /// Nobody listens.
        case free
        /// The instance itself or a process that it started.
        case own(PortHolder?)
        /// Somebody else: in the way.
        case foreign(PortListeners.Listener)
    }

    /// One port of one instance.
    package struct Entry: Sendable, Hashable {
        /// The number.
        package var port: Int
        /// What for.
        package var role: Role
        /// Who is there now.
        package var state: State

        /// Whether it stays with what it is for while nobody listens.
        package var isLeased: Bool {
            switch role {
            case .gateway, .browserControl: false
            case .browser, .other: true
            }
        }
    }

    /// The ports of one instance.
    package struct Row: Sendable {
        /// `default` or the profile's name.
        package var profile: String
        /// The state directory.
        package var stateDirectory: String
        /// Its id; nil when it has none yet.
        package var instanceId: String?
        /// Whether a gateway holds the lock on the state directory.
        package var isRunning: Bool
        /// The base port: of the running gateway, else configured, else set aside, else the profile's first guess.
        package var base: Int
        /// The base that is set aside, where it is another one than `base`.
        package var reservedBase: Int?
        /// Base, control, and every leased port.
        package var entries: [Entry]
        /// Listeners of others inside the debugging range where nothing is leased: no harm, they are skipped.
        package var strangers: [Int: PortListeners.Listener]
    }

    /// A gateway of the family that is not JARVIS.
    package struct Foreign: Sendable {
        /// Which one.
        package var gateway: FamilyGateway
        /// Who listens on its base now; nil when nobody does.
        package var listener: PortListeners.Listener?
    }

    /// Two that want one port, or a base nearer to another than allowed.
    package struct Overlap: Sendable, Hashable {
        /// The port, of the first.
        package var port: Int
        /// Who meets whom, in words.
        package var message: String
        /// The profiles, or the strangers' names.
        package var owners: [String]
    }

    /// The instances: those under the home by name, then those elsewhere.
    package var rows: [Row]
    /// Gateways of the family that are not JARVIS.
    package var foreign: [Foreign]
    /// Listeners on the well-known ports of the family that no instance and no known gateway explains.
    package var unexplained: [Int: PortListeners.Listener]
    /// Each pair once.
    package var overlaps: [Overlap]
    /// What is worth knowing and no fault.
    package var notes: [String]

    /// Looks at this host now. Blocks for some milliseconds.
    ///
    /// - Throws: `home.missing`, `home.relative`, `path.invalid`; exit 2.
    package static func gather(environment: HostEnvironment) throws(JarvisError) -> PortMap {
        let store = try LeaseStore(environment: environment)
        let (table, condition) = store.load()
        let siblings = try InstanceScanner.all(
            environment: environment, configuredPort: { LeaseRebuild.configuredPort($0, environment: environment) })
        let listeners = PortListeners()
        var map = PortMap(rows: [], foreign: [], unexplained: [:], overlaps: [], notes: [])
        for sibling in siblings {
            map.rows.append(row(sibling, table, listeners, environment))
        }
        let home = try environment.home().path
        map.foreign = FamilyGateway.installed(home: home).map {
            Foreign(gateway: $0, listener: listeners[$0.base])
        }
        map.unexplained = map.unexplainedListeners(listeners)
        map.findOverlaps()
        switch condition {
        case .good, .missing: break
        case .corrupt(let reason): map.notes.append("the lease table \(store.path) is damaged: \(reason)")
        case .newer(let reason), .unreadable(let reason):
            map.notes.append("the lease table \(store.path) can't be used: \(reason)")
        }
        return map
    }

    private static func row(
        _ sibling: SiblingInstance, _ table: LeaseTable, _ listeners: PortListeners, _ environment: HostEnvironment
    ) -> Row {
        let state = environment.canonicalize(sibling.stateDirectory)
        let record = table[state]
        let reserved = record.flatMap { $0.base > 0 ? $0.base : nil }
        let live = sibling.isRunning ? sibling.runtime?.port ?? record?.liveBase : nil
        let base = live ?? sibling.configuredPort ?? reserved ?? PortPlan.firstGuess(sibling.profile)
        let pid = sibling.isRunning ? DirectoryLock.holderPid(of: state) : nil
        func judge(_ port: Int) -> State {
            let found = listeners.all(on: port)
            guard let first = found.first else { return .free }
            func isOwn(_ listener: PortListeners.Listener) -> Bool {
                if let pid, let holder = listener.holder { return holder.descends(from: pid) }
                // Where no process can be told, a running gateway is believed to hold its own base.
                return sibling.isRunning && listener.holder == nil && port == live
                    && listener.userId == environment.userId
            }
            // On one family it may be ours and on the other a stranger's.
            return found.first { !isOwn($0) }.map { .foreign($0) } ?? .own(first.holder)
        }
        var entries = [
            Entry(port: base, role: .gateway, state: judge(base)),
            Entry(port: base + 2, role: .browserControl, state: judge(base + 2)),
        ]
        for lease in table.leases where lease.stateDirectory == state {
            guard let port = lease.port else { continue }
            let name = lease.purpose.hasPrefix("browser:") ? String(lease.purpose.dropFirst("browser:".count)) : nil
            entries.append(
                Entry(port: port, role: name.map { .browser($0) } ?? .other(lease.purpose), state: judge(port)))
        }
        var strangers: [Int: PortListeners.Listener] = [:]
        let known = Set(entries.map(\.port))
        for port in listeners.ports where (base + 11...base + 110).contains(port) && !known.contains(port) {
            if case .foreign(let listener) = judge(port) { strangers[port] = listener }
        }
        return Row(
            profile: sibling.displayName, stateDirectory: sibling.stateDirectory, instanceId: sibling.instanceId,
            isRunning: sibling.isRunning, base: base, reservedBase: reserved == base ? nil : reserved,
            entries: entries.sorted { $0.port < $1.port }, strangers: strangers)
    }

    private func unexplainedListeners(_ listeners: PortListeners) -> [Int: PortListeners.Listener] {
        let explained = Set(rows.flatMap { $0.entries.map(\.port) } + foreign.flatMap(\.gateway.ports))
        var found: [Int: PortListeners.Listener] = [:]
        for port in FamilyGateway.wellKnownPorts where !explained.contains(port) {
            if let listener = listeners[port] { found[port] = listener }
        }
        return found
    }

    // MARK: Overlaps

    private mutating func findOverlaps() {
        for (index, first) in rows.enumerated() {
            for second in rows[(index + 1)...] { compare(first, second) }
            for gateway in foreign.map(\.gateway) { compare(first, gateway) }
            for entry in first.entries {
                guard case .foreign(let listener) = entry.state else { continue }
                if isExplained(entry.port, besides: index) { continue }
                let who = Self.name(listener)
                overlaps.append(
                    Overlap(
                        port: entry.port,
                        message: "port \(entry.port) of “\(first.profile)” is in use by \(who)",
                        owners: [first.profile, who]))
            }
        }
    }

    /// Whether another row or a known gateway has the port: then the pair is told, not the process.
    private func isExplained(_ port: Int, besides index: Int) -> Bool {
        rows.enumerated().contains { $0.offset != index && $0.element.entries.contains { $0.port == port } }
            || foreign.contains { $0.gateway.ports.contains(port) }
    }

    private mutating func compare(_ first: Row, _ second: Row) {
        let distance = abs(first.base - second.base)
        if distance < PortSpan.leastSpacing {
            overlaps.append(
                Overlap(
                    port: first.base,
                    message: "base ports \(first.base) of “\(first.profile)” (\(first.stateDirectory)) and"
                        + " \(second.base) of “\(second.profile)” (\(second.stateDirectory)) are fewer than"
                        + " \(PortSpan.leastSpacing) apart",
                    owners: [first.profile, second.profile]))
            return
        }
        if distance <= 110 {
            notes.append(
                "\(distance - 11) browser profiles fit between \(min(first.base, second.base)) and"
                    + " \(max(first.base, second.base)) (“\(first.profile)”, “\(second.profile)”)")
        }
        let shared = Set(first.entries.map(\.port)).intersection(second.entries.map(\.port))
        for port in shared.sorted() {
            overlaps.append(
                Overlap(
                    port: port, message: "port \(port) belongs to “\(first.profile)” and to “\(second.profile)”",
                    owners: [first.profile, second.profile]))
        }
    }

    private mutating func compare(_ row: Row, _ gateway: FamilyGateway) {
        for port in row.entries.map(\.port) where gateway.ports.contains(port) {
            overlaps.append(
                Overlap(
                    port: port,
                    message: "port \(port) of “\(row.profile)” also belongs to \(gateway.name)"
                        + " (\(gateway.stateDirectory)), which is not JARVIS",
                    owners: [row.profile, gateway.name]))
        }
    }

    /// A listener for people: `nc (pid 42)`, or whose it is when the process can't be told.
    package static func name(_ listener: PortListeners.Listener) -> String {
        listener.holder?.description ?? "a program of user \(listener.userId)"
    }
}
