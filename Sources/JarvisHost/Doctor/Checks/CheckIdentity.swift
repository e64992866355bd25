import JarvisCore

extension DoctorCheck {
    /// Whether the instance has an id of its own.
    static let identity = DoctorCheck(id: "identity", title: "identity") { patient, context in
        if let error = patient.identityError {
            return [Finding("identity.unreadable", .error, error.message, next: error.hint)]
        }
        guard let identity = patient.identity else {
            return [
                Finding(
                    "identity.missing", .info,
                    "\(patient.instance.stateDirectory) has no identity yet; the first start makes one.",
                    next: patient.command("setup"))
            ]
        }
        let twins = context.others(than: patient.instance).filter { $0.instanceId == identity.instanceId }
        guard let twin = twins.first else { return [] }
        let isCopy = isCopy(patient, identity, twin, context)
        let names = "“\(patient.instance.displayName)” and “\(twin.name)” (\(twin.instance.stateDirectory))"
        guard isCopy else {
            return [
                Finding(
                    "identity.copied", .info,
                    "A copy of this instance exists: \(names) have the id \(identity.instanceId).",
                    next: "\(twin.instance.command) doctor --fix")
            ]
        }
        return [
            Finding(
                "identity.copy", .error,
                "This is a copy of “\(twin.name)”: both have the id \(identity.instanceId), so that neither clients nor"
                    + " leases can tell them apart.",
                evidence: ["\(patient.instance.stateDirectory)", "\(twin.instance.stateDirectory)"],
                next: "Stop it, then: \(patient.command("doctor --fix"))",
                fix: newIdentity(patient, context))
        ]
    }

    /// Which of two is the copy: the one whose name is not the one under which the id was made; else the one that does
    /// not run; else the one without the lease; else the one whose file is younger.
    private static func isCopy(
        _ patient: Patient, _ identity: InstanceIdentity, _ twin: Footprint, _ context: DoctorContext
    ) -> Bool {
        let name = patient.instance.displayName
        if (name == identity.createdAs) != (twin.name == identity.createdAs) { return name != identity.createdAs }
        if patient.isRunning != twin.isRunning { return !patient.isRunning }
        return patient.instance.canonicalStateDirectory > twin.instance.canonicalStateDirectory
    }

    private static func newIdentity(_ patient: Patient, _ context: DoctorContext) -> FixPlan? {
        let paths = patient.instance.paths
        let document = JSONValue.members([
            "version": 1, "instanceId": .string(Identifiers.uuid()), "createdAtMs": .int(context.now),
            "createdAs": .string(patient.instance.displayName),
        ])
        let bytes = Array(JSONWriter.pretty(document).utf8) + [UInt8(ascii: "\n")]
        return FixPlan(
            "identity", "Give the copy an identity of its own", for: patient, context: context, needsStopped: true,
            [.replace(path: paths.identityFile, bytes: bytes)])
    }
}
