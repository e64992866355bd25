import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension DoctorCheck {
    /// Whether there is room.
    static let disk = DoctorCheck(id: "disk", title: "disk") { patient, _ in
        var findings: [Finding] = []
        let state = patient.instance.stateDirectory
        var status = statvfs()
        if statvfs(state, &status) == 0 {
            let free = (UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20
            if UInt(status.f_flag) & UInt(ST_RDONLY) != 0 {
                findings.append(
                    Finding("disk.read-only", .error, "The file system of \(state) is mounted read-only."))
            }
            // A file system without blocks (a virtual one) does not tell.
            if status.f_blocks > 0, free < 200 {
                findings.append(
                    Finding(
                        "disk.space", free < 50 ? .error : .warning, "Only \(free) MiB are free at \(state).",
                        next: "Free some space; a full disk stops the gateway from accepting messages."))
            }
            if status.f_files > 0, status.f_favail * 100 < status.f_files {
                findings.append(
                    Finding(
                        "disk.inodes", .warning,
                        "The file system of \(state) has hardly any inodes left (\(status.f_favail))."))
            }
        }
        let logs = size(of: patient.instance.paths.logs)
        if logs > 500 << 20 {
            findings.append(
                Finding(
                    "disk.logs", .warning, "The logs take \(logs >> 20) MiB.",
                    evidence: [patient.instance.paths.logs]))
        }
        let aside = DirectoryNames.list(patient.instance.paths.quarantine).sorted()
        if !aside.isEmpty {
            findings.append(
                Finding(
                    "disk.quarantine", .info, "\(aside.count) damaged files were set aside.",
                    evidence: aside.prefix(5).map { HostPath.join(patient.instance.paths.quarantine, $0) }))
        }
        return findings
    }

    private static func size(of directory: String) -> Int {
        DirectoryNames.list(directory).reduce(0) { sum, name in
            var status = stat()
            return lstat(HostPath.join(directory, name), &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }
}
