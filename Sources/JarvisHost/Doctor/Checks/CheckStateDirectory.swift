import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension DoctorCheck {
    /// Whether the state directory is a directory of this user on a disk that suits it.
    static let stateDirectory = DoctorCheck(id: "state", title: "state directory") { patient, context in
        let path = patient.instance.stateDirectory
        var status = stat()
        guard stat(path, &status) == 0 else {
            return [Finding("state.missing", .error, "The state directory \(path) is not there.", next: setup(patient))]
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return [Finding("state.kind", .error, "\(path) is no directory.", next: setup(patient))]
        }
        var findings: [Finding] = []
        if status.st_uid != geteuid(), geteuid() != 0 {
            findings.append(
                Finding(
                    "state.owner", .error, "\(path) belongs to user \(status.st_uid), not to you (\(geteuid())).",
                    next: "Run as that user, or: sudo chown -R \(geteuid()) \(path)"))
        }
        if access(path, W_OK | X_OK) != 0 {
            findings.append(
                Finding(
                    "state.unwritable", .error, "\(path) can't be written: \(SystemCallError.text(errno)).",
                    evidence: ["mode \(String(status.st_mode & 0o7777, radix: 8))"]))
        }
        if let type = DirectoryLock.networkFileSystem(
            mounts: MountTable.text(), device: MountTable.device(of: status))
        {
            let isAllowed = context.environment["JARVIS_ALLOW_NETWORK_STATE"] == "1"
            findings.append(
                Finding(
                    "state.network", isAllowed ? .info : .error,
                    "\(path) lies on a network file system (\(type)), where two hosts could start a gateway over it.",
                    next: isAllowed ? nil : "Move it to a local disk."))
        }
        if let service = cloudService(patient.instance.canonicalStateDirectory) {
            findings.append(
                Finding(
                    "state.cloud", .warning,
                    "\(path) lies in a folder that \(service) copies to other devices: the database breaks and secrets"
                        + " leave this host.", next: "Move it to a folder that is not synchronised."))
        }
        return findings
    }

    private static func setup(_ patient: Patient) -> String { patient.command("setup") }

    /// The service that synchronises `path`, by the folder names that such services use.
    static func cloudService(_ path: String) -> String? {
        if path.contains("/Library/Mobile Documents/") { return "iCloud" }
        for part in path.split(separator: "/") {
            for (prefix, name) in [
                ("Dropbox", "Dropbox"), ("OneDrive", "OneDrive"), ("Google Drive", "Google Drive"),
                ("GoogleDrive", "Google Drive"), ("Nextcloud", "Nextcloud"), ("ownCloud", "ownCloud"),
                ("iCloud Drive", "iCloud"), ("pCloudDrive", "pCloud"), ("MEGAsync", "MEGA"),
            ] where part == prefix || part.hasPrefix("\(prefix) ") { return name }
        }
        return nil
    }
}

/// The mounts of this host.
enum MountTable {
    /// The text of `/proc/self/mountinfo`; empty off Linux.
    static func text() -> String {
        let bytes = try? DurableFile.read("/proc/self/mountinfo", limit: 16 << 20)  // absent off Linux
        return String(decoding: bytes ?? [], as: UTF8.self)
    }

    /// `major:minor` of the device that holds a file.
    static func device(of status: stat) -> String {
        let device = UInt64(bitPattern: Int64(status.st_dev))
        let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
        let minor = device & 0xFF | (device >> 12) & ~0xFF & 0xFFFF_FFFF
        return "\(major):\(minor)"
    }
}
