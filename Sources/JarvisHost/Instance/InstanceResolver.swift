import JarvisCore

/// Turns flags, environment and home into an `Instance`. Nothing else in the program decides which gateway is meant.
///
/// | said | result |
/// |---|---|
/// | no flag | the environment: `JARVIS_STATE_DIR` and `JARVIS_CONFIG_PATH` independently, then `JARVIS_PROFILE` |
/// | flag, variables unset or the profile's own | the profile's own places |
/// | flag, variables that are another instance's own places or carry its id | the flag; the variables are set aside |
/// | flag, a custom path, and nothing says another instance | the custom path |
/// | flag, a custom path, and `JARVIS_PROFILE` or `JARVIS_INSTANCE_ID` says another instance | refused, exit 2 |
/// | no flag, `JARVIS_PROFILE` and a path that is another profile's own | refused, exit 2 |
/// | no flag, and a configuration that is the own one of another instance than the state directory says | refused, exit 2 |
package enum InstanceResolver {
    /// Resolves. Reads at most the identity files of the state directories that the environment names; creates nothing.
    ///
    /// - Throws: `profile.invalid`, `profile.reserved`, `usage.conflict`, `instance.contradiction`, `home.missing`,
    ///   `home.relative`, `path.invalid`; all exit 2, naming the values and where each came from.
    package static func resolve(
        selection: ProfileSelection = ProfileSelection(), environment: HostEnvironment
    ) throws(JarvisError) -> Instance {
        let home = try environment.home()
        let layout = HomeLayout(home: home.path, environment: environment)
        let said = EnvironmentClaims(
            state: try layout.path(of: "JARVIS_STATE_DIR"), config: try layout.path(of: "JARVIS_CONFIG_PATH"),
            profile: environment["JARVIS_PROFILE"], instanceId: environment["JARVIS_INSTANCE_ID"],
            port: environment["JARVIS_GATEWAY_PORT"])
        var draft = InstanceDraft(layout: layout, said: said)
        switch try selection.choice() {
        case .none: try draft.followEnvironment()
        case .defaultInstance: try draft.followFlag(nil, spelling: selection.spelling)
        case .named(let profile): try draft.followFlag(profile, spelling: selection.spelling)
        }
        draft.note(.home, home.path, home.source)
        return draft.instance()
    }
}

/// What the variables say, with paths already absolute.
struct EnvironmentClaims {
    var state: String?
    var config: String?
    var profile: String?
    var instanceId: String?
    var port: String?
}

/// Where instances lie under one home.
struct HomeLayout {
    let home: String
    let environment: HostEnvironment

    func state(_ profile: ProfileName?) -> String {
        HostPath.join(home, profile.map { ".jarvis-\($0)" } ?? ".jarvis")
    }

    func config(_ profile: ProfileName?) -> String { HostPath.join(state(profile), "jarvis.json") }

    /// The instance whose own state directory `path` is; nil for a custom place.
    func owner(ofState path: String) -> Owner? {
        for (home, path) in [(home, path), (environment.canonicalize(home), environment.canonicalize(path))] {
            guard HostPath.normalize(path + "/..") == home else { continue }
            let name = HostPath.lastComponent(path)
            if name == ".jarvis" { return Owner(profile: nil) }
            if let profile = ProfileName(stateDirectoryName: name) { return Owner(profile: profile) }
        }
        return nil
    }

    /// The instance whose own configuration file `path` is; nil for a custom place.
    func owner(ofConfig path: String) -> Owner? {
        guard HostPath.lastComponent(path) == "jarvis.json" else { return nil }
        return owner(ofState: HostPath.normalize(path + "/.."))
    }

    /// The absolute path that a variable names: `~` is the home, a relative path counts from the working directory.
    func path(of variable: String) throws(JarvisError) -> String? {
        guard let value = environment[variable] else { return nil }
        guard !value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw JarvisError(
                "path.invalid", "\(variable) holds a control character; a path can't.",
                hint: "Set \(variable) to a plain path or unset it.", exitCode: 2)
        }
        if value == "~" { return home }
        if value.hasPrefix("~/") { return HostPath.normalize(HostPath.join(home, String(value.dropFirst(2)))) }
        if value.hasPrefix("/") { return HostPath.normalize(value) }
        return HostPath.normalize(HostPath.join(environment.currentDirectory, value))
    }
}

/// An instance of this home by its profile, nil for the default one; a type of its own so that “no owner” and “the
/// default instance” can't be mixed up.
struct Owner: Equatable {
    var profile: ProfileName?
    var name: String { profile.map { "profile \($0)" } ?? "the default instance" }
}
