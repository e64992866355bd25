import JarvisCore

extension DoctorCheck {
    /// The live probe: whether the gateway that should run runs, and answers for itself.
    static let gateway = DoctorCheck(id: "gateway", title: "running gateway") { patient, context in
        if let gateway = patient.attested { return running(gateway, patient, context) }
        if let refusal = patient.refusal {
            return [
                Finding(
                    "gateway.\(refusal.code.rawValue.split(separator: ".").last ?? "silent")", .error, refusal.message,
                    next: refusal.hint ?? patient.command("logs"))
            ]
        }
        guard patient.services.isEmpty else {
            return [
                Finding(
                    "gateway.down", .error, "A service is installed, and the gateway does not run.",
                    evidence: patient.services.map(\.path), next: patient.command("gateway start"))
            ]
        }
        return [Finding("gateway.stopped", .info, "The gateway does not run, and no service starts it.")]
    }

    private static func running(
        _ gateway: AttestedGateway, _ patient: Patient, _ context: DoctorContext
    ) -> [Finding] {
        var findings = [
            Finding(
                "gateway.running", .info,
                "Running: pid \(gateway.proof.pid), port \(gateway.base), version \(gateway.version), \(gateway.phase)."
            )
        ]
        if gateway.phase == "starting" || gateway.phase == "draining" {
            findings.append(
                Finding("gateway.phase", .warning, "It takes no work at present: \(gateway.phase)."))
        }
        if gateway.version != context.version {
            findings.append(
                Finding(
                    "gateway.version", .warning,
                    "It runs version \(gateway.version); this program is version \(context.version).",
                    next: patient.command("gateway restart")))
        }
        if gateway.executable?.hasSuffix(" (deleted)") == true {
            findings.append(
                Finding(
                    "gateway.replaced", .warning, "Its program file was replaced since it started.",
                    next: patient.command("gateway restart")))
        }
        if let failure = gateway.storeFailure {
            findings.append(
                Finding("gateway.store", .error, "It accepts nothing: \(failure)", next: patient.command("status")))
        }
        if !gateway.restartPending.isEmpty {
            findings.append(
                Finding(
                    "gateway.pending", .warning, "Changed settings wait for a restart.",
                    evidence: gateway.restartPending, next: patient.command("gateway restart")))
        }
        if !gateway.toolRoom.isEmpty {
            findings.append(
                Finding(
                    "gateway.tools", .info, "The window of a model is small for its tools.",
                    evidence: gateway.toolRoom, next: patient.command("config set tools.profile minimal")))
        }
        return findings
    }
}
