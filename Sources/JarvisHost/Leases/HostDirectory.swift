import JarvisCore

/// Where the things lie that the instances of one user on one host have in common: the lease table and what parts of
/// JARVIS keep beside it. Holds no secrets.
package enum HostDirectory {
    /// `JARVIS_HOST_DIR` (with `~`), else `$XDG_STATE_HOME/jarvis/host`, else `~/.local/state/jarvis/host`. A relative
    /// `XDG_STATE_HOME` counts as unset. Touches no disk.
    ///
    /// - Throws: `home.missing`, `home.relative`; `path.invalid` for a relative `JARVIS_HOST_DIR`; exit 2.
    package static func path(_ environment: HostEnvironment) throws(JarvisError) -> String {
        if let said = environment["JARVIS_HOST_DIR"] {
            if said.hasPrefix("/") { return HostPath.normalize(said) }
            if said == "~" || said.hasPrefix("~/") {
                return HostPath.normalize(HostPath.join(try environment.home().path, String(said.dropFirst(2))))
            }
            throw JarvisError(
                "path.invalid", "JARVIS_HOST_DIR is “\(said.prefix(200))”, which is not an absolute path.",
                hint: "Set it to a path that begins with “/”, or unset it.", exitCode: 2)
        }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return HostPath.normalize(HostPath.join(state, "jarvis/host"))
        }
        return HostPath.join(try environment.home().path, ".local/state/jarvis/host")
    }
}
