import JarvisCore

/// An instance while the resolver decides; the rules are those of the table at `InstanceResolver`.
struct InstanceDraft {
    let layout: HomeLayout
    let said: EnvironmentClaims
    private var profile: ProfileName?
    private var state = ""
    private var config = ""
    private var portVariable: String?
    private var inheritedPort: String?
    private var provenance: [Instance.Value: Provenance] = [:]

    init(layout: HomeLayout, said: EnvironmentClaims) {
        self.layout = layout
        self.said = said
    }

    /// No flag: the environment decides. A state directory that is a profile's own makes it that profile, so that one
    /// state directory has one name however it was reached.
    mutating func followEnvironment() throws(JarvisError) {
        let named = try said.profile.map { text throws(JarvisError) in
            Owner(profile: try ProfileName.parse(text, source: "JARVIS_PROFILE"))
        }
        let stateOwner = said.state.flatMap(layout.owner(ofState:))
        if let named {
            try refuse(said.state, "JARVIS_STATE_DIR", ownedBy: stateOwner, unless: named)
            try refuse(
                said.config, "JARVIS_CONFIG_PATH", ownedBy: said.config.flatMap(layout.owner(ofConfig:)), unless: named)
        }
        profile = named?.profile ?? stateOwner?.profile
        if named == nil { try refuseForeignConfig() }
        let source: ValueSource =
            named != nil
            ? .env("JARVIS_PROFILE") : stateOwner?.profile != nil ? .derived("JARVIS_STATE_DIR") : .default
        note(.profile, profile?.text ?? "default", source)
        keepPaths()
        portVariable = said.port
    }

    /// A flag named `profile` (nil: the default instance).
    mutating func followFlag(_ profile: ProfileName?, spelling: String) throws(JarvisError) {
        self.profile = profile
        let target = Owner(profile: profile)
        let claim = claimedOwner(besides: target)
        note(.profile, profile?.text ?? "default", .flag(spelling))
        if let text = said.profile, claim != nil {
            overrule(.profile, text, "JARVIS_PROFILE", "the flag names another instance")
        }

        // State directory and config path travel together: when one of them provably belongs to another instance, so
        // does the other, unless it is the target's own.
        let proven = provenOther(than: target, claim: claim)
        if let proven {
            note(.stateDirectory, layout.state(profile), .derived(spelling))
            note(.configPath, layout.config(profile), .derived(spelling))
            setAside(.stateDirectory, said.state, "JARVIS_STATE_DIR", own: layout.state(profile), reason: proven)
            setAside(.configPath, said.config, "JARVIS_CONFIG_PATH", own: layout.config(profile), reason: proven)
            state = layout.state(profile)
            config = layout.config(profile)
        } else {
            if let claim {
                try refuse(said.state, "JARVIS_STATE_DIR", unlessOwn: layout.owner(ofState:), target, claim, spelling)
                try refuse(
                    said.config, "JARVIS_CONFIG_PATH", unlessOwn: layout.owner(ofConfig:), target, claim, spelling)
            }
            keepPaths(profileSource: .derived(spelling))
        }
        let isForeign = proven != nil || claim != nil
        portVariable = isForeign ? nil : said.port
        inheritedPort = isForeign ? said.port : nil
    }

    mutating func note(_ value: Instance.Value, _ text: String, _ source: ValueSource) {
        provenance[value] = Provenance(value: text, source: source)
    }

    func instance() -> Instance {
        let environment = layout.environment
        let canonical = environment.canonicalize(state)
        let fallback = Self.socketDirectory(environment)
        return Instance(
            profile: profile, home: layout.home, stateDirectory: state, canonicalStateDirectory: canonical,
            configPath: config,
            paths: InstancePaths(state: state, canonicalState: canonical, socketFallbackDirectory: fallback),
            provenance: provenance, portVariable: portVariable, inheritedPortVariable: inheritedPort)
    }

    /// The variables where they are set, the profile's own places where not.
    private mutating func keepPaths(profileSource: ValueSource? = nil) {
        state = said.state ?? layout.state(profile)
        config = said.config ?? HostPath.join(state, "jarvis.json")
        let byProfile = profileSource ?? (said.profile == nil ? .default : .derived("JARVIS_PROFILE"))
        note(.stateDirectory, state, said.state == nil ? byProfile : .env("JARVIS_STATE_DIR"))
        let byState: ValueSource = said.state == nil ? byProfile : .derived("JARVIS_STATE_DIR")
        note(.configPath, config, said.config == nil ? byState : .env("JARVIS_CONFIG_PATH"))
    }

    /// Who the environment says it belongs to, when that is not `target`: by `JARVIS_PROFILE`, else by an instance id
    /// that is not the target's. Text for people.
    private func claimedOwner(besides target: Owner) -> String? {
        if let text = said.profile {
            do {
                if try ProfileName.parse(text, source: "JARVIS_PROFILE") == target.profile { return nil }
            } catch {}  // what can't be a profile can't be the target either
            return "JARVIS_PROFILE=\(text.prefix(80))"
        }
        guard let id = said.instanceId, id != layout.environment.instanceIdAt(layout.state(target.profile)) else {
            return nil
        }
        return "JARVIS_INSTANCE_ID=\(id.prefix(80))"
    }

    /// Why the variables are another instance's, when that is certain: one of them is its own place, or the state
    /// directory carries the instance id that the environment carries.
    private func provenOther(than target: Owner, claim: String?) -> String? {
        if let path = said.state, let owner = layout.owner(ofState: path), owner != target {
            return "inherited from \(owner.name)"
        }
        if let path = said.config, let owner = layout.owner(ofConfig: path), owner != target {
            return "inherited from \(owner.name)"
        }
        if claim != nil, let id = said.instanceId, let path = said.state, layout.environment.instanceIdAt(path) == id,
            id != layout.environment.instanceIdAt(layout.state(target.profile))
        {
            return "inherited from instance \(id)"
        }
        return nil
    }

    private mutating func setAside(
        _ value: Instance.Value, _ text: String?, _ variable: String, own: String, reason: String
    ) {
        guard let text, text != own else { return }
        overrule(value, text, variable, reason)
    }

    private mutating func overrule(_ value: Instance.Value, _ text: String, _ variable: String, _ reason: String) {
        provenance[value]?.overruled.append(.init(value: text, source: .env(variable), reason: reason))
    }

    /// The configuration of one profile with the state of another is nobody's wish: a change would land in the wrong
    /// gateway's file.
    private func refuseForeignConfig() throws(JarvisError) {
        let target = Owner(profile: profile)
        guard let path = said.config, let owner = layout.owner(ofConfig: path), owner != target else { return }
        let flag = "--profile \(owner.profile?.text ?? "default")"
        throw contradiction(
            "The environment names two instances: JARVIS_CONFIG_PATH=\(path) belongs to \(owner.name), and"
                + (said.state.map { " JARVIS_STATE_DIR=\($0)" } ?? " everything else") + " means \(target.name).",
            hint: "Say which: \(flag), or unset JARVIS_CONFIG_PATH.", "JARVIS_CONFIG_PATH", path)
    }

    private func refuse(
        _ path: String?, _ variable: String, ownedBy owner: Owner?, unless named: Owner
    ) throws(JarvisError) {
        guard let path, let owner, owner != named else { return }
        throw contradiction(
            "The environment names two instances: JARVIS_PROFILE=\(named.profile?.text ?? "default") and"
                + " \(variable)=\(path), which belongs to \(owner.name).",
            hint: "Unset one of the two, or name the instance with --profile.", variable, path)
    }

    private func refuse(
        _ path: String?, _ variable: String, unlessOwn owner: (String) -> Owner?, _ target: Owner, _ claim: String,
        _ spelling: String
    ) throws(JarvisError) {
        guard let path, owner(path) != target else { return }
        throw contradiction(
            "The command line says \(spelling), but the environment says \(claim) and \(variable)=\(path).",
            hint: "Unset \(variable) to use \(target.name), or leave \(spelling) away to use the environment.",
            variable,
            path)
    }

    private func contradiction(_ message: String, hint: String, _ variable: String, _ path: String) -> JarvisError {
        JarvisError(
            "instance.contradiction", message, hint: hint, metadata: ["variable": variable, "value": path], exitCode: 2)
    }

    /// A short directory of this user for sockets whose natural path is too long: `$XDG_RUNTIME_DIR/jarvis`, else
    /// `<temp>/jarvis-<uid>`, else `/tmp/jarvis-<uid>`. Whoever binds there makes it 0700 first.
    static func socketDirectory(_ environment: HostEnvironment) -> String {
        let longest = InstancePaths.longestSocketPath - 22
        let own = "jarvis-\(environment.userId)"
        let runtime = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? HostPath.join($0, "jarvis") : nil }
        let candidates = [runtime, HostPath.join(environment.temporaryDirectory, own)].compactMap { $0 }
        return candidates.first { $0.utf8.count <= longest } ?? "/tmp/\(own)"
    }
}
