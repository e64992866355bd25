import JarvisCore
import JarvisFormats

/// One reading of the configuration: what stood in the file, what it means, and what is wrong with it.
package struct ConfigSnapshot: Sendable, CustomStringConvertible, CustomReflectable {
    /// The path that was asked for.
    package let path: String
    /// Whether there is a file. Without one the defaults hold and that is no issue.
    package internal(set) var exists = false
    /// The text of the main file. It may hold literal secrets: never send, log or show it; `redactedRaw()` is for that.
    package internal(set) var raw: String?
    /// SHA-256 of the main file in hexadecimal: the base hash of a write.
    package internal(set) var hash: String?
    /// The main file as a value; references stay, literal secrets are the sentinel. `{}` without a readable file.
    package internal(set) var parsed: JSONValue = [:]
    /// Includes and variables resolved; everything secret, or taken from a variable or reference, is the sentinel.
    package private(set) var resolved: JSONValue = [:]
    /// What was replaced in `resolved`.
    package private(set) var secrets: [ConfigPath: Secret] = [:]
    /// What is wrong, in the order of the file.
    package private(set) var issues: [ConfigIssue] = []
    /// False when nothing may be taken from this file: it can't be read or parsed, or an include at its root is broken.
    package internal(set) var isUsable = true
    /// Sections that hold an error, such as `gateway.auth`, `models.providers.openai`, `channels.irc`, in order.
    package private(set) var disabledSections: [String] = []
    /// The typed view, defaults filled in; a value with an error counts as absent.
    package private(set) var config = Config(reading: [:], disabled: [])

    var sourceFiles: [ConfigSource] = []
    /// Includes resolved, references not.
    var composed: ConfigTree?
    var variables = ConfigVariables(process: [:], dotEnv: [:])
    /// Everything in the clear, for comparing two snapshots.
    private var clear: JSONValue = [:]

    init(path: String) { self.path = path }

    /// The path and the number of issues: a snapshot does not print what it holds.
    package var description: String { "configuration \(path) (\(errors.count) errors, \(warnings.count) warnings)" }
    /// Nothing to see.
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension ConfigSnapshot {
    /// The issues that make a value or section unused.
    package var errors: [ConfigIssue] { issues.filter { $0.severity == .error } }

    /// The issues that change nothing.
    package var warnings: [ConfigIssue] { issues.filter { $0.severity == .warning } }

    /// Whether there is no error.
    package var isValid: Bool { errors.isEmpty }

    /// The real paths of the main file and of the files it includes.
    package var sources: [String] { sourceFiles.map(\.path) }

    /// A hash over all files that took part: it changes when any of them does.
    package var fingerprint: String {
        Identifiers.sha256Hex(
            sourceFiles.map { $0.path + ":" + Identifiers.sha256Hex($0.bytes) }.joined(separator: "\n").utf8
                + Array((hash ?? "").utf8))
    }

    /// `resolved`: safe to send.
    package func redacted() -> JSONValue { resolved }

    /// The text of the main file with every literal secret replaced by the sentinel, comments kept. Nil when there is
    /// no file or it can't be parsed.
    package func redactedRaw() -> String? {
        guard let raw, isParsed, var document = Self.document(raw) else { return nil }
        let secrets = SecretRules.literalSecrets(in: document.value)
        if secrets.isEmpty { return raw }
        do throws(JSON5EditError) {
            try document.replace(secrets.map { ($0.elements, .string(Secret.sentinel)) })
            return document.text
        } catch {
            return nil
        }
    }

    /// The resolved value at `path`, secrets as the sentinel. Keys that are numbers address arrays too.
    package func value(at path: ConfigPath) -> JSONValue? { resolved.value(at: path.fitted(to: resolved)) }

    /// The secret at `path`; nil when the value there is no secret or there is none.
    package func secret(at path: ConfigPath) -> Secret? { secrets[path] }

    /// The value of an environment variable: the process first, then `<state>/.env`, then `env` of the configuration.
    package func environmentValue(_ name: String) -> Secret? { variables[name].map(Secret.init) }

    /// The variables that `.env` and the configuration add to the environment of the process, for child processes.
    package func addedEnvironment() -> [String: Secret] { variables.additions.mapValues(Secret.init) }

    /// The paths whose value differs, secrets included. Empty when nothing that counts changed.
    package func changedPaths(since other: ConfigSnapshot) -> [ConfigPath] {
        ConfigDiff.changedPaths(from: other.clear, to: clear)
    }

    var isParsed: Bool { composed != nil }

    static func document(_ raw: String) -> JSON5Document? {
        do throws(JSON5ParseError) {
            return try JSON5Document(raw)
        } catch {
            return nil
        }
    }

    mutating func add(_ issue: ConfigIssue) { issues.append(issue) }

    mutating func add(
        _ path: ConfigPath, _ message: String, _ severity: ConfigIssue.Severity, _ code: ConfigIssue.Code,
        at tree: ConfigTree
    ) {
        let source = sourceFiles.indices.contains(tree.file) ? sourceFiles[tree.file] : nil
        let place = source?.place(of: tree.offset)
        add(
            ConfigIssue(
                path: path.description, message: message, severity: severity, code: code, file: source?.path,
                line: place?.line, column: place?.column))
        if severity == .error { disable(path) }
    }

    mutating func fail(_ issue: ConfigIssue) {
        add(issue)
        isUsable = false
    }

    /// Notes that the section of `path` holds an error.
    mutating func disable(_ path: ConfigPath) {
        let section = Self.section(of: path)
        if !section.isEmpty, !disabledSections.contains(section) { disabledSections.append(section) }
    }

    /// The part of the configuration that stands or falls with `path`.
    static func section(of path: ConfigPath) -> String {
        let depth: Int
        switch path.elements.prefix(2) {
        case [.key("models"), .key("providers")]: depth = 3
        case [.key("agents"), .key("list")]: depth = 3
        default:
            let first = path.elements.first
            let isGroup = [.key("gateway"), .key("channels"), .key("agents")].contains(first)
            let hasChildren = ConfigFields.tree.node(at: ConfigPath(Array(path.elements.prefix(2))))?.children.isEmpty
            depth = isGroup && (hasChildren == false || first == .key("channels")) ? 2 : 1
        }
        if path.elements.isEmpty { return "" }
        return ConfigPath(Array(path.elements.prefix(depth))).description
    }

    /// Takes the resolved tree; values at `rejected` count as absent in the typed view.
    mutating func finish(tree: ConfigTree, rejected: Set<ConfigPath>) {
        var found: [ConfigPath: Secret] = [:]
        resolved = tree.value { path, leaf in
            guard let text = leaf.scalar?.stringValue else { return leaf.scalar }
            if !leaf.isReferenced && !SecretRules.isSensitive(path, text) { return leaf.scalar }
            if !rejected.contains(path) { found[path] = Secret(text) }
            return .string(Secret.sentinel)
        }
        secrets = found
        clear = tree.value
        let accepted = tree.value(excluding: rejected) { _, leaf in leaf.scalar }
        config = Config(reading: accepted, disabled: disabledSections, redacted: resolved)
    }
}

/// What differs between two values.
package enum ConfigDiff {
    /// The deepest paths at which they differ; a member that one of them lacks is one path. Lists of different length
    /// are one path.
    package static func changedPaths(from old: JSONValue, to new: JSONValue) -> [ConfigPath] {
        var paths: [ConfigPath] = []
        compare(old, new, ConfigPath(), &paths)
        return paths
    }

    private static func compare(_ old: JSONValue, _ new: JSONValue, _ path: ConfigPath, _ paths: inout [ConfigPath]) {
        if old == new { return }
        switch (old, new) {
        case (.object(let before), .object(let after)):
            for (key, value) in before {
                if let other = after[key] {
                    compare(value, other, path.appending(key), &paths)
                } else {
                    paths.append(path.appending(key))
                }
            }
            for key in after.keys where before[key] == nil { paths.append(path.appending(key)) }
        case (.array(let before), .array(let after)) where before.count == after.count:
            for index in before.indices { compare(before[index], after[index], path.appending(.index(index)), &paths) }
        default: paths.append(path)
        }
    }
}
