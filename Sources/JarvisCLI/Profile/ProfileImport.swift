import JarvisCore
import JarvisFormats
import JarvisHost
import JarvisStore

/// Unpacks an archive into a state directory that is not published yet. Nothing in the archive is believed: only known
/// names are taken, every file must have the size and digest that the manifest says, and all that it lists must come.
struct ProfileImport {
    let instance: Instance
    let staging: InstanceStaging
    /// Whether credentials are taken too.
    let keepsExclusive: Bool

    /// What came out beside the files.
    struct Unpacked {
        var manifest: ArchiveManifest
        /// The text of the settings; may hold secrets.
        var config: String
        /// The lines of `.env`; empty when there are none.
        var variables: [UInt8] = []
        var sessions: Int?
    }

    /// Unpacks everything.
    ///
    /// - Throws: `tar.*`, `import.*`, `seal.open`, `store.foreign`; exit 2.
    func unpack(_ archive: ArchiveReader) throws -> Unpacked {
        var tar = TarReader(archive.read)
        guard let first = try tar.next(), first.path == ArchiveManifest.name, first.size <= ArchiveManifest.limit else {
            throw ArchiveManifest.invalid("it does not begin with a manifest")
        }
        let manifest = try ArchiveManifest(parsing: try whole(&tar))
        var wanted: [String: ArchiveManifest.File] = [:]
        for file in manifest.files { wanted[file.path] = file }
        guard wanted.count == manifest.files.count else { throw ArchiveManifest.invalid("its manifest repeats a file") }
        var config: String?
        var variables: [UInt8] = []
        var database: String?
        while let entry = try tar.next() {
            guard let file = wanted.removeValue(forKey: entry.path) else {
                throw ArchiveManifest.invalid("“\(entry.path)” is not in its manifest")
            }
            guard entry.size == file.size else { throw Self.damaged(entry.path) }
            if entry.path == "config/jarvis.json" {
                config = try text(&tar, file)
                continue
            }
            if entry.path == "config/env" {
                variables = Array(try text(&tar, file).utf8)
                continue
            }
            if entry.path.hasPrefix("credentials/"), !keepsExclusive { continue }
            let place = try place(entry.path)
            try extract(&tar, entry, file, to: place)
            if entry.path == Self.database { database = place }
        }
        if let missing = wanted.keys.min() { throw ArchiveManifest.invalid("“\(missing)” is missing") }
        guard let config else { throw ArchiveManifest.invalid("it holds no settings") }
        var unpacked = Unpacked(manifest: manifest, config: config, variables: variables)
        if let database {
            let store = staging.staged(instance.paths.store)
            try DurableFile.createDirectory(store)
            unpacked.sessions = try StoreCopy.adopt(database, to: store)
            try FileTree.remove(DurableFile.parent(of: database))
        }
        return unpacked
    }

    private static let database = "sessions/jarvis.sqlite"
    private static let configLimit = 2 << 20

    /// Where a file of the archive goes, in the staging directory.
    ///
    /// - Throws: `import.invalid` for a name that no export makes.
    private func place(_ path: String) throws -> String {
        let parts = path.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw ArchiveManifest.invalid("“\(path)” has no place in a profile") }
        switch parts[0] {
        case "workspace": return HostPath.join(staging.staged(instance.defaultWorkspace), parts[1])
        case "credentials": return HostPath.join(staging.staged(instance.paths.credentials), parts[1])
        case "sessions" where path == Self.database: return HostPath.join(staging.directory, ".import/jarvis.sqlite")
        case "state" where parts[1].hasPrefix("workspace") && parts[1].contains("/"):
            return HostPath.join(staging.directory, parts[1])
        default: throw ArchiveManifest.invalid("“\(path)” has no place in a profile")
        }
    }

    private func extract(
        _ tar: inout TarReader, _ entry: TarReader.Entry, _ file: ArchiveManifest.File, to place: String
    ) throws {
        try DurableFile.createDirectory(DurableFile.parent(of: place))
        var digest = StreamDigest()
        try FileTree.write(place, mode: entry.isExecutable ? 0o700 : 0o600) {
            let chunk = try tar.read()
            digest.update(chunk[...])
            return chunk
        }
        guard digest.hex() == file.sha256 else { throw Self.damaged(entry.path) }
    }

    private func text(_ tar: inout TarReader, _ file: ArchiveManifest.File) throws -> String {
        guard file.size <= Self.configLimit else { throw ArchiveManifest.invalid("its settings are too large") }
        let bytes = try whole(&tar)
        guard Identifiers.sha256Hex(bytes) == file.sha256 else { throw Self.damaged(file.path) }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Self.damaged(file.path) }
        return text
    }

    private func whole(_ tar: inout TarReader) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let chunk = try tar.read()
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }

    private static func damaged(_ path: String) -> JarvisError {
        JarvisError(
            "import.damaged", "“\(path)” is not what the archive's manifest says: the archive is damaged.",
            hint: "Nothing was made. Copy the archive again from where it comes.", exitCode: 2)
    }
}
