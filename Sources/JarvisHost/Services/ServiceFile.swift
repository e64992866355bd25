import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The file of a definition: written only where nothing is, or where this instance's own definition is.
struct ServiceFile {
    let path: String
    let mode: mode_t

    init(path: String, _ mode: mode_t) {
        self.path = path
        self.mode = mode
    }

    /// What writing did.
    struct Written {
        let path: String
        let old: [UInt8]?
        let mode: mode_t
        let isChanged: Bool
        /// The copy of the old content; nil when there was none or it stayed.
        let backup: String?

        /// Puts back what was there.
        func revert() {
            guard isChanged else { return }
            if let old {
                try? DurableFile.write(old, to: path, mode: mode)  // the error that led here is the one to tell
            } else {
                unlink(path)
            }
        }
    }

    /// Passes when nothing is at the path, or a definition that carries `instanceId`.
    ///
    /// - Throws: `service.foreign`, exit 2.
    func requireOwn(_ instanceId: String, read: (String) -> InstalledService?) throws(JarvisError) {
        guard DurableFile.exists(path) else { return }
        let there = read(path)
        if there?.belongs(to: instanceId) == true { return }
        if let there, let other = there.instanceId {
            throw JarvisError(
                "service.foreign",
                "\(path) belongs to another gateway: instance \(other.prefix(8)), state directory"
                    + " \(there.stateDirectory ?? "unknown"). It stays as it is.",
                hint: "Give this gateway a profile of its own (--profile NAME), or remove the other one with:"
                    + " \(Self.removal(of: there))",
                metadata: ["path": path, "instanceId": other], exitCode: 2)
        }
        throw JarvisError(
            "service.foreign", "\(path) is there already and was not written by jarvis. It stays as it is.",
            hint: "Move it away, or give this gateway a profile of its own (--profile NAME).",
            metadata: ["path": path], exitCode: 2)
    }

    /// The command that removes a service of this program.
    static func removal(of service: InstalledService) -> String {
        ServiceSpelling.command(service, "gateway uninstall")
    }

    /// Writes `text` unless it is there already; what is replaced is kept beside it as `.bak`.
    ///
    /// - Throws: `SystemCallError`.
    func write(_ text: String) throws -> Written {
        let bytes = Array(text.utf8)
        let old = DurableFile.exists(path) ? try DurableFile.read(path, limit: 1 << 20) : nil
        if old == bytes { return Written(path: path, old: old, mode: mode, isChanged: false, backup: nil) }
        try DurableFile.createDirectory(DurableFile.parent(of: path))
        var backup: String?
        if let old {
            let copy = "\(path).bak"
            try DurableFile.write(old, to: copy, mode: mode)
            backup = copy
        }
        try DurableFile.write(bytes, to: path, mode: mode)
        // The mask of this process takes rights away that others need to see whose service it is.
        chmod(path, mode)
        return Written(path: path, old: old, mode: mode, isChanged: true, backup: backup)
    }
}

/// How a person reaches the gateway of a service.
package enum ServiceSpelling {
    /// `jarvis --profile rescue gateway uninstall`, with the variables that name unusual places.
    package static func command(_ service: InstalledService, _ words: String) -> String {
        var parts: [String] = []
        let profile = service.profile.flatMap { $0 == "default" ? nil : $0 }
        let usual = ".jarvis\(profile.map { "-\($0)" } ?? "")"
        if let state = service.stateDirectory {
            if HostPath.lastComponent(state) != usual { parts.append("JARVIS_STATE_DIR=\(state)") }
            if let config = service.configPath, config != HostPath.join(state, "jarvis.json") {
                parts.append("JARVIS_CONFIG_PATH=\(config)")
            }
        }
        parts.append("jarvis")
        if let profile { parts.append("--profile \(profile)") }
        return (parts + [words]).joined(separator: " ")
    }
}
