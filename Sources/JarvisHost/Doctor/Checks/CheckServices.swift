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
        // What is wrong in the file is told already; else the whole file is compared.
        if findings.allSatisfy({ $0.id == "service.version" }), let outdated = outdated(patient, context) {
            findings = [outdated]
        }
        for service in patient.services { findings += runtime(of: service, patient, context) }
        if !patient.services.isEmpty, patient.attested?.supervisedBy == ServiceMarker.Supervisor.none {
            findings.append(
                Finding(
                    "service.foreground", .info,
                    "The gateway that runs was started by hand, although a service is installed."))
        }
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

    /// What the service manager says: whether it can be asked, keeps the service after logout, and had to restart it.
    private static func runtime(
        of service: InstalledService, _ patient: Patient, _ context: DoctorContext
    ) -> [Finding] {
        guard let manager = manager(service, patient, context) else { return [] }
        var findings: [Finding] = []
        switch manager.availability() {
        case .missing(let error):
            // A unit of the machine can be looked after by root alone; that is no fault.
            if service.manager == .systemdSystem, context.environment.userId != 0 { return [] }
            return [Finding("service.manager", .warning, error.message, evidence: [service.path], next: error.hint)]
        case .ready(let notes):
            for note in notes { findings.append(Finding("service.linger", .warning, note)) }
        }
        let runtime = manager.runtime(of: service)
        if runtime.state == "unsupervised" {
            findings.append(
                Finding(
                    "service.unsupervised", .error,
                    "The built-in supervisor, which keeps this gateway running, does not run.",
                    evidence: [service.path], next: "jarvis supervisor run --detach"))
        }
        if runtime.status == .failed {
            findings.append(
                Finding(
                    "service.failed", .error, "The service \(service.name) ended badly and is not started again.",
                    evidence: [runtime.detail, runtime.lastExitReason, runtime.lastExitStatus.map { "status \($0)" }]
                        .compactMap { $0 }, next: patient.command("gateway start")))
        }
        if let restarts = runtime.restarts, restarts >= 5, (patient.attested?.uptimeMs ?? 0) < 600_000 {
            findings.append(
                Finding(
                    "service.restarts", .error, "The service manager had to restart it \(restarts) times.",
                    next: patient.command("logs")))
        }
        if runtime.status != .unknown, !runtime.isEnabled, service.scope == .user {
            findings.append(
                Finding(
                    "service.disabled", .warning,
                    "The service \(service.name) is installed and not enabled: it does not start at boot.",
                    next: patient.command("gateway install")))
        }
        return findings
    }

    private static func manager(
        _ service: InstalledService, _ patient: Patient, _ context: DoctorContext
    ) -> (any ServiceManager)? {
        do throws(JarvisError) {
            return try ServiceInstaller(instance: patient.instance, environment: context.environment)
                .manager(service.manager)
        } catch {
            return nil
        }
    }

    /// The one service, when a new rendering differs from its file: then an install would change it.
    private static func outdated(_ patient: Patient, _ context: DoctorContext) -> Finding? {
        guard let service = patient.services.first, patient.services.count == 1, let id = patient.identity?.instanceId,
            service.belongs(to: id), service.manager == .systemdUser, service.scope == .user,
            let executable = service.executable, let manager = manager(service, patient, context)
        else { return nil }
        let version = SystemdManager.version(environment: context.environment)
        guard
            // a path that no unit can hold was refused at install
            let unit = try? ServiceUnit(  // see above
                instance: patient.instance, instanceId: id, manager: service.manager, executable: executable,
                version: context.version, environment: context.environment, systemdVersion: version),
            manager.service(for: unit).path == service.path,
            let installed = try? DurableFile.read(service.path, limit: 1 << 20),  // gone meanwhile: nothing to compare
            String(decoding: installed, as: UTF8.self) != SystemdUnitText.render(unit)
        else { return nil }
        // What was made by this very version and differs was edited by hand: that stays, unless it is asked for.
        let isEdited = service.version == context.version
        var fix: FixPlan?
        if !isEdited || context.isForced {
            let install = FixStep.act(title: "write the unit anew", path: service.path, shared: false) {
                _ = try manager.install(unit, start: false)
            }
            fix = FixPlan("service.outdated", "Write the unit anew", for: patient, context: context, [install])
        }
        return Finding(
            "service.outdated", .warning,
            isEdited
                ? "The unit \(service.name) was edited by hand; changes of yours belong in a drop-in."
                : "The unit \(service.name) is not what this version would write.",
            evidence: [service.path], next: patient.command("doctor --fix --force"), fix: fix)
    }
}
