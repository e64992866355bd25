import JarvisConfig
import JarvisCore
import JarvisFormats
import JarvisHost

/// Puts an instance into an archive. Reads the instance only.
///
/// | in the archive | what |
/// |---|---|
/// | `manifest.json` | what follows, with sizes and digests |
/// | `config/jarvis.json` | the settings, without literal secrets unless they were asked for |
/// | `config/env` | `.env`, with secrets only |
/// | `credentials/…` | with secrets only |
/// | `sessions/jarvis.sqlite` | the conversations |
/// | `state/workspace…/…` | workspaces of further agents in the state directory |
/// | `workspace/…` | the workspace of the default agent |
struct ProfileExport {
    let instance: Instance
    let target: ProfileTarget
    let includesSecrets: Bool
    let withWorkspace: Bool
    let withSessions: Bool

    struct Result {
        var instanceId: String?
        var files = 0
        var bytes = 0
        var sessions: Int?
        var leftOut: [String] = []
        var notes: [String] = []
    }

    /// A file that goes in: from the disk, or made here.
    private struct Item {
        var path: String
        var source: String?
        var bytes: [UInt8] = []
        var size: Int
        var digest: String
        var isExecutable = false
    }

    /// Writes the archive.
    ///
    /// - Throws: `config.invalid`, `export.changing`, `store.*`, `SystemCallError`; then there is no file.
    func write(to path: String, passphrase: [UInt8]?, replaces: Bool) throws -> Result {
        var attempt = 0
        while true {
            do {
                return try once(path, passphrase, replaces)
            } catch is Changed where attempt < 3 {
                attempt += 1
            } catch let change as Changed {
                throw JarvisError(
                    "export.changing", "\(change.path) changed while it was read, several times.",
                    hint: "Try again when nothing writes there.")
            }
        }
    }

    private struct Changed: Error {
        var path: String
    }

    private func once(_ path: String, _ passphrase: [UInt8]?, _ replaces: Bool) throws -> Result {
        var result = Result()
        let identity = try? InstanceIdentity.load(stateDirectory: instance.stateDirectory)  // for people
        result.instanceId = identity?.instanceId
        // On the disk of the archive, which has room for all of it.
        let work = "\(DurableFile.parent(of: path))/.jarvis.staging-\(Identifiers.randomHex(bytes: 6))"
        try DurableFile.createDirectory(work)
        let lock = try DirectoryLock.acquire(work, allowNetworkFileSystem: true)
        defer {
            try? FileTree.remove(work)  // what stays is swept by a later export to the same place
            lock.release()
        }
        InstanceStaging.sweep(DurableFile.parent(of: path))
        var items = try settings(&result)
        items += try workspaces(&result)
        if withSessions { items += try sessions(work, &result) }
        items.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        let manifest = ArchiveManifest(
            instance, instanceId: result.instanceId, hasSecrets: includesSecrets, leftOut: result.leftOut,
            files: items.map { .init(path: $0.path, size: $0.size, sha256: $0.digest) })
        let file = try ArchiveWriter(path, passphrase: passphrase)
        var tar = TarWriter(file.write)
        try tar.add(ArchiveManifest.name, manifest.bytes)
        for item in items { try put(item, &tar) }
        try tar.finish()
        try file.publish(replaces: replaces)
        result.files = items.count
        result.bytes = items.reduce(0) { $0 + $1.size }
        return result
    }

    private func put(_ item: Item, _ tar: inout TarWriter) throws {
        guard let source = item.source else { return try tar.add(item.path, item.bytes) }
        // The announced size and digest bind: what differs now is read again from the start.
        try tar.begin(item.path, size: item.size, isExecutable: item.isExecutable)
        var digest = StreamDigest()
        var count = 0
        try FileTree.read(source) { chunk in
            count += chunk.count
            if count > item.size { throw Changed(path: source) }
            digest.update(chunk)
            try tar.write(chunk, of: item.size)
        }
        guard count == item.size, digest.hex() == item.digest else { throw Changed(path: source) }
    }

    // MARK: What goes in

    private func settings(_ result: inout Result) throws -> [Item] {
        let snapshot = target.configStore(instance).load()
        let redactor = Redactor()
        var copy = try ConfigCopy(of: snapshot, command: instance.command) { path, value in
            guard !includesSecrets, ConfigCopy.isSecret(value, at: path, redactor) else { return .keep }
            guard value.objectValue == nil, value.arrayValue == nil else { return .keep }
            if let text = value.stringValue { redactor.register(text) }
            return .remove("a secret")
        }
        result.leftOut = copy.changes.map(\.path.description)
        if !includesSecrets, copy.comments.contains(where: { redactor.redact($0) != $0 }) {
            copy.dropComments("the comments of the settings were left out: they hold what looks like a secret")
        }
        result.notes += copy.notes
        var items = [made("config/jarvis.json", Array(copy.text.utf8))]
        guard includesSecrets else { return items }
        if DurableFile.exists(instance.paths.dotenv) {
            items.append(made("config/env", try DurableFile.read(instance.paths.dotenv, limit: 1 << 20)))
        }
        if DurableFile.exists(instance.paths.credentials) {
            items += try tree(instance.paths.credentials, under: "credentials", &result)
        }
        return items
    }

    private func workspaces(_ result: inout Result) throws -> [Item] {
        let config = target.configStore(instance).load().config
        let content = ProfileContent(source: instance, target: target, withWorkspace: withWorkspace)
        let (copied, skipped) = content.workspaces(for: instance, config)
        result.notes += skipped.map { "the workspace \($0) lies outside the state directory and was left out" }
        var items: [Item] = []
        for workspace in copied {
            if workspace.to == instance.defaultWorkspace {
                items += try tree(workspace.from, under: "workspace", &result)
            } else if let inside = HostPath.relative(workspace.to, to: instance.stateDirectory),
                inside.hasPrefix("workspace")
            {
                items += try tree(workspace.from, under: "state/\(inside)", &result)
            } else {
                result.notes.append("the workspace \(workspace.from) has no usual name and was left out")
            }
        }
        return items
    }

    private func sessions(_ work: String, _ result: inout Result) throws -> [Item] {
        let content = ProfileContent(source: instance, target: target, withWorkspace: false)
        guard let count = try content.copySessions(to: work) else { return [] }
        result.sessions = count
        return [try onDisk("sessions/jarvis.sqlite", HostPath.join(work, "jarvis.sqlite"))]
    }

    private func tree(_ root: String, under name: String, _ result: inout Result) throws -> [Item] {
        let root = HostPath.canonical(root)
        var items: [Item] = []
        for entry in try FileTree.entries(of: root) {
            switch entry.kind {
            case .directory: continue
            case .file:
                items.append(
                    try onDisk(
                        "\(name)/\(entry.path)", HostPath.join(root, entry.path),
                        isExecutable: entry.mode & 0o100 != 0))
            case .link, .other: result.notes.append("\(HostPath.join(root, entry.path)) is no file and was left out")
            }
        }
        return items
    }

    private func made(_ path: String, _ bytes: [UInt8]) -> Item {
        Item(path: path, bytes: bytes, size: bytes.count, digest: Identifiers.sha256Hex(bytes))
    }

    private func onDisk(_ path: String, _ source: String, isExecutable: Bool = false) throws -> Item {
        var digest = StreamDigest()
        var size = 0
        try FileTree.read(source) { chunk in
            digest.update(chunk)
            size += chunk.count
        }
        return Item(path: path, source: source, size: size, digest: digest.hex(), isExecutable: isExecutable)
    }
}
