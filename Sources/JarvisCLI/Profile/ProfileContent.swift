import JarvisConfig
import JarvisCore
import JarvisHost
import JarvisStore

/// The files of an instance that a copy takes along beside the configuration: workspaces and, when asked for,
/// conversations. Never what is only true while a gateway runs, nor logs, credentials, devices or the identity.
struct ProfileContent {
    let source: Instance
    let target: ProfileTarget
    /// Whether a workspace outside the state directory is copied too.
    let withWorkspace: Bool

    /// A workspace of the original and its place in the copy.
    struct Workspace: Sendable {
        var from: String
        var to: String
    }

    /// The workspaces that are copied, and those outside that are not.
    func workspaces(for instance: Instance, _ config: Config) -> (copied: [Workspace], skipped: [String]) {
        let state = target.environment.canonicalize(source.stateDirectory)
        let main = config.agents.defaults.workspace.map(source.expand) ?? source.defaultWorkspace
        var copied: [Workspace] = []
        var skipped: [String] = []
        for path in target.workspaces(source, config) where DurableFile.exists(path) {
            let inside = HostPath.relative(target.environment.canonicalize(path), to: state)
            if path == main {
                if inside != nil || withWorkspace {
                    copied.append(Workspace(from: path, to: instance.defaultWorkspace))
                } else {
                    skipped.append(path)
                }
            } else if let inside {
                copied.append(Workspace(from: path, to: HostPath.join(instance.stateDirectory, inside)))
            } else {
                skipped.append(path)
            }
        }
        return (copied, skipped)
    }

    /// Copies one workspace to `directory`. Links that are absolute or lead out of it stay behind.
    ///
    /// - Returns: the links that stayed behind.
    static func copyWorkspace(_ from: String, to directory: String) throws -> [String] {
        try DurableFile.createDirectory(directory)
        var left: [String] = []
        try FileTree.copy(
            HostPath.canonical(from), into: directory,
            takes: { entry in
                guard entry.kind == .link else { return true }
                let link = try? FileTree.readLink(HostPath.join(HostPath.canonical(from), entry.path))  // gone: no link
                guard let link, staysInside(link, at: entry.path) else {
                    left.append(entry.path)
                    return false
                }
                return true
            })
        return left
    }

    /// Whether a link at `path` (below a root) with the text `link` leads to something below that root.
    static func staysInside(_ link: String, at path: String) -> Bool {
        if link.hasPrefix("/") { return false }
        var depth = path.split(separator: "/").count - 1
        for part in link.split(separator: "/") where part != "." {
            depth += part == ".." ? -1 : 1
            if depth < 0 { return false }
        }
        return true
    }

    /// Copies the conversations into `directory`, which exists. Nothing of the original changes: beside a running
    /// gateway one moment is read, else its lock keeps one from starting meanwhile.
    ///
    /// - Returns: how many; nil when there is no database.
    func copySessions(to directory: String) throws -> Int? {
        guard StoreCopy.exists(in: source.paths.store) else { return nil }
        let lock: DirectoryLock?
        do {
            lock = try DirectoryLock.acquire(source.stateDirectory, allowNetworkFileSystem: true)
        } catch DirectoryLock.Failure.held {
            lock = nil
        }
        defer { lock?.release() }
        return try StoreCopy.copy(from: source.paths.store, isLive: lock == nil, to: directory)
    }

    /// The lines of the original's `.env` that set what the copy refers to; nil when there are none.
    func variables(_ copy: ConfigCopy) -> [UInt8]? {
        let bytes = try? DurableFile.read(source.paths.dotenv, limit: 1 << 20)  // most instances have none
        guard let bytes else { return nil }
        let lines = ConfigCopy.lines(of: bytes, setting: copy.variables)
        return lines.isEmpty ? nil : lines
    }
}
