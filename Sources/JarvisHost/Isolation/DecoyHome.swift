import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A temporary home beside whose tested profile lie full profiles of others, with canaries in every place.
package struct DecoyHome: Sendable {
    /// Everything lies in here.
    package let root: String
    /// The home that instances hang on.
    package let home: String
    /// The environment of programs that run in it.
    package let environment: HostEnvironment
    /// The tested instance as it is in here.
    package let instance: Instance
    /// The state directories of the others.
    package let decoys: [String]

    /// What every decoy holds: each file is a canary.
    private static let files: [(String, String)] = [
        ("jarvis.json", "{\"gateway\": {\"mode\": \"local\", \"port\": 4, \"auth\": {\"token\": \"canary-token\"}}}\n"),
        (".env", "JARVIS_GATEWAY_TOKEN=canary-token\nOPENAI_API_KEY=canary-key\n"),
        ("exec-approvals.json", "{\"version\": 1, \"canary\": true}\n"), ("run/gateway.json", "{\"pid\": 1}\n"),
        ("run/owner.json", "{\"pid\": 1}\n"), ("logs/gateway.log", "{\"message\": \"canary\"}\n"),
        ("store/jarvis.sqlite", "SQLite format 3 canary\n"), ("identity/device.json", "{\"canary\": true}\n"),
        ("identity/device-auth.json", "{\"canary\": true}\n"), ("devices/paired.json", "{}\n"),
        ("credentials/oauth.json", "{\"canary\": true}\n"), ("credentials/telegram-allowFrom.json", "[]\n"),
        ("agents/main/agent/auth-profiles.json", "{\"canary\": true}\n"),
        ("agents/main/sessions/sessions.json", "{}\n"), ("workspace/AGENTS.md", "canary instructions\n"),
        ("workspace/SOUL.md", "canary\n"), ("cron/jobs.json", "{\"version\": 1, \"jobs\": []}\n"),
        ("canvas/index.html", "canary\n"), ("media/inbound/1.txt", "canary\n"), ("skills/canary/SKILL.md", "canary\n"),
        ("browser/main/user-data/Local State", "{}\n"), ("config/last-good.json5", "{}\n"), ("cli-history", "canary\n"),
        ("memory/main.sqlite", "SQLite format 3 canary\n"), ("backups/canary.json", "{}\n"),
    ]

    /// Makes the home: directories 0700, files 0600. `remove` takes it away.
    ///
    /// - Parameters:
    ///   - profile: the tested profile; nil for the default instance.
    ///   - host: the environment of this process; only search paths are taken over from it, and whether it says
    ///     `JARVIS_HOME`.
    /// - Throws: `SystemCallError`.
    package init(profile: ProfileName?, host: HostEnvironment) throws {
        let base = host.canonicalize(host.temporaryDirectory)
        root = HostPath.join(base, "jiso-\(Identifiers.randomHex(bytes: 5))")
        try DurableFile.createDirectory(root)
        home = HostPath.join(root, "home")
        var variables: [String: String] = [:]
        for name in ["PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SSL_CERT_FILE"] {
            variables[name] = host.variables[name]
        }
        variables["HOME"] = home
        variables["TMPDIR"] = HostPath.join(root, "tmp")
        variables["XDG_RUNTIME_DIR"] = HostPath.join(root, "runtime")
        variables["NO_COLOR"] = "1"
        // Where JARVIS_HOME counts, the account's own home is one more place that must stay untouched.
        var homes = [home]
        if host["JARVIS_HOME"] != nil {
            variables["JARVIS_HOME"] = home
            variables["HOME"] = HostPath.join(root, "account")
            homes.append(HostPath.join(root, "account"))
        }
        for directory in homes + [HostPath.join(root, "tmp"), HostPath.join(root, "runtime")] {
            try DurableFile.createDirectory(directory)
        }
        var environment = HostEnvironment(
            variables: variables, temporaryDirectory: HostPath.join(root, "tmp"), currentDirectory: home,
            userId: host.userId, hostName: host.hostName)
        environment.canonicalize = host.canonicalize
        environment.instanceIdAt = host.instanceIdAt
        self.environment = environment
        let tested = try InstanceResolver.resolve(
            selection: ProfileSelection(flag: profile?.text ?? "default"), environment: environment)
        instance = tested

        var decoys: [String] = []
        for place in homes {
            let names = [".jarvis", ".jarvis-other", ".jarvis-rescue", ".jarvis-main", ".config/jarvis", "jarvis"]
            for name in names where HostPath.join(place, name) != tested.stateDirectory {
                let decoy = HostPath.join(place, name)
                decoys.append(decoy)
                try Self.fill(decoy)
            }
            try Self.write("JARVIS_GATEWAY_TOKEN=canary-token\n", HostPath.join(place, ".env"))
            try Self.write("touch \"$HOME/shell-was-run\"\n", HostPath.join(place, ".bashrc"))
            try Self.write("canary\n", HostPath.join(place, ".ssh/id_ed25519"))
        }
        self.decoys = decoys
    }

    private static func fill(_ decoy: String) throws {
        for (name, text) in files { try write(text, HostPath.join(decoy, name)) }
        let identity: JSONValue = ["version": 1, "instanceId": .string(Identifiers.uuid()), "createdAtMs": 1]
        try write(JSONWriter.pretty(identity), HostPath.join(decoy, "instance.json"))
    }

    private static func write(_ text: String, _ path: String) throws {
        try DurableFile.createDirectory(DurableFile.parent(of: path))
        try DurableFile.write(Array(text.utf8), to: path, sync: false)
    }

    /// Removes everything.
    package func remove() {
        // what can't be removed stays in the temporary directory, where it harms nobody
        try? FileTree.remove(root)  // see above
    }

    /// Whether the tested instance may touch `path`: its own state directory, the records of the host, and the
    /// directories above them.
    package func mayTouch(_ path: String) -> Bool {
        let own = [instance.stateDirectory, HostPath.join(home, ".local/state/jarvis")]
        return own.contains { path == $0 || path.hasPrefix($0 + "/") || $0.hasPrefix(path + "/") }
    }

    /// Files of others that are made for being looked at: who they are and how to reach them, never what they hold.
    package static let publicFiles: Set<String> = [
        "instance.json", "jarvis.json", "run/gateway.json", "run/owner.json", "run/control.sock",
    ]

    /// Whether opening `path` for reading is a touch: public files of a decoy are not.
    package func isPrivate(_ path: String) -> Bool {
        !decoys.contains { decoy in
            path.hasPrefix(decoy + "/") && Self.publicFiles.contains(String(path.dropFirst(decoy.count + 1)))
        }
    }
}
