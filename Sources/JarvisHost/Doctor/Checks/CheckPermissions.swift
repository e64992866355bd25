import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension DoctorCheck {
    /// Whether others can enter or read what belongs to the instance alone.
    static let permissions = DoctorCheck(id: "permissions", title: "permissions") { patient, context in
        var open: [(path: String, mode: UInt32, wanted: UInt32)] = []
        for (path, isPrivate) in privatePlaces(patient.instance, deep: context.isDeep) {
            var status = stat()
            guard lstat(path, &status) == 0, status.st_uid == geteuid() || geteuid() == 0 else { continue }
            let kind = status.st_mode & S_IFMT
            let mode = UInt32(status.st_mode & 0o7777)
            switch kind {
            case S_IFDIR:
                // The owner's own bits too: without them the gateway can't enter.
                if mode & 0o077 != 0 || mode & 0o700 != 0o700 { open.append((path, mode, 0o700)) }
            case S_IFREG where isPrivate:
                if mode & 0o077 != 0 || mode & 0o600 != 0o600 { open.append((path, mode, 0o600)) }
            default: break
            }
        }
        guard !open.isEmpty else { return [] }
        let names = open.map { "\($0.path) is \(String($0.mode, radix: 8))" }
        // A directory that is closed to its owner hides what is in it: outer ones first.
        let steps = open.map { FixStep.chmod(path: $0.path, mode: $0.wanted) }
        let one = open.count == 1 ? "1 place has" : "\(open.count) places have"
        return [
            Finding(
                "permissions.open", .warning,
                "\(one) the wrong permissions: directories must be 700 and files with settings or secrets 600.",
                evidence: Array(names.prefix(20)), next: "chmod it by hand; see: jarvis fleet check",
                fix: FixPlan("permissions", "Close what is open to others", for: patient, context: context, steps))
        ]
    }

    /// What must be private, outer places first; true for files whose content matters.
    private static func privatePlaces(_ instance: Instance, deep: Bool) -> [(String, Bool)] {
        let paths = instance.paths
        var places: [(String, Bool)] = [(paths.state, false)]
        let configIsInside = PathIdentity(of: instance.configPath).isInside(PathIdentity(of: paths.state))
        if configIsInside || DurableFile.exists(instance.configPath) { places.append((instance.configPath, true)) }
        for file in [paths.identityFile, paths.dotenv, paths.deviceKey, paths.deviceTokens, paths.chatHistory] {
            places.append((file, true))
        }
        for directory in [
            paths.run, paths.logs, paths.store, paths.backups, paths.configJournal, paths.quarantine, paths.identity,
            paths.devices, paths.agents, paths.credentials, paths.canvas, paths.media, paths.cron, paths.memory,
        ] { places.append((directory, false)) }
        for directory in [paths.credentials, paths.store, paths.identity, paths.devices] {
            places += tree(directory, depth: deep ? 8 : 2)
        }
        if deep { places += tree(paths.configJournal, depth: 8) + tree(paths.agents, depth: 8) }
        return places
    }

    /// Everything below a directory, links not followed, at most 5,000 names.
    private static func tree(_ root: String, depth: Int) -> [(String, Bool)] {
        var found: [(String, Bool)] = []
        var pending = [(root, depth)]
        while let (directory, left) = pending.popLast(), found.count < 5000 {
            var status = stat()
            guard lstat(directory, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
            for name in DirectoryNames.list(directory).sorted() {
                let path = HostPath.join(directory, name)
                found.append((path, true))
                if left > 1 { pending.append((path, left - 1)) }
            }
        }
        return found
    }
}
