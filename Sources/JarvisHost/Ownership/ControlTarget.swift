import JarvisCore

/// Whom a challenge goes to: the gateway of one state directory.
package struct ControlTarget: Sendable, Hashable {
    /// The state directory.
    package var stateDirectory: String
    /// The control socket to try. A hint: what answers there must prove itself.
    package var socket: String
    /// `default` or the profile's name, for messages.
    package var displayName: String
    /// The words that reach the instance, for hints.
    package var command: String

    /// A target.
    package init(stateDirectory: String, socket: String, displayName: String, command: String) {
        self.stateDirectory = stateDirectory
        self.socket = socket
        self.displayName = displayName
        self.command = command
    }

    /// Where the gateway of `paths` listens. Its place follows from the state directory. Only a socket with a short path
    /// outside it depends on the environment of the gateway, so that the gateway's own note tells it, when that was
    /// written by a process that lives, for this instance.
    package static func socket(_ paths: InstancePaths, instanceId: String?) -> String {
        let derived = paths.controlSocket
        guard !derived.hasPrefix(paths.run + "/"), let runtime = RuntimeFile.read(paths),
            runtime.isNote(of: instanceId)
        else { return derived }
        return runtime.controlSocket ?? derived
    }
}

extension Instance {
    /// How to challenge the gateway of this instance.
    package var controlTarget: ControlTarget {
        // A broken identity is refused when the answer is checked against it.
        let identity = try? InstanceIdentity.load(stateDirectory: stateDirectory)  // see above
        return ControlTarget(
            stateDirectory: stateDirectory, socket: ControlTarget.socket(paths, instanceId: identity?.instanceId),
            displayName: displayName, command: command)
    }
}

extension SiblingInstance {
    /// How to challenge the gateway of this sibling.
    ///
    /// - Parameter environment: names the short place of a socket whose own path is too long.
    package func controlTarget(_ environment: HostEnvironment) -> ControlTarget {
        let paths = InstancePaths(
            state: stateDirectory, canonicalState: environment.canonicalize(stateDirectory),
            socketFallbackDirectory: InstanceDraft.socketDirectory(environment))
        return ControlTarget(
            stateDirectory: stateDirectory, socket: ControlTarget.socket(paths, instanceId: instanceId),
            displayName: displayName, command: command(environment))
    }

    /// The words that reach this instance from any shell, as `Instance.command`.
    package func command(_ environment: HostEnvironment) -> String {
        var words: [String] = []
        let home = try? environment.home().path  // without a home no place is the usual one
        let usual = home.map { HostPath.join($0, profile.map { ".jarvis-\($0)" } ?? ".jarvis") }
        if stateDirectory != usual { words.append("JARVIS_STATE_DIR=\(Instance.quoted(stateDirectory))") }
        if configPath != HostPath.join(stateDirectory, "jarvis.json") {
            words.append("JARVIS_CONFIG_PATH=\(Instance.quoted(configPath))")
        }
        words.append("jarvis")
        if let profile { words.append("--profile \(profile)") }
        return words.joined(separator: " ")
    }
}
