import JarvisCore

extension DoctorCheck {
    /// Whether the host's lease table knows the instance as it is.
    static let leases = DoctorCheck(id: "leases", title: "leases") { patient, context in
        switch context.host.condition {
        case .good: break
        case .missing: return []
        case .corrupt(let reason): return [damaged(reason, patient, context)]
        case .newer(let reason):
            return [Finding("leases.newer", .info, "The lease table was written by a newer version: \(reason).")]
        case .unreadable(let reason):
            return [
                Finding(
                    "leases.unreadable", .error,
                    "The lease table in \(context.host.directory) can't be read: \(reason).")
            ]
        }
        guard let identity = patient.identity else { return [] }
        let state = patient.instance.canonicalStateDirectory
        guard let record = context.host.table[state] else {
            return [
                Finding(
                    "leases.missing", .warning, "The lease table of this host does not know this instance.",
                    evidence: [state],
                    fix: register("Enter it into the lease table", identity, patient, context))
            ]
        }
        if record.instanceId != identity.instanceId {
            return [
                Finding(
                    "leases.id", .warning,
                    "The lease table knows this directory by the id \(record.instanceId.isEmpty ? "of nobody" : record.instanceId), its identity is"
                        + " \(identity.instanceId).",
                    fix: register("Correct the id in the lease table", identity, patient, context))
            ]
        }
        if let planned = patient.plannedPort, record.base != 0, record.base != planned,
            patient.config.config.gateway.port != nil
        {
            return [
                Finding(
                    "leases.base", .warning,
                    "The lease table reserves port \(record.base) for it, the configuration says \(planned).",
                    fix: register("Correct the port in the lease table", identity, patient, context))
            ]
        }
        return []
    }

    private static func register(
        _ title: String, _ identity: InstanceIdentity, _ patient: Patient, _ context: DoctorContext
    ) -> FixPlan? {
        // A copy gets an identity of its own first.
        let twins = context.others(than: patient.instance).filter { $0.instanceId == identity.instanceId }
        guard twins.isEmpty else { return nil }
        let store = LeaseStore(directory: context.host.directory)
        let record = RegisteredInstance(
            patient.instance, instanceId: identity.instanceId, base: patient.plannedPort ?? 0)
        let step = FixStep.act(title: title, path: store.path, shared: true) { try store.register(record) }
        return FixPlan("leases", title, for: patient, context: context, [step])
    }

    private static func damaged(_ reason: String, _ patient: Patient, _ context: DoctorContext) -> Finding {
        let environment = context.environment
        let path = HostPath.join(context.host.directory, "leases.json")
        let step = FixStep.act(title: "set it aside and make it again from the instances", path: path, shared: true) {
            try LeaseStore(environment: environment).transact { _ in }
        }
        return Finding(
            "leases.damaged", .warning, "The lease table of this host is damaged: \(reason).", evidence: [path],
            fix: FixPlan("leases.damaged", "Make the lease table again", for: patient, context: context, [step]))
    }
}
