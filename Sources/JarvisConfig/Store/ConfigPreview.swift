import JarvisCore
import JarvisFormats

/// What a change of one setting would do; nothing is written.
package struct ConfigPreview: Sendable {
    /// The value now, redacted; nil when unset.
    package var before: JSONValue?
    /// The value afterwards, redacted; nil when removed.
    package var after: JSONValue?
    /// What the running gateway would have to do.
    package var reload: ConfigReloadPlan
    /// Why it can't be done; empty when it can.
    package var problems: [String]
    /// What to know before.
    package var warnings: [String]
}

extension ConfigStore {
    /// Tries a change on a copy of the file's text. `value` nil removes the setting. Blocks for the read of the file.
    package func preview(_ path: ConfigPath, to value: JSONValue?) -> ConfigPreview {
        let current = load()
        var preview = ConfigPreview(
            before: current.value(at: path), after: nil, reload: ConfigReloadPlan(changedPaths: [path]), problems: [],
            warnings: [])
        do {
            var document = try JSON5Document(current.raw ?? "{}\n")
            if let value {
                try document.set(value, at: path.elements)
            } else if try !document.remove(at: path.elements) {
                preview.problems = ["\(path) is not set"]
                return preview
            }
            let changed = ConfigLoader.load(
                text: document.text, path: self.path, stateDirectory: stateDirectory, environment: environment)
            preview.after = changed.value(at: path)
            preview.reload = ConfigReloadPlan(changedPaths: changed.changedPaths(since: current))
            let known = Set(current.issues.map(\.description))
            let fresh = changed.issues.filter { !known.contains($0.description) }
            preview.problems = fresh.filter { $0.severity == .error }.map { "\($0.path): \($0.message)" }
            preview.warnings = fresh.filter { $0.severity == .warning }.map { "\($0.path): \($0.message)" }
        } catch {
            preview.problems = ["\(error)"]
        }
        return preview
    }
}
