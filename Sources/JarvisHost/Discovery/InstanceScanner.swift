import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds the instances of this user on disk. Reads only.
package enum InstanceScanner {
    /// All instances under the home and, after them, those that are registered elsewhere (set up with
    /// `JARVIS_STATE_DIR`).
    ///
    /// - Parameter configuredPort: reads `gateway.port` of a configuration file; nil when it names none.
    /// - Throws: `home.missing`, `home.relative`.
    package static func all(
        environment: HostEnvironment, configuredPort: (_ configPath: String) -> Int? = { _ in nil }
    ) throws(JarvisError) -> [SiblingInstance] {
        var found = try inHome(environment: environment, configuredPort: configuredPort)
        let table = try LeaseStore(environment: environment).read()
        let known = Set(found.map { environment.canonicalize($0.stateDirectory) })
        for record in table.instances.sorted(by: { $0.stateDirectory < $1.stateDirectory }) {
            // What is still being made is no instance yet.
            if known.contains(record.stateDirectory) || InstanceStaging.isStaging(record.stateDirectory) { continue }
            let name = record.profile == "default" ? nil : ProfileName(stateDirectoryName: ".jarvis-\(record.profile)")
            if let sibling = read(
                record.stateDirectory, name, environment, configuredPort, registeredConfig: record.configPath)
            {
                found.append(sibling)
            }
        }
        return found
    }

    /// The instances under the home: `~/.jarvis` and `~/.jarvis-<profile>` that hold a configuration or an identity,
    /// default first, then by name. At most 512.
    ///
    /// - Throws: `home.missing`, `home.relative`.
    static func inHome(
        environment: HostEnvironment, configuredPort: (_ configPath: String) -> Int? = { _ in nil }
    ) throws(JarvisError) -> [SiblingInstance] {
        let home = try environment.home().path
        var found: [SiblingInstance] = []
        for name in DirectoryNames.list(home) where name == ".jarvis" || name.hasPrefix(".jarvis-") {
            let profile = ProfileName(stateDirectoryName: name)
            guard name == ".jarvis" || profile != nil, found.count < 512 else { continue }
            if let sibling = read(HostPath.join(home, name), profile, environment, configuredPort) {
                found.append(sibling)
            }
        }
        return found.sorted { ($0.profile?.text ?? "") < ($1.profile?.text ?? "") }
    }

    /// The instances other than `instance`, by their canonical state directory.
    package static func siblings(
        of instance: Instance, environment: HostEnvironment,
        configuredPort: (_ configPath: String) -> Int? = { _ in nil }
    ) throws(JarvisError) -> [SiblingInstance] {
        try all(environment: environment, configuredPort: configuredPort)
            .filter { environment.canonicalize($0.stateDirectory) != instance.canonicalStateDirectory }
    }

    /// For commands that need an existing instance: passes when `instance` has a configuration or an identity.
    ///
    /// - Throws: `profile.unknown` with the name that was probably meant, or `instance.missing` when there is no
    /// default
    ///   instance; exit 2.
    package static func requireExisting(_ instance: Instance, environment: HostEnvironment) throws(JarvisError) {
        if DurableFile.exists(instance.paths.identityFile) || DurableFile.exists(instance.configPath) { return }
        let others = try siblings(of: instance, environment: environment)
        let known = others.map(\.displayName)
        let list = known.isEmpty ? "There is none on this host yet." : "Known: \(known.joined(separator: ", "))."
        let create = "To create it: \(instance.command) setup"
        guard let profile = instance.profile else {
            throw JarvisError(
                "instance.missing", "There is no default instance at \(instance.stateDirectory). \(list)",
                hint: others.first.map { "Did you mean --profile \($0.displayName)? \(create)" } ?? create,
                metadata: ["stateDirectory": instance.stateDirectory], exitCode: 2)
        }
        throw JarvisError(
            "profile.unknown",
            "There is no profile “\(profile)”: \(instance.stateDirectory) holds no instance. \(list)",
            hint: [suggestion(for: profile.text, known: known), create].compactMap { $0 }.joined(separator: " "),
            metadata: ["profile": profile.text], exitCode: 2)
    }

    private static func suggestion(for name: String, known: [String]) -> String? {
        if known == ["default"] || (name == "main" && known.contains("default")) {
            return "Did you mean the default profile? Leave --profile away."
        }
        let close = known.filter { $0 != "default" }.map { ($0, EditDistance.between(name, $0)) }.min { $0.1 < $1.1 }
        guard let close, close.1 <= 2 || close.0.hasPrefix(name) else { return nil }
        return "Did you mean --profile \(close.0)?"
    }

    private static func read(
        _ state: String, _ profile: ProfileName?, _ environment: HostEnvironment, _ configuredPort: (String) -> Int?,
        registeredConfig: String = ""
    ) -> SiblingInstance? {
        let paths = InstancePaths(state: state, canonicalState: state, socketFallbackDirectory: "/tmp")
        let usual = HostPath.join(state, "jarvis.json")
        let ownConfig = DurableFile.exists(usual) || registeredConfig.isEmpty ? usual : registeredConfig
        guard DurableFile.exists(paths.identityFile) || DurableFile.exists(ownConfig) else { return nil }
        let isRunning = StateDirectoryLock.isHolderAlive(stateDirectory: state)
        let runtime = RuntimeFile.read(paths)
        let running = isRunning ? runtime?.configPath : nil
        let config = running.flatMap { $0.isEmpty ? nil : $0 } ?? ownConfig
        let hasConfig = DurableFile.exists(config)
        let identity = try? InstanceIdentity.load(stateDirectory: state)  // a broken sibling is still listed
        return SiblingInstance(
            profile: profile, stateDirectory: state, configPath: config, hasConfig: hasConfig,
            instanceId: identity?.instanceId, configuredPort: hasConfig ? configuredPort(config) : nil,
            runtime: runtime,
            isRunning: isRunning)
    }
}
