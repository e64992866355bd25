import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension DoctorCheck {
    /// What a gateway that was killed left behind.
    static let leftovers = DoctorCheck(id: "leftovers", title: "locks and left files") { patient, context in
        var findings: [Finding] = []
        let paths = patient.instance.paths
        if !patient.isRunning {
            let stale = [paths.ownerNote, paths.runtimeFile, paths.controlSocket].filter { isOurs($0, patient) }
            if !stale.isEmpty {
                findings.append(
                    Finding(
                        "leftovers.run", .warning,
                        "The last gateway did not end by itself: it was killed, or the host went down. It left its notes.",
                        evidence: stale, next: patient.command("logs"),
                        fix: FixPlan(
                            "leftovers.run", "Remove the notes of a gateway that is gone", for: patient,
                            context: context, needsStopped: true, stale.map { FixStep.remove(path: $0) })))
            }
        }
        let temporary = unfinished(patient, context)
        if !temporary.isEmpty {
            findings.append(
                Finding(
                    "leftovers.temporary", .warning, "\(temporary.count) unfinished files lie in the state directory.",
                    evidence: Array(temporary.prefix(20)),
                    fix: FixPlan(
                        "leftovers.temporary", "Remove unfinished files", for: patient, context: context,
                        temporary.map { FixStep.remove(path: $0) })))
        }
        return findings
    }

    private static func isOurs(_ path: String, _ patient: Patient) -> Bool {
        DurableFile.exists(path) && patient.footprint.owns(path)
    }

    /// Temporary files that nobody will finish: of a gateway that is down, or older than an hour.
    private static func unfinished(_ patient: Patient, _ context: DoctorContext) -> [String] {
        let paths = patient.instance.paths
        let directories = [
            paths.state, paths.run, paths.logs, paths.store, paths.configJournal, paths.identity, paths.devices,
            paths.credentials, paths.cron, paths.media,
        ]
        return directories.flatMap { directory in
            DirectoryNames.list(directory).sorted().filter { $0.hasPrefix(DurableFile.temporaryPrefix) }
                .map { HostPath.join(directory, $0) }
        }.filter { path in
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
            #if canImport(Darwin)
                let changed = Int64(status.st_mtimespec.tv_sec)
            #else
                let changed = Int64(status.st_mtim.tv_sec)
            #endif
            return context.now / 1000 - changed > (patient.isRunning ? 3600 : 60)
        }
    }
}
