extension Instance {
    /// A path of the configuration as an absolute one: `~` is this instance's home; a relative path counts from the
    /// state directory, so that it means the same from every working directory.
    package func expand(_ path: String) -> String {
        Self.expand(path, home: home, stateDirectory: stateDirectory)
    }

    static func expand(_ path: String, home: String, stateDirectory: String) -> String {
        if path == "~" { return home }
        if path.hasPrefix("~/") { return HostPath.normalize(HostPath.join(home, String(path.dropFirst(2)))) }
        if path.hasPrefix("/") { return HostPath.normalize(path) }
        return HostPath.normalize(HostPath.join(stateDirectory, path))
    }
}
