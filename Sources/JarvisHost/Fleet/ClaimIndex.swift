/// Finds what claims of different footprints have in common, without comparing every pair.
struct ClaimIndex {
    private struct Entry {
        let owner: Int
        let claim: Claim
    }

    private let footprints: [Footprint]
    private var places: [String: [Entry]] = [:]
    private var values: [String: [Entry]] = [:]
    private var bases: [(port: Int, entry: Entry)] = []

    init(_ footprints: [Footprint]) {
        self.footprints = footprints
        for (owner, footprint) in footprints.enumerated() {
            for claim in footprint.claims {
                let entry = Entry(owner: owner, claim: claim)
                if let place = claim.place {
                    places[place.key, default: []].append(entry)
                } else {
                    values["\(claim.kind.rawValue)\u{0}\(claim.value)", default: []].append(entry)
                }
                if claim.kind == .port, claim.purpose.hasPrefix("base port"), let port = Int(claim.value) {
                    bases.append((port, entry))
                }
            }
        }
    }

    mutating func overlaps() -> [Overlap] {
        var found: [Overlap] = []
        var pairs: [Pair: [Overlap]] = [:]
        for (owner, footprint) in footprints.enumerated() {
            for claim in footprint.claims {
                for overlap in partners(of: Entry(owner: owner, claim: claim)) {
                    pairs[overlap.pair, default: []].append(overlap.overlap)
                }
            }
        }
        for (pair, overlap) in tooClose() { pairs[pair, default: []].append(overlap) }
        for list in pairs.values { found += Self.reduced(list) }
        return found
    }

    private struct Pair: Hashable {
        let first: Int
        let second: Int

        init(_ one: Int, _ other: Int) {
            first = min(one, other)
            second = max(one, other)
        }
    }

    private func partners(of entry: Entry) -> [(pair: Pair, overlap: Overlap)] {
        guard let place = entry.claim.place else {
            let same = values["\(entry.claim.kind.rawValue)\u{0}\(entry.claim.value)"] ?? []
            return same.filter { $0.owner > entry.owner }.map { pair(entry, $0, isSame: true) }
        }
        var found: [(pair: Pair, overlap: Overlap)] = []
        var closest: Set<Int> = []
        // What lies inside its own state directory is inside whatever holds that; the directory itself tells it.
        let state = footprints[entry.owner].claims.first { $0.kind == .state }?.place
        let followsState = entry.claim.kind != .state && state.map { place.isInside($0) } == true
        for (depth, key) in place.lineage.enumerated() {
            let isSame = depth == 0
            if followsState, !isSame { break }
            var here: Set<Int> = []
            for other in places[key] ?? [] where other.owner != entry.owner && !closest.contains(other.owner) {
                guard isSame || other.claim.extent == .tree else { continue }
                here.insert(other.owner)
                // The same place is met from both sides; told once.
                if isSame, other.owner < entry.owner { continue }
                found.append(pair(entry, other, isSame: isSame))
            }
            closest.formUnion(here)
        }
        return found
    }

    private func pair(_ inner: Entry, _ outer: Entry, isSame: Bool) -> (pair: Pair, overlap: Overlap) {
        let (first, second) = inner.owner < outer.owner ? (inner, outer) : (outer, inner)
        let rule = OverlapRule(inner: inner.claim, outer: outer.claim, isSame: isSame)
        return (
            Pair(inner.owner, outer.owner),
            Overlap(
                kind: rule.kind, value: inner.claim.value, a: footprints[first.owner].side(first.claim),
                b: footprints[second.owner].side(second.claim), severity: rule.severity, why: rule.why,
                next: rule.next(footprints[inner.owner], footprints[outer.owner], basesInUse: bases.map(\.port)))
        )
    }

    /// Base ports fewer than 20 apart that are not the same port.
    private func tooClose() -> [(Pair, Overlap)] {
        let sorted = bases.sorted { $0.port < $1.port }
        var found: [(Pair, Overlap)] = []
        for (index, low) in sorted.enumerated() {
            for high in sorted[(index + 1)...] {
                guard high.port - low.port < PortSpan.leastSpacing else { break }
                guard high.port != low.port, high.entry.owner != low.entry.owner else { continue }
                let (first, second) =
                    low.entry.owner < high.entry.owner ? (low.entry, high.entry) : (high.entry, low.entry)
                found.append(
                    (
                        Pair(first.owner, second.owner),
                        Overlap(
                            kind: .port, value: "\(low.port) and \(high.port)",
                            a: footprints[first.owner].side(first.claim),
                            b: footprints[second.owner].side(second.claim), severity: .conflict,
                            why:
                                "Base ports must lie at least \(PortSpan.leastSpacing) apart, so that the ports derived"
                                + " from them don't meet.",
                            next: OverlapRule.portCommand(footprints[second.owner], basesInUse: bases.map(\.port)))
                    ))
            }
        }
        return found
    }

    /// One state directory in two instances makes everything in it an overlap: only the directory is told.
    private static func reduced(_ overlaps: [Overlap]) -> [Overlap] {
        var seen: Set<String> = []
        let derived = "browser control"
        let one = overlaps.filter { overlap in
            // It follows from the base ports, which are told.
            let follows = overlap.a.purpose.hasPrefix(derived) && overlap.b.purpose.hasPrefix(derived)
            return !follows && seen.insert("\(overlap.kind)\u{0}\(overlap.value)\u{0}\(overlap.why)").inserted
        }
        guard one.contains(where: { $0.kind == .state && $0.a.stateDirectory == $0.b.stateDirectory }) else {
            return one
        }
        return one.filter { $0.kind == .state || $0.kind == .config }
    }
}
