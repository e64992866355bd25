import JarvisCore
import JarvisHost
import Synchronization

/// Where the secrets of an onboarding go: into the configuration, or into `<state>/.env` with a reference in the
/// configuration.
final class OnboardSecrets: Sendable {
    private let usesReferences: Bool
    private let instance: Instance
    private let environment: HostEnvironment
    private let pending = Mutex<[(name: String, value: String)]>([])

    init(mode: String, instance: Instance, environment: HostEnvironment) throws {
        usesReferences = mode == "ref"
        self.instance = instance
        self.environment = environment
    }

    /// What the configuration says for `secret`: itself, or `${NAME}` while the secret is kept for `save`.
    ///
    /// - Throws: `onboard.secret`, exit 2, for a secret that no line of the file can hold.
    func stored(_ secret: String, as name: String) throws -> String {
        // A person may give a reference right away.
        guard usesReferences, !secret.hasPrefix("${") else { return secret }
        let isPlain = secret.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"'#$\\`".utf8.contains($0) }
        guard isPlain, !secret.isEmpty else {
            throw JarvisError(
                "onboard.secret",
                "the value for \(name) holds characters that a line of .env can't: use --secret-input-mode"
                    + " plaintext, or set \(name) in the environment and pass '${\(name)}'", exitCode: 2)
        }
        pending.withLock { $0.append((name, secret)) }
        return "${\(name)}"
    }

    /// The provider with its key stored. Without a key, in reference mode, the variable must be set.
    func stored(_ provider: ProviderChoice) throws -> ProviderChoice {
        var provider = provider
        if let key = provider.apiKey {
            provider.apiKey = try stored(key, as: provider.variable)
        } else if usesReferences {
            provider.apiKey = "${\(provider.variable)}"
            if environment[provider.variable] == nil {
                throw JarvisError(
                    "onboard.secret",
                    "--secret-input-mode ref: neither a key was given nor is \(provider.variable) set.",
                    hint: "export \(provider.variable)=…", exitCode: 2)
            }
        }
        return provider
    }

    /// Writes what was kept to `<state>/.env`, replacing lines of the same names; 0600.
    func save() throws {
        let secrets = pending.withLock { $0 }
        if secrets.isEmpty { return }
        let path = instance.paths.dotenv
        let old =
            DurableFile.exists(path) ? String(decoding: try DurableFile.read(path, limit: 1 << 20), as: UTF8.self) : ""
        var lines = old.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        for (name, value) in secrets {
            lines.removeAll { $0.hasPrefix("\(name)=") }
            lines.append("\(name)=\(value)")
        }
        try DurableFile.createDirectory(instance.stateDirectory)
        try DurableFile.write(Array((lines.joined(separator: "\n") + "\n").utf8), to: path)
    }
}

/// What every onboarding writes beside the answers.
enum OnboardPatch {
    /// `patch` with `wizard.*` and a session scope that keeps contacts apart, unless one is set.
    static func completed(_ patch: JSONObject, context: CLIContext, instance: Instance) -> JSONObject {
        var patch = patch
        let parsed = context.configStore(instance).load().parsed
        if parsed["session"]?["dmScope"] == nil { patch["session"] = ["dmScope": "per-channel-peer"] }
        patch["wizard"] = [
            "lastRunAt": .string(WallClock.iso8601(WallClock.system.now())), "lastRunVersion": .string(Version.text),
            "lastRunCommand": "onboard", "lastRunMode": "local",
        ]
        return patch
    }
}
