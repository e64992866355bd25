import JarvisCore

extension DoctorCheck {
    /// Whether anything belongs to another instance too.
    static let overlaps = DoctorCheck(id: "overlaps", title: "overlaps") { patient, context in
        let state = patient.instance.stateDirectory
        return context.overlaps.compactMap { overlap in
            // The id has a check of its own, with a fix.
            guard overlap.kind != .instanceId, [overlap.a.stateDirectory, overlap.b.stateDirectory].contains(state)
            else { return nil }
            let other = overlap.a.stateDirectory == state ? overlap.b : overlap.a
            return Finding(
                "overlap.\(overlap.kind.rawValue)", overlap.severity == .conflict ? .error : .info,
                "The \(overlap.kind.title) \(overlap.value) also belongs to \(other.title). \(overlap.why)",
                evidence: [
                    "\(overlap.a.title): \(overlap.a.purpose)", "\(overlap.b.title): \(overlap.b.purpose)",
                ], next: overlap.next)
        }
    }

    /// The other gateways of this host. They are no problem.
    static let peers = DoctorCheck(id: "peers", title: "other gateways") { patient, context in
        let peers = context.others(than: patient.instance)
        guard !peers.isEmpty else { return [] }
        let names = peers.map { "\($0.name)\($0.isRunning ? " (running)" : "")" }
        return [
            Finding(
                "peers", .info,
                "Other gateways of this host, which are none of its business: \(names.joined(separator: ", ")).")
        ]
    }
}
