import JarvisCore

extension FleetHost {
    /// What a check needs to know of the host.
    struct Reading {
        /// The host directory.
        var directory: String
        /// Leases and services by instance.
        var facts: FleetHost
    }

    /// Reads leases and services. What can't be read counts as empty: the check then sees less, never something wrong.
    static func read(environment: HostEnvironment, instances: [Instance]) throws(JarvisError) -> Reading {
        let home = try environment.home().path
        let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        let directory =
            environment["JARVIS_HOST_DIR"]
            ?? HostPath.join(state ?? HostPath.join(home, ".local/state"), "jarvis/host")
        return Reading(directory: directory, facts: FleetHost())
    }
}
