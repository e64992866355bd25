/// Where definitions of services lie. A value, so that a test can lay out another host.
package struct ServiceDirectories: Sendable {
    /// One directory.
    package struct Place: Sendable, Hashable {
        /// Absolute.
        package var path: String
        /// Whose services lie there.
        package var scope: ServiceScope
    }

    /// User units of systemd; the first is where ours are written.
    package var systemdUser: [Place]
    /// Units of the machine; the first is where ours are written.
    package var systemdSystem: [Place]
    /// launchd; the first is where ours are written.
    package var launchd: [Place]

    /// The directories of this host as `environment` sees them. Empty lists where there is no home.
    package init(environment: HostEnvironment) {
        let home = environment["HOME"] ?? environment.accountHome
        var user: [Place] = []
        var launchd: [Place] = []
        if let home, home.hasPrefix("/") {
            let config = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
            let data = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.local/share"
            user = [
                Place(path: "\(config)/systemd/user", scope: .user),
                Place(path: "\(config)/systemd/user.control", scope: .user),
                Place(path: "\(data)/systemd/user", scope: .user),
            ]
            launchd = [Place(path: "\(home)/Library/LaunchAgents", scope: .user)]
        }
        let runtime = environment["XDG_RUNTIME_DIR"] ?? "/run/user/\(environment.userId)"
        user += ["systemd/user", "systemd/transient"].map { Place(path: "\(runtime)/\($0)", scope: .session) }
        user += ["/etc/systemd/user", "/run/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"]
            .map { Place(path: $0, scope: .system) }
        systemdUser = user
        systemdSystem = [
            "/etc/systemd/system", "/run/systemd/system", "/run/systemd/transient", "/usr/local/lib/systemd/system",
            "/usr/lib/systemd/system", "/lib/systemd/system",
        ].map { Place(path: $0, scope: .system) }
        self.launchd =
            launchd + ["/Library/LaunchAgents", "/Library/LaunchDaemons"].map { Place(path: $0, scope: .system) }
    }
}
