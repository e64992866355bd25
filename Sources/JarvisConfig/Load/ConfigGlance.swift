import JarvisCore
import JarvisFormats

extension ConfigLoader {
    /// Reads what a table of many instances shows, `gateway`, `env` and the workspace, and judges nothing else. The
    /// whole file is parsed, so that one that can't be is as unusable here as it is to `load`; a file that includes
    /// others is loaded as a whole. A fraction of the price of `load` for a large file.
    package static func glance(
        path: String, stateDirectory: String? = nil, environment: [String: String]
    ) -> ConfigSnapshot {
        let bytes = try? DurableFile.read(path, limit: maximumFileBytes)  // `load` says why
        guard let bytes, !mayInclude(bytes),
            let document = try? JSON5Document(parsing: bytes), document.root.isObject  // likewise
        else { return load(path: path, stateDirectory: stateDirectory, environment: environment) }
        var parts: JSONObject = [:]
        for name in ["gateway", "env"] { parts[name] = document.value(at: [.key(name)]) }
        if let workspace = document.value(at: [.key("agents"), .key("defaults"), .key("workspace")]) {
            parts["agents"] = ["defaults": ["workspace": workspace]]
        }
        return load(
            bytes: JSONWriter.encode(.object(parts)), path: path, stateDirectory: stateDirectory,
            environment: environment)
    }

    /// Whether the text holds `$include` anywhere, also where it means nothing.
    private static func mayInclude(_ bytes: [UInt8]) -> Bool {
        let word = Array("$include".utf8)
        return bytes.indices.contains { bytes[$0] == word[0] && bytes[$0...].starts(with: word) }
    }
}
