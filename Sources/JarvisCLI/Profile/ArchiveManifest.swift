import JarvisCore
import JarvisHost

/// The first file of an exported profile, `manifest.json`: what the archive is and what every other file in it must be.
struct ArchiveManifest {
    /// The name of the file.
    static let name = "manifest.json"
    /// The version of the archive's form that this program writes and the newest that it reads.
    static let version = 1
    /// The most bytes of the manifest.
    static let limit = 128 << 20

    /// A file of the archive.
    struct File: Hashable {
        var path: String
        var size: Int
        var sha256: String
    }

    /// The profile's name at that time.
    var profile: String
    /// The original's id, for people: the import gets its own.
    var instanceId: String?
    /// The version of the program that wrote it.
    var productVersion: String
    /// Where the original's state directory was: its paths are moved from there.
    var stateDirectory: String
    /// The original's home.
    var home: String
    /// Whether literal secrets are inside.
    var hasSecrets: Bool
    /// The settings that were left out.
    var leftOut: [String]
    /// Every other file, in the order of the archive.
    var files: [File]

    var json: JSONValue {
        .members([
            "format": "jarvis-profile", "formatVersion": JSONValue(Self.version),
            "productVersion": .string(productVersion), "profile": .string(profile),
            "instanceId": JSONValue(instanceId), "stateDirectory": .string(stateDirectory), "home": .string(home),
            "secrets": .bool(hasSecrets), "leftOut": JSONValue(leftOut),
            "files": .array(
                files.map {
                    ["path": .string($0.path), "size": JSONValue($0.size), "sha256": .string($0.sha256)]
                }),
        ])
    }

    var bytes: [UInt8] { Array(JSONWriter.pretty(json).utf8) + [UInt8(ascii: "\n")] }

    init(_ instance: Instance, instanceId: String?, hasSecrets: Bool, leftOut: [String], files: [File]) {
        profile = instance.displayName
        self.instanceId = instanceId
        productVersion = Version.text
        stateDirectory = instance.stateDirectory
        home = instance.home
        self.hasSecrets = hasSecrets
        self.leftOut = leftOut
        self.files = files
    }

    /// Reads a manifest.
    ///
    /// - Throws: `import.invalid`, `import.newer`; exit 2.
    init(parsing bytes: [UInt8]) throws {
        let parsed = try? JSONParser.parse(String(decoding: bytes, as: UTF8.self))  // told below
        guard let parsed, parsed["format"] == "jarvis-profile", let version = parsed["formatVersion"]?.intValue else {
            throw Self.invalid("its manifest can't be understood")
        }
        guard version <= Self.version else {
            throw JarvisError(
                "import.newer",
                "The archive has format version \(version); this program knows versions up to \(Self.version).",
                hint: "Import it with jarvis \(parsed["productVersion"]?.stringValue?.prefix(20) ?? "of that time").",
                exitCode: 2)
        }
        guard let state = parsed["stateDirectory"]?.stringValue, state.hasPrefix("/"),
            let home = parsed["home"]?.stringValue, home.hasPrefix("/"), let list = parsed["files"]?.arrayValue
        else { throw Self.invalid("its manifest lacks members") }
        profile = String((parsed["profile"]?.stringValue ?? "").prefix(80))
        instanceId = parsed["instanceId"]?.stringValue.map { String($0.prefix(80)) }
        productVersion = String((parsed["productVersion"]?.stringValue ?? "").prefix(40))
        stateDirectory = HostPath.normalize(state)
        self.home = HostPath.normalize(home)
        hasSecrets = parsed["secrets"]?.boolValue ?? false
        leftOut = (parsed["leftOut"]?.arrayValue ?? []).compactMap(\.stringValue)
        files = try list.map { file in
            guard let path = file["path"]?.stringValue, let size = file["size"]?.intValue, size >= 0,
                let digest = file["sha256"]?.stringValue
            else { throw Self.invalid("its manifest describes a file badly") }
            return File(path: path, size: size, sha256: digest)
        }
    }

    static func invalid(_ reason: String) -> JarvisError {
        JarvisError("import.invalid", "This is no archive of a profile: \(reason).", exitCode: 2)
    }
}
