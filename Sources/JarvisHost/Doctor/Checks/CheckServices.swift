import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension DoctorCheck {
    /// Whether what is installed is what would be installed now, once.
    static let services = DoctorCheck(id: "services", title: "services") { patient, context in
        var findings: [Finding] = []
        // One service may lie in several directories (a link for its target); one name of one manager is one service.
        let distinct = Set(patient.services.map { "\($0.manager.rawValue) \($0.name)" })
        if distinct.count > 1 {
            findings.append(
                Finding(
                    "service.several", .error,
                    "\(distinct.count) services start this instance; each brings it back and they fight over it.",
                    evidence: patient.services.map { "\($0.manager.rawValue) \($0.name): \($0.path)" },
                    next: patient.command("gateway uninstall")))
        }
        for service in patient.services { findings += examine(service, patient, context) }
        return findings
    }

    private static func examine(
        _ service: InstalledService, _ patient: Patient, _ context: DoctorContext
    ) -> [Finding] {
        var findings: [Finding] = []
        func note(_ id: String, _ severity: Finding.Severity, _ message: String) {
            findings.append(
                Finding(
                    id, severity, "The service \(service.name) \(message)", evidence: [service.path],
                    next: patient.command("gateway install --force")))
        }
        if service.instanceId != patient.identity?.instanceId {
            note(
                "service.identity", .error,
                "carries the id \(service.instanceId ?? "of nobody"), the instance is"
                    + " \(patient.identity?.instanceId ?? "without one").")
        }
        if let state = service.stateDirectory,
            context.environment.canonicalize(state) != patient.instance.canonicalStateDirectory
        {
            note("service.state", .error, "starts it over \(state), not over \(patient.instance.stateDirectory).")
        }
        if let config = service.configPath, config != patient.instance.configPath {
            note("service.config", .warning, "starts it with \(config), not with \(patient.instance.configPath).")
        }
        if let profile = service.profile, profile != patient.instance.displayName {
            note("service.profile", .warning, "says profile \(profile).")
        }
        if let executable = service.executable, access(executable, X_OK) != 0 {
            note("service.executable", .error, "starts \(executable), which is not there or can't be run.")
        }
        if let version = service.version, version != context.version {
            note("service.version", .warning, "was written by version \(version); this is \(context.version).")
        }
        let secrets = service.environment.keys.filter { name in
            ["TOKEN", "PASSWORD", "SECRET", "API_KEY", "APIKEY"].contains { name.hasSuffix($0) }
        }
        if !secrets.isEmpty {
            note(
                "service.secret", .warning,
                "holds secrets in plain text (\(secrets.sorted().joined(separator: ", "))): every program can read them."
            )
        }
        return findings
    }

    /// Whether the instance is known to the host.
    static let leases = DoctorCheck(id: "leases", title: "leases") { _, _ in [] }
}
