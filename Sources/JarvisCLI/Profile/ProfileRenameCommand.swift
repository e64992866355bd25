import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisHost

/// `jarvis profile rename`.
struct ProfileRenameCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rename",
        abstract: "Give a gateway another name; it stays the same gateway.",
        discussion: """
            Moves the state directory by one rename and adapts the settings that name a place in it. Id, token, port, \
            paired clients and conversations stay. Folders inside keep their names. A service is installed again under \
            the new name, not started.

            Examples:
              jarvis profile rename test staging

            Exit codes: 0 renamed; 1 can't be moved; 2 wrong usage, an unknown name, a name that is taken or not allowed, \
            or a gateway that runs.
            """)

    @Argument(help: "The name now.")
    var old: String

    @Argument(help: "The new name.")
    var new: String

    @Flag(help: "Stop its gateway first, when it runs.")
    var stop = false

    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        try target.refuseFlag(besides: [old, new])
        let after = try target.instance(new, source: "profile rename: the new name")
        let before = try target.existing(old, source: "profile rename")
        if before.stateDirectory == after.stateDirectory {
            throw JarvisError(
                "profile.exists", "The gateway is called “\(after.displayName)” already.", exitCode: 2)
        }
        if DurableFile.exists(after.stateDirectory) { throw InstanceStaging.exists(after) }
        try target.trash.sweep()
        let rename = ProfileRename(before: before, after: after, target: target)
        try rename.check()
        let services = try await target.retire(before, isWished: stop, to: "renamed", command: rename.command)
        let changed = try rename.perform()
        show(rename, changed, await rename.reinstall(services))
    }

    private func show(_ rename: ProfileRename, _ changed: [ConfigPath], _ services: ProfileRename.Services) {
        let (before, after) = (rename.before, rename.after)
        let undo = "jarvis profile rename \(after.displayName) \(before.displayName)"
        let identity = try? InstanceIdentity.load(stateDirectory: after.stateDirectory)  // for people
        var table = TextTable()
        table.add("  instance", "\(after.displayName) (\(after.stateDirectory))")
        table.add("  was", "\(before.displayName) (\(before.stateDirectory))")
        if let identity { table.add("  id", "\(identity.instanceId) (unchanged)") }
        table.add("  file", after.configPath)
        for path in changed { table.add("  adapted", path.description) }
        for name in services.installed { table.add("  service", "\(name), not started") }
        table.add("  live", "from the next start; the gateway is not running")
        table.add("  undo", undo)
        table.add("  next", next(after, services))
        CommandOutput(
            json: .members([
                "ok": true,
                "instance": .members([
                    "profile": .string(after.displayName), "instanceId": JSONValue(identity?.instanceId),
                    "stateDir": .string(after.stateDirectory),
                ]), "was": .string(before.displayName), "path": .string(after.configPath),
                "changed": JSONValue(changed.map(\.description)), "services": JSONValue(services.installed),
                "notes": JSONValue(services.notes), "live": "not-running", "undo": .string(undo),
                "next": .string(next(after, services)),
            ]),
            text: "Renamed \(before.displayName) to \(after.displayName).\n\(table.text)"
                + services.notes.map { "\nnote: \($0)" }.joined()
        ).show(json: json.isOn)
    }
}

extension ProfileRenameCommand {
    private func next(_ instance: Instance, _ services: ProfileRename.Services) -> String {
        services.installed.isEmpty ? "\(instance.command) gateway" : "\(instance.command) gateway start"
    }
}

/// The steps of a rename. After each of them the instance is whole, under its old name or its new one: first the
/// settings that name a place in the state directory are made relative to it, then the directory gets its new name, then
/// they are spelled out again.
struct ProfileRename {
    let before: Instance
    let after: Instance
    let target: ProfileTarget

    /// The command that does this.
    var command: String { "jarvis profile rename \(before.displayName) \(after.displayName)" }

    /// Passes when nothing in the settings stands in the way. Changes nothing.
    ///
    /// - Throws: `config.invalid`; `profile.fixed_path`, exit 2.
    func check() throws { _ = try places() }

    /// What became of the services that carried the old name.
    struct Services {
        /// The units of the new name.
        var installed: [String] = []
        /// What could not be installed again, with the command.
        var notes: [String] = []
    }

    /// Installs the services again under the new name, not started. The rename itself is done: what fails is told.
    func reinstall(_ services: [InstalledService]) async -> Services {
        var result = Services()
        let context = CLIContext(globals: target.context.globals, environment: target.environment)
        for service in services {
            do {
                var manifest = InstanceManifest.load(stateDirectory: after.stateDirectory)
                manifest?.remove(.service, path: service.path, stateDirectory: after.stateDirectory)
                try manifest?.write(stateDirectory: after.stateDirectory)
                var install = ServiceInstall(context: context, instance: after)
                install.kind = service.manager
                install.starts = false
                let report = try await install.run()
                result.installed.append(report.service?.name ?? service.manager.rawValue)
                result.notes += report.warnings
            } catch {
                result.notes.append(
                    "the service \(service.name) was not installed again: \(Failure(error).message)"
                        + " → \(after.command) gateway install")
            }
        }
        return result
    }

    /// Does it.
    ///
    /// - Returns: the settings that were adapted.
    /// - Throws: `profile.running`, `profile.exists`, `profile.fixed_path`, exit 2; `profile.write`.
    func perform() throws -> [ConfigPath] {
        let lock = try target.lock(before, to: "renamed", command: command)
        defer { lock.release() }
        let store = target.configStore(before)
        let places = try places()
        if !places.isEmpty { try write(places.map { ($0.path, $0.inside) }, store) }
        try InstanceStaging.rename(before, to: after)
        moveLeases()
        if !places.isEmpty {
            let absolute = places.map { ($0.path, HostPath.join(after.stateDirectory, $0.inside)) }
            try write(absolute, target.configStore(after))
        }
        return places.map(\.path)
    }

    /// A table that can't be written is made good by the next start.
    private func moveLeases() {
        do {
            let leases = try target.leases
            let known = leases.read()[before.canonicalStateDirectory]
            try leases.move(from: before.canonicalStateDirectory, to: after.canonicalStateDirectory)
            let workspaces = known?.workspaces.map { path in
                HostPath.relative(path, to: before.canonicalStateDirectory)
                    .map { HostPath.join(after.canonicalStateDirectory, $0) } ?? path
            }
            try leases.register(
                RegisteredInstance(
                    after, instanceId: known?.instanceId ?? "", workspaces: workspaces ?? [], base: known?.base ?? 0))
        } catch {}  // see above
    }

    /// A setting that names a place in the state directory, and that place below it.
    private struct Place {
        var path: ConfigPath
        var inside: String
    }

    /// Settings whose relative paths count from the state directory; without them it lies where the default is.
    private func places() throws -> [Place] {
        let snapshot = target.configStore(before).load()
        guard !snapshot.exists || snapshot.isUsable else {
            throw JarvisError(
                "config.invalid",
                "\(before.configPath) can't be read: \(snapshot.errors.first?.description ?? "unknown problem").",
                hint: "Correct it first: \(before.command) config validate")
        }
        guard snapshot.exists else { return [] }
        var found: [Place] = []
        var fixed: [ConfigPath] = []
        // With what it includes; what a variable or a reference gives is none of ours.
        collect(snapshot.redacted(), ConfigPath()) { path, inside in
            if path == ConfigPath("agents", "defaults", "workspace") || isAgentWorkspace(path) {
                found.append(Place(path: path, inside: inside))
            } else {
                fixed.append(path)
            }
        }
        if let first = fixed.first {
            throw JarvisError(
                "profile.fixed_path",
                "\(first) names a place in \(before.stateDirectory) that would be gone under the new name.",
                hint: "Take it out first: \(before.command) config unset \(first)",
                metadata: ["path": first.description], exitCode: 2)
        }
        if snapshot.config.agents.defaults.workspace == nil, DurableFile.exists(before.defaultWorkspace) {
            let inside = HostPath.lastComponent(before.defaultWorkspace)
            found.append(Place(path: ConfigPath("agents", "defaults", "workspace"), inside: inside))
        }
        return found
    }

    private func isAgentWorkspace(_ path: ConfigPath) -> Bool {
        path.elements.count == 4 && path.elements.starts(with: [.key("agents"), .key("list")])
            && path.elements.last == .key("workspace")
    }

    private func collect(_ value: JSONValue, _ path: ConfigPath, _ found: (ConfigPath, String) -> Void) {
        switch value {
        case .object(let members): for (key, member) in members { collect(member, path.appending(key), found) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { collect(element, path.appending(.index(index)), found) }
        case .string(let text) where text.hasPrefix("/") || text.hasPrefix("~/"):
            if let inside = HostPath.relative(before.expand(text), to: before.stateDirectory) { found(path, inside) }
        default: break
        }
    }

    private func write(_ values: [(ConfigPath, String)], _ store: ConfigStore) throws {
        for (path, text) in values { _ = try store.set(path, to: .string(text), actor: "profile rename") }
    }
}
