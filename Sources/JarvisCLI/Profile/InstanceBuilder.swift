import JarvisAgent
import JarvisConfig
import JarvisCore
import JarvisHost

/// A new instance on its way: everything is written beside its final place, compared with the other gateways of the
/// host, and published by one rename.
struct InstanceBuilder {
    /// The instance as it will be.
    let instance: Instance
    /// Where it is written meanwhile.
    let staging: InstanceStaging
    private let target: ProfileTarget

    /// Begins `instance`, which must not exist.
    ///
    /// - Throws: `profile.exists`, exit 2; `profile.write`.
    init(_ instance: Instance, _ target: ProfileTarget) throws {
        self.instance = instance
        self.target = target
        staging = try InstanceStaging.begin(for: instance)
    }

    /// Sets the wished base port aside, or a free block, by the unpublished directory; it moves on with its name.
    ///
    /// - Throws: `port.sibling`, `port.range`, exit 2; `port.none`; what the lease table says.
    func reserve(_ wish: Int?) throws -> Int {
        let staged = staging.instance(of: instance)
        let siblings = try InstanceScanner.siblings(
            of: staged, environment: target.environment, configuredPort: target.context.configuredPort)
        return try target.leases.reserveBlock(
            for: PortReservation(instance: staged, siblings: siblings), wish: wish.map { .exactly($0) } ?? .any)
    }

    /// Takes everything away again.
    func discard() {
        try? target.leases.forget(stateDirectory: HostPath.canonical(staging.directory))  // it is dead
        staging.discard()
    }

    /// What was made.
    struct Made {
        var instance: Instance
        var identity: InstanceIdentity
        var workspace: String
        var port: Int
        var errors: [String]
    }

    /// Writes configuration, identity, workspace and manifest, lets `fill` add what else belongs in, compares with the
    /// other gateways and publishes. When anything fails, nothing is left.
    ///
    /// - Throws: `config.invalid`, `fleet.overlap`, `profile.exists`, `profile.write` and what `fill` throws.
    func make(config text: String, by command: String, fill: (InstanceStaging) throws -> Void = { _ in }) throws -> Made
    {
        do {
            var made = try build(text, command, fill)
            let unpublished = HostPath.canonical(staging.directory)
            try staging.publish(instance)
            made.errors += register(made, was: unpublished)
            return made
        } catch {
            discard()
            // “Do not restart me” is for a gateway that starts.
            guard var failure = error as? JarvisError, failure.exitCode == 78 else { throw error }
            failure.exitCode = 1
            throw failure
        }
    }

    /// The overlap proof, in the words of the finished instance.
    private func requireDisjoint(_ staged: Instance) throws {
        do {
            try FleetCheck.requireDisjoint(staged, environment: target.environment)
        } catch {
            var error = error
            let parts = error.message.split(separator: staging.directory, omittingEmptySubsequences: false)
            error.message = parts.joined(separator: instance.stateDirectory)
            error.hint = "Nothing was made. What belongs to whom: jarvis fleet check --all"
            for (key, value) in error.metadata where value == staging.directory {
                error.metadata[key] = instance.stateDirectory
            }
            throw error
        }
    }

    /// The instance is there already: a table that can't be written is told, and made good by its first start.
    private func register(_ made: Made, was unpublished: String) -> [String] {
        do {
            let leases = try target.leases
            try leases.move(from: unpublished, to: instance.canonicalStateDirectory)
            try leases.register(
                RegisteredInstance(
                    instance, instanceId: made.identity.instanceId,
                    workspaces: [HostPath.canonical(made.workspace)], base: made.port))
            return []
        } catch {
            return ["the lease table was not written: \(error)"]
        }
    }

    private func build(_ text: String, _ command: String, _ fill: (InstanceStaging) throws -> Void) throws -> Made {
        let directory = staging.directory
        try DurableFile.write(Array(text.utf8), to: staging.staged(instance.configPath))
        try fill(staging)
        let snapshot = ConfigLoader.load(
            path: staging.staged(instance.configPath), stateDirectory: directory,
            environment: target.environment.variables)
        guard snapshot.isUsable else {
            throw JarvisError(
                "config.invalid",
                "The configuration of “\(instance.displayName)” would be unreadable:"
                    + " \(snapshot.errors.first?.description ?? "unknown problem").")
        }
        let identity = try InstanceIdentity.loadOrCreate(
            stateDirectory: directory, displayName: instance.displayName)
        let workspace = snapshot.config.agents.defaults.workspace.map(instance.expand) ?? instance.defaultWorkspace
        var manifest = InstanceManifest(instanceId: identity.instanceId, createdBy: command)
        if HostPath.isInside(workspace, instance.stateDirectory) || !DurableFile.exists(workspace) {
            manifest.add(.workspace, path: workspace, stateDirectory: instance.stateDirectory)
        }
        try DurableFile.createDirectory(HostPath.join(directory, "store"))
        let staged = staging.instance(of: instance)
        try requireDisjoint(staged)
        // Last: a workspace outside the instance is touched only when nothing else can fail but the rename.
        if !snapshot.config.agents.defaults.skipBootstrap {
            try Workspace(directory: staging.staged(workspace)).prepare()
        }
        try DurableFile.createDirectory(staging.staged(workspace))
        try manifest.write(stateDirectory: directory)
        return Made(
            instance: instance, identity: identity, workspace: workspace,
            port: snapshot.config.gateway.port ?? instance.defaultPort, errors: snapshot.errors.map(\.description))
    }
}

extension InstanceBuilder.Made {
    /// The instance, the file, what is live and the next commands, for `--json`.
    func members(_ command: String, _ more: KeyValuePairs<String, JSONValue?> = [:]) -> JSONValue {
        var json =
            JSONValue.members([
                "ok": true,
                "instance": [
                    "profile": .string(instance.displayName), "instanceId": .string(identity.instanceId),
                    "stateDir": .string(instance.stateDirectory),
                ], "path": .string(instance.configPath), "workspace": .string(workspace), "port": JSONValue(port),
                "live": "not-running", "undo": .string("jarvis profile rm \(instance.displayName)"),
                "next": .string("\(instance.command) gateway"),
            ]).objectValue ?? [:]
        for (key, value) in more {
            if let value { json[key] = value }
        }
        return .object(json)
    }

    /// The same for people.
    func lines(_ title: String, terminal: Terminal) -> [String] {
        let color = InstanceColor.of(instanceId: identity.instanceId, name: instance.displayName)
        var table = TextTable()
        table.add("  instance", "\(instance.displayName) (\(instance.stateDirectory))")
        table.add("  id", identity.instanceId)
        table.add("  file", instance.configPath)
        table.add("  workspace", workspace)
        table.add("  port", String(port))
        table.add("  live", "from its first start; the gateway is not running")
        table.add("  undo", "jarvis profile rm \(instance.displayName)")
        table.add("  next", "\(instance.command) gateway")
        return ["\(title) \(color.paint(instance.displayName, enabled: terminal.hasColor)).", table.text]
            + errors.map { "note: \($0)" }
    }
}
