import JarvisConfig
import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Collects the claims of one instance from its configuration and its state directory.
struct FootprintReader {
    let instance: Instance
    let key: BotIdentity.Key
    let host: FleetHost
    let environment: HostEnvironment
    private(set) var instanceId: String?
    private(set) var claims: [Claim] = []
    private(set) var unknown: [String] = []
    private let state: PathIdentity

    init(instance: Instance, key: BotIdentity.Key, host: FleetHost, environment: HostEnvironment) {
        self.instance = instance
        self.key = key
        self.host = host
        self.environment = environment
        state = PathIdentity(of: instance.stateDirectory)
    }

    mutating func read() {
        claims.append(Claim(.state, path: instance.stateDirectory, .tree, "state directory"))
        do throws(JarvisError) {
            instanceId = try InstanceIdentity.load(stateDirectory: instance.stateDirectory)?.instanceId
        } catch {
            unknown.append(error.message)
        }
        if let instanceId { claims.append(Claim(.instanceId, instanceId, "permanent id (instance.json)")) }
        let snapshot = readConfig()
        claims.append(Claim(.config, path: instance.configPath, .file, "configuration"))
        for source in snapshot.sources.dropFirst() where !PathIdentity(of: source).isInside(state) {
            claims.append(Claim(.path, path: source, .file, "included configuration", isActive: false))
        }
        addWorkspaces(snapshot.config)
        addPlaces(snapshot)
        addLinks()
        addOutside(.socket, instance.paths.controlSocket, .file, "control socket")
        addPorts(snapshot)
        ChannelClaims(snapshot: snapshot, instance: instance, key: key).collect(into: &claims, unknown: &unknown)
        addNames(snapshot)
        let place = instance.canonicalStateDirectory
        for claim in (host.leased[place] ?? []) + (host.services[place] ?? [])
        where claim.place.map({ !$0.isInside(state) }) ?? true {
            claims.append(claim)
        }
        removeRepetitions()
    }

    /// The configuration as its own gateway would see it: variables of this shell count only where nothing else does,
    /// because a service does not have them.
    private mutating func readConfig() -> ConfigSnapshot {
        let alone = ConfigLoader.load(
            path: instance.configPath, stateDirectory: instance.stateDirectory, environment: [:])
        let needsMore = alone.issues.contains { $0.code == .variable }
        let snapshot =
            needsMore
            ? ConfigLoader.load(
                path: instance.configPath, stateDirectory: instance.stateDirectory,
                environment: environment.variables)
            : alone
        if !snapshot.isUsable {
            unknown.append(
                "\(instance.configPath) can't be read, so what it would name is not known:"
                    + " \(snapshot.errors.first?.description ?? "unknown problem")")
        }
        return snapshot
    }

    // MARK: Places

    /// Claims a place; one inside the state directory is claimed with it already.
    private mutating func addOutside(
        _ kind: Claim.Kind, _ path: String, _ extent: Claim.Extent, _ purpose: String, isActive: Bool = true
    ) {
        let claim = Claim(kind, path: path, extent, purpose, isActive: isActive)
        if claim.place?.isInside(state) == true, claim.place?.key != state.key { return }
        claims.append(claim)
    }

    private mutating func addWorkspaces(_ config: Config) {
        let defaults = config.agents.defaults.workspace
        addOutside(
            .workspace, defaults.map(instance.expand) ?? instance.defaultWorkspace, .tree,
            "workspace\(defaults == nil ? "" : " (agents.defaults.workspace)")")
        for (index, agent) in config.agents.list.enumerated() {
            if let workspace = agent.workspace {
                addOutside(
                    .workspace, instance.expand(workspace), .tree,
                    "workspace of agent \(agent.id) (agents.list[\(index)].workspace)")
            }
        }
    }

    /// Paths that the configuration names besides workspaces.
    private mutating func addPlaces(_ snapshot: ConfigSnapshot) {
        if let file = snapshot.config.logging.file {
            addOutside(.log, instance.expand(file), .file, "log (logging.file)")
        }
        for (path, kind, extent, words) in Self.places {
            for (found, text) in snapshot.texts(path) {
                addOutside(kind, instance.expand(text), extent, "\(words) (\(found))")
            }
        }
    }

    private static let places: [([String], Claim.Kind, Claim.Extent, String)] = [
        (["agents", "list", "*", "agentDir"], .path, .tree, "state of an agent"),
        (["browser", "userDataDir"], .browser, .tree, "browser data"),
        (["browser", "profiles", "*", "userDataDir"], .browser, .tree, "browser data"),
        (["canvasHost", "root"], .path, .tree, "canvas"),
        (["canvas", "root"], .path, .tree, "canvas"),
        (["media", "dir"], .path, .tree, "media"),
        (["session", "store"], .path, .file, "conversations"),
        (["cron", "store"], .path, .file, "jobs"),
        (["agents", "defaults", "memorySearch", "store", "path"], .path, .file, "memory index"),
        (["agents", "defaults", "sandbox", "workspaceRoot"], .path, .tree, "sandboxes"),
        (["diagnostics", "cacheTrace", "filePath"], .path, .file, "trace"),
        (["channels", "*", "authDir"], .path, .tree, "login of a channel"),
        (["channels", "*", "accounts", "*", "authDir"], .path, .tree, "login of a channel"),
        (["channels", "*", "storePath"], .path, .tree, "store of a channel"),
        (["channels", "*", "accounts", "*", "storePath"], .path, .tree, "store of a channel"),
    ]

    /// Links inside the state directory that lead out of it, and files in it that have a second name elsewhere.
    private mutating func addLinks() {
        let root = instance.stateDirectory
        var directories = [root, instance.paths.credentials, instance.paths.identity, instance.paths.store]
        for holder in [instance.paths.agents, instance.paths.browser] {
            directories.append(holder)
            directories += DirectoryNames.list(holder).sorted().prefix(512).map { HostPath.join(holder, $0) }
        }
        for directory in directories {
            for name in DirectoryNames.list(directory).sorted().prefix(2048) {
                let path = HostPath.join(directory, name)
                var status = stat()
                guard lstat(path, &status) == 0 else { continue }
                let purpose = path.dropFirst(root.count + 1)
                switch status.st_mode & S_IFMT {
                case S_IFLNK: addOutside(kind(of: path), path, .tree, "\(purpose), a link")
                case S_IFREG where status.st_nlink > 1:
                    claims.append(Claim(kind(of: path), path: path, .file, "\(purpose), a file with several names"))
                default: break
                }
            }
        }
    }

    private func kind(of path: String) -> Claim.Kind {
        let name = path.dropFirst(instance.stateDirectory.count + 1)
        if name.hasPrefix("workspace") { return .workspace }
        if name.hasPrefix("browser") { return .browser }
        if name.hasPrefix("logs") { return .log }
        return .path
    }

    // MARK: Ports and names

    private mutating func addPorts(_ snapshot: ConfigSnapshot) {
        let configured = snapshot.config.gateway.port
        let base = configured ?? instance.defaultPort
        addBase(base, configured == nil ? "base port of the profile" : "base port (gateway.port)")
        let running = StateDirectoryLock.isHolderAlive(stateDirectory: instance.stateDirectory)
        if running, let runtime = RuntimeFile.read(instance.paths), runtime.isNote(of: instanceId),
            runtime.port != base
        {
            addBase(runtime.port, "base port of the running gateway")
        }
        for path in [["browser", "cdpPort"], ["browser", "profiles", "*", "cdpPort"]] {
            for (found, value) in snapshot.values(path) {
                if let port = value.intValue { add(port: port, "browser port (\(found))") }
            }
        }
        for path in [["browser", "cdpUrl"], ["browser", "profiles", "*", "cdpUrl"]] {
            for (found, text) in snapshot.texts(path) {
                let isShared = snapshot.value(at: found.sibling("shared"))?.boolValue == true
                add(browserAt: text, found, isShared: isShared)
            }
        }
        for (path, words) in Self.ports {
            for (found, value) in snapshot.values(path) {
                if let port = value.intValue { add(port: port, "\(words) (\(found))") }
            }
        }
    }

    private static let ports: [([String], String)] = [
        (["canvasHost", "port"], "canvas port"), (["hooks", "gmail", "serve", "port"], "mail hook port"),
        (["channels", "*", "webhookPort"], "web hook port"), (["channels", "*", "webhook", "port"], "web hook port"),
        (["channels", "*", "accounts", "*", "webhookPort"], "web hook port"),
    ]

    private mutating func addBase(_ base: Int, _ purpose: String) {
        add(port: base, purpose)
        if base > 0 { add(port: base + 2, "browser control, 2 above the \(purpose)") }
    }

    private mutating func add(port: Int, _ purpose: String) {
        if (1...65_535).contains(port) { claims.append(Claim(.port, String(port), purpose)) }
    }

    /// A browser on this host is a port of this host; one elsewhere is its address.
    private mutating func add(browserAt address: String, _ path: ConfigPath, isShared: Bool) {
        guard let authority = URLAuthority(address) else { return }
        if authority.isLoopback {
            claims.append(Claim(.port, String(authority.port), "browser address (\(path))", isActive: !isShared))
        } else {
            claims.append(Claim(.cdpUrl, authority.text, "browser address (\(path))", isActive: !isShared))
        }
    }

    private mutating func addNames(_ snapshot: ConfigSnapshot) {
        for (path, words) in Self.names {
            for (found, text) in snapshot.texts(path) where !text.isEmpty {
                claims.append(Claim(.name, "\(words):\(text)", "\(found)"))
            }
        }
        let tailscale = snapshot.config.gateway.tailscaleMode
        if tailscale != "off" {
            claims.append(Claim(.name, "tailscale:https:443/", "publication (gateway.tailscale.mode \(tailscale))"))
        }
    }

    private static let names: [([String], String)] = [
        (["discovery", "mdns", "name"], "mdns"), (["discovery", "name"], "mdns"),
        (["discovery", "wideArea", "domain"], "dns"),
        (["agents", "defaults", "sandbox", "docker", "containerPrefix"], "container"),
        (["agents", "list", "*", "sandbox", "docker", "containerPrefix"], "container"),
        (["agents", "defaults", "sandbox", "browser", "containerPrefix"], "container"),
    ]

    /// One thing named twice by one instance is claimed once; the active claim wins.
    private mutating func removeRepetitions() {
        var seen: [String: Int] = [:]
        var result: [Claim] = []
        for claim in claims {
            let id = "\(claim.kind.rawValue)\u{0}\(claim.place?.key ?? claim.value)"
            if let index = seen[id] {
                if claim.isActive, !result[index].isActive { result[index] = claim }
            } else {
                seen[id] = result.count
                result.append(claim)
            }
        }
        claims = result
    }
}

/// Host and port of an address.
struct URLAuthority {
    var host: String
    var port: Int

    init?(_ address: String) {
        guard let scheme = address.range(ofText: "://") else { return nil }
        let isSecure = ["https", "wss"].contains(address[..<scheme.lowerBound].lowercased())
        var rest = address[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        var port = isSecure ? 443 : 80
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("]"),
            let number = Int(rest[rest.index(after: colon)...])
        {
            port = number
            rest = rest[..<colon]
        }
        let host = rest.lowercased().filter { $0 != "[" && $0 != "]" }
        guard !host.isEmpty else { return nil }
        self.host = host
        self.port = port
    }

    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") || host == "0.0.0.0" }
    var text: String { "\(host):\(port)" }
}

extension String {
    fileprivate func range(ofText text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

extension ConfigPath {
    /// The path beside this one with another last key.
    fileprivate func sibling(_ key: String) -> ConfigPath { ConfigPath(Array(elements.dropLast()) + [.key(key)]) }
}

extension ConfigSnapshot {
    /// The values at a path whose `*` stands for every key and every index.
    func values(_ pattern: [String]) -> [(ConfigPath, JSONValue)] {
        var found: [(ConfigPath, JSONValue)] = [(ConfigPath(), redacted())]
        for step in pattern {
            found = found.flatMap { path, value -> [(ConfigPath, JSONValue)] in
                if step != "*" { return value[step].map { [(path.appending(step), $0)] } ?? [] }
                if let elements = value.arrayValue {
                    return elements.enumerated().map { (path.appending(.index($0)), $1) }
                }
                return value.objectValue?.map { (path.appending($0.key), $0.value) } ?? []
            }
        }
        return found
    }

    /// The texts at such a path, variables resolved.
    func texts(_ pattern: [String]) -> [(ConfigPath, String)] {
        values(pattern).compactMap { path, value in
            (secret(at: path)?.reveal() ?? value.stringValue).map { (path, $0) }
        }
    }
}
