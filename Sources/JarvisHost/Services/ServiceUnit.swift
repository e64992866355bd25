import JarvisCore

/// A gateway as a service: everything that a definition says, as a value. What is not here does not get into a
/// definition, so no secret and nothing of the shell that installs it does.
package struct ServiceUnit: Sendable, Hashable {
    /// Its names.
    package var names: ServiceNames
    /// Who will run it.
    package var manager: ServiceManagerKind
    /// The instance's id.
    package var instanceId: String
    /// The state directory, absolute.
    package var stateDirectory: String
    /// The configuration file, absolute.
    package var configPath: String
    /// The home directory that programs started by the gateway see.
    package var home: String
    /// The home that the instance was resolved under, when it is another one (`JARVIS_HOME`).
    package var jarvisHome: String?
    /// The directory of this user's host-wide records, when it is not the usual one.
    package var hostDirectory: String?
    /// The program, absolute: the name by which it stays reachable after an upgrade.
    package var executable: String
    /// The version that wrote it.
    package var version: String
    /// The account it runs as; only for a service of the machine.
    package var user: String?
    /// The version of systemd that will read it; nil when unknown. Decides about newer settings only.
    package var systemdVersion: Int?

    /// A unit with exactly these values.
    package init(
        names: ServiceNames, manager: ServiceManagerKind, instanceId: String, stateDirectory: String,
        configPath: String, home: String, jarvisHome: String? = nil, hostDirectory: String? = nil, executable: String,
        version: String, user: String? = nil, systemdVersion: Int? = nil
    ) {
        self.names = names
        self.manager = manager
        self.instanceId = instanceId
        self.stateDirectory = stateDirectory
        self.configPath = configPath
        self.home = home
        self.jarvisHome = jarvisHome
        self.hostDirectory = hostDirectory
        self.executable = executable
        self.version = version
        self.user = user
        self.systemdVersion = systemdVersion
    }

    /// The unit for `instance`; a service of the machine runs as the user `owner`.
    ///
    /// - Throws: `service.path`, exit 2, for a path that a definition can't hold.
    package init(
        instance: Instance, instanceId: String, manager: ServiceManagerKind, executable: String, version: String,
        environment: HostEnvironment, owner: UInt32? = nil, systemdVersion: Int? = nil
    ) throws(JarvisError) {
        let isOther = manager == .systemdSystem && owner != nil && owner != environment.userId
        let own = environment["HOME"] ?? environment.accountHome
        let account =
            isOther ? owner.flatMap(UserAccounts.home) : environment["JARVIS_HOME"] == nil ? nil : own
        let user = manager == .systemdSystem ? owner.map { UserAccounts.name(of: $0) ?? String($0) } : nil
        self.init(
            names: ServiceNames(instance), manager: manager, instanceId: instanceId,
            stateDirectory: instance.stateDirectory, configPath: instance.configPath,
            home: account ?? instance.home,
            jarvisHome: account.map { $0 == instance.home ? nil : instance.home } ?? nil,
            hostDirectory: try Self.unusualHostDirectory(instance, environment), executable: executable,
            version: version, user: user,
            systemdVersion: systemdVersion)
        for path in [stateDirectory, configPath, home, executable] {
            guard path.hasPrefix("/"), !path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
                throw JarvisError(
                    "service.path",
                    "“\(path.prefix(200))” can't stand in a service: expected an absolute path without"
                        + " control characters.", exitCode: 2)
            }
        }
    }

    /// The host directory when the service would not find it by itself: `JARVIS_HOST_DIR` or `XDG_STATE_HOME` of the
    /// shell that installs it names another one.
    private static func unusualHostDirectory(
        _ instance: Instance, _ environment: HostEnvironment
    ) throws(JarvisError) -> String? {
        let path = try HostDirectory.path(environment)
        return path == HostPath.join(instance.home, ".local/state/jarvis/host") ? nil : path
    }

    /// `default` or the profile's name.
    package var profile: String { names.profile?.text ?? "default" }

    /// `JARVIS Gateway (profile: rescue, v1.2.3)`.
    package var description: String { names.description(version: version) }

    /// The program and its arguments. Everything that tells instances apart is in the environment, so that one table
    /// of precedence holds everywhere.
    package var arguments: [String] { [executable, "gateway"] }

    /// Where the service looks for programs: the user's own directories, then the system's. Never the `PATH` of the
    /// shell that installs it.
    package var path: String {
        (["\(home)/.local/bin", "\(home)/bin"] + Self.systemPath).joined(separator: ":")
    }

    private static var systemPath: [String] {
        #if canImport(Darwin)
            ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]
        #else
            ["/usr/local/bin", "/usr/bin", "/bin"]
        #endif
    }

    /// The variables, in the order in which they are written.
    package var environment: [(name: String, value: String)] {
        var all: [(name: String, value: String)] = [
            ("HOME", home), ("PATH", path), ("JARVIS_PROFILE", profile), ("JARVIS_INSTANCE_ID", instanceId),
            ("JARVIS_STATE_DIR", stateDirectory), ("JARVIS_CONFIG_PATH", configPath),
        ]
        if let jarvisHome { all.append(("JARVIS_HOME", jarvisHome)) }
        if let hostDirectory { all.append(("JARVIS_HOST_DIR", hostDirectory)) }
        return all + [
            ("JARVIS_SERVICE_MARKER", "jarvis"), ("JARVIS_SERVICE_KIND", "gateway"),
            ("JARVIS_SERVICE_VERSION", version),
        ]
    }
}
