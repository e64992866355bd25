import JarvisCore

/// Which debugging port a browser profile gets.
package enum BrowserPorts {
    /// The lowest port from control + 9 to control + 108 of `base` that is not in `taken` and that `isFree`; nil when
    /// none is left.
    package static func choose(base: Int, taken: Set<Int>, isFree: (Int) -> Bool = { _ in true }) -> Int? {
        guard let span = try? PortSpan(base: base) else { return nil }  // no span, no ports
        return span.browserProfiles.first { !taken.contains($0) && isFree($0) }
    }

    /// What a browser of `holder` must not use: every other instance's base and control port, whether it runs or not,
    /// and every port that is leased, also to another browser of the same instance.
    ///
    /// - Parameter onlyLiving: leave out the leases of those who don't run, when there is no other port left.
    package static func taken(
        _ table: LeaseTable, except holder: LeaseHolder, purpose: String, onlyLiving: Bool = false
    ) -> Set<Int> {
        var taken = Set<Int>()
        for other in table.siblings(of: holder.stateDirectory) {
            for base in [other.base, other.liveBase ?? 0] where base > 0 { taken.formUnion([base, base + 2]) }
        }
        for lease in table.leases {
            guard let port = lease.port else { continue }
            let isOwn = lease.stateDirectory == holder.stateDirectory
            if isOwn && lease.purpose == purpose { continue }
            if !isOwn && onlyLiving && !lease.holder.isAlive { continue }
            taken.insert(port)
        }
        return taken
    }
}

extension LeaseStore {
    /// The debugging port of a browser profile: the one it had, when that is still good, else the lowest free one of
    /// the instance's range. No two browsers of this host get the same, and none gets a port that another instance
    /// owns, so that bases 20 apart work.
    ///
    /// - Parameters:
    ///   - base: the base port that the instance runs on.
    ///   - profile: the browser profile's name.
    ///   - pinned: the port that the configuration names for it, inside the range or not.
    ///   - relocate: true when the leased port turned out to be in use by a stranger: gives another.
    ///   - isFree: whether nothing listens on a port, IPv4 and IPv6.
    /// - Throws: `browser.port_taken`, exit 2, for a pinned port of another instance or browser, naming it;
    ///   `browser.port_none`, exit 1, when the range is full; as `transact`.
    package func leaseBrowserPort(
        for holder: LeaseHolder, base: Int, profile: String, pinned: Int? = nil, relocate: Bool = false,
        isFree: (Int) -> Bool = { PortPlan.isFree($0) }
    ) throws -> Int {
        let purpose = "browser:\(profile)"
        func known(_ table: LeaseTable) -> Int? {
            guard !relocate || pinned != nil else { return nil }
            let mine = table.leases.first { $0.stateDirectory == holder.stateDirectory && $0.purpose == purpose }
            guard let mine, let port = mine.port, mine.instanceId == holder.instanceId else { return nil }
            let fits = pinned.map { $0 == port } ?? ((base + 11)...(base + 110)).contains(port)
            return fits && !BrowserPorts.taken(table, except: holder, purpose: purpose).contains(port) ? port : nil
        }
        if let port = try reading({ known($0) }) ?? nil { return port }
        return try transact(sync: false, patience: .start) { table in
            if let port = known(table) { return port }
            let port = try pick(holder, base, profile, pinned, table, isFree)
            table.leases.removeAll {
                $0.kind == .port
                    && ($0.port == port || ($0.stateDirectory == holder.stateDirectory && $0.purpose == purpose))
            }
            table.leases.append(
                Lease(
                    kind: .port, value: String(port), stateDirectory: holder.stateDirectory,
                    instanceId: holder.instanceId, purpose: purpose))
            return port
        }
    }

    /// Gives the port of a browser profile back.
    ///
    /// - Throws: as `transact`.
    package func releaseBrowserPort(for holder: LeaseHolder, profile: String) throws {
        let purpose = "browser:\(profile)"
        let matches = { (lease: Lease) in
            lease.kind == .port && lease.purpose == purpose && lease.stateDirectory == holder.stateDirectory
        }
        guard read().leases.contains(where: matches) else { return }
        try transact(sync: false, patience: .start) { $0.leases.removeAll(where: matches) }
    }

    private func pick(
        _ holder: LeaseHolder, _ base: Int, _ profile: String, _ pinned: Int?, _ table: LeaseTable,
        _ isFree: (Int) -> Bool
    ) throws(JarvisError) -> Int {
        let purpose = "browser:\(profile)"
        if let pinned {
            let taken = BrowserPorts.taken(table, except: holder, purpose: purpose, onlyLiving: true)
            let isOwn = pinned == base || pinned == base + 2
            guard taken.contains(pinned) || isOwn else { return pinned }
            let owner = isOwn ? "this gateway itself" : ownerOf(pinned, table, except: holder)
            throw JarvisError(
                "browser.port_taken",
                "Port \(pinned), which the configuration names for browser profile “\(profile)”, belongs to \(owner).",
                hint: "Leave the port away: a free one is found. What is taken: jarvis ports",
                metadata: ["port": String(pinned), "profile": profile], exitCode: 2)
        }
        for onlyLiving in [false, true] {
            let taken = BrowserPorts.taken(table, except: holder, purpose: purpose, onlyLiving: onlyLiving)
            if let port = BrowserPorts.choose(base: base, taken: taken, isFree: isFree) { return port }
        }
        throw JarvisError(
            "browser.port_none",
            "No free debugging port is left from \(base + 11) to \(base + 110) for browser profile"
                + " “\(profile)”.", hint: "What is taken: jarvis ports", metadata: ["profile": profile])
    }

    private func ownerOf(_ port: Int, _ table: LeaseTable, except holder: LeaseHolder) -> String {
        if let lease = table.leases.first(where: { $0.port == port }) {
            let owner = table[lease.stateDirectory]?.title ?? lease.stateDirectory
            return "\(lease.purpose) of the gateway \(owner)"
        }
        let owner = table.siblings(of: holder.stateDirectory).first { other in
            [other.base, other.base + 2, other.liveBase ?? 0, (other.liveBase ?? -2) + 2].contains(port)
        }
        return owner.map { "the gateway \($0.title)" } ?? "another gateway"
    }
}
