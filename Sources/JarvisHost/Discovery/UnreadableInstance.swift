import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension InstanceScanner {
    /// The places under the home that look like an instance and can't be read: a directory without permission, a link
    /// to a disk that is not there. At most 512.
    ///
    /// - Throws: `home.missing`, `home.relative`.
    package static func unreadable(environment: HostEnvironment) throws(JarvisError) -> [SiblingInstance] {
        let home = try environment.home().path
        var found: [SiblingInstance] = []
        for name in DirectoryNames.list(home) where name == ".jarvis" || name.hasPrefix(".jarvis-") {
            let profile = ProfileName(stateDirectoryName: name)
            let path = HostPath.join(home, name)
            guard name == ".jarvis" || profile != nil, found.count < 512, isLost(path) else { continue }
            found.append(
                SiblingInstance(
                    profile: profile, stateDirectory: path, configPath: HostPath.join(path, "jarvis.json"),
                    hasConfig: false, instanceId: nil, configuredPort: nil, runtime: nil, isRunning: false))
        }
        return found
    }

    private static func isLost(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK }
        guard status.st_mode & S_IFMT == S_IFDIR else { return false }
        return access(path, R_OK | X_OK) != 0
    }
}
