import JarvisCore
import JarvisFormats

/// Reads a configuration. Boot, `config validate`, RPC and writes all read with this, so they can't disagree.
///
/// All calls block on the file system; keep them off the event loop. They never throw and never create anything: what
/// is wrong stands in the snapshot's issues.
package enum ConfigLoader {
    /// The main file may be this large.
    package static let maximumFileBytes = 2 << 20

    /// Reads the file at `path`, what it includes and `<stateDirectory>/.env`.
    ///
    /// - Parameter environment: the variables of the process; they win over `.env` and `env` of the configuration.
    package static func load(
        path: String, stateDirectory: String? = nil, environment: [String: String]
    ) -> ConfigSnapshot {
        do {
            let bytes = try DurableFile.read(path, limit: maximumFileBytes)
            return load(bytes: bytes, path: path, stateDirectory: stateDirectory, environment: environment)
        } catch {
            var snapshot = ConfigSnapshot(path: path)
            if (error as? SystemCallError)?.isMissing == true { return snapshot }
            snapshot.exists = true
            snapshot.fail(
                ConfigIssue(
                    path: "(root)", message: "the configuration can't be read: \(ReadFailure.text(error))",
                    severity: .error, code: .read, file: path))
            return snapshot
        }
    }

    /// Judges `text` as if it stood at `path`.
    package static func load(
        text: String, path: String, stateDirectory: String? = nil, environment: [String: String]
    ) -> ConfigSnapshot {
        load(bytes: Array(text.utf8), path: path, stateDirectory: stateDirectory, environment: environment)
    }

    static func load(
        bytes: [UInt8], path: String, stateDirectory: String?, environment: [String: String]
    ) -> ConfigSnapshot {
        var snapshot = ConfigSnapshot(path: path)
        snapshot.exists = true
        snapshot.raw = String(decoding: bytes, as: UTF8.self)
        snapshot.hash = Identifiers.sha256Hex(bytes)
        let document: JSON5Document
        do throws(JSON5ParseError) {
            document = try JSON5Document(parsing: bytes)
        } catch {
            snapshot.fail(
                ConfigIssue(
                    path: "(root)", message: error.reason, severity: .error, code: .syntax, file: path,
                    line: error.line, column: error.column))
            return snapshot
        }
        guard document.root.isObject else {
            snapshot.fail(
                ConfigIssue(
                    path: "(root)", message: "expected an object, found \(document.value.kindName)", severity: .error,
                    code: .syntax, file: path, line: 1, column: 1))
            return snapshot
        }
        snapshot.parsed = SecretRules.redact(document.value)
        let real = RealPath.resolve(path) ?? path
        let directory = RealPath.resolve(DurableFile.parent(of: real)) ?? DurableFile.parent(of: real)
        var includes = ConfigIncludes(main: ConfigSource(path: real, bytes: bytes), directory: directory)
        var tree = includes.compose(document)
        snapshot.sourceFiles = includes.sources
        snapshot.composed = tree
        for issue in includes.issues { snapshot.add(issue) }
        if includes.failed.contains(ConfigPath()) || !tree.isObject {
            if tree.isObject {
                snapshot.isUsable = false
            } else {
                snapshot.fail(
                    ConfigIssue(
                        path: "(root)", message: "expected an object in the included file", severity: .error,
                        code: .include))
            }
            snapshot.finish(tree: ConfigTree(emptyObjectIn: 0, offset: 0), rejected: [])
            return snapshot
        }

        var variables = ConfigVariables(
            process: environment, dotEnv: readDotEnv(stateDirectory: stateDirectory, into: &snapshot))
        variables.configure(tree)
        snapshot.variables = variables
        var unresolved: Set<ConfigPath> = []
        resolve(&tree, at: ConfigPath(), variables, &snapshot, &unresolved)
        for path in includes.failed { snapshot.disable(path) }

        var validator = ConfigValidator(skipping: unresolved)
        validator.validate(tree)
        for finding in validator.findings {
            let place = tree.nearest(to: finding.path)
            snapshot.add(finding.path, finding.message, finding.severity, finding.code, at: place)
        }
        snapshot.finish(tree: tree, rejected: validator.rejected.union(unresolved))
        return snapshot
    }

    private static func readDotEnv(stateDirectory: String?, into snapshot: inout ConfigSnapshot) -> [String: String] {
        guard let stateDirectory else { return [:] }
        let path = stateDirectory + "/.env"
        do {
            let (variables, badLines) = DotEnv.parse(try DurableFile.read(path, limit: DotEnv.maximumBytes))
            for line in badLines.prefix(20) {
                snapshot.add(
                    ConfigIssue(
                        path: "env", message: "expected NAME=value; the line is ignored", severity: .warning,
                        code: .note,
                        file: path, line: line, column: 1))
            }
            return variables
        } catch {
            if (error as? SystemCallError)?.isMissing != true {
                snapshot.add(
                    ConfigIssue(
                        path: "env", message: "the file is ignored: \(ReadFailure.text(error))", severity: .warning,
                        code: .note,
                        file: path))
            }
            return [:]
        }
    }

    /// Replaces `${NAME}` and references of source `env` by what they stand for.
    private static func resolve(
        _ tree: inout ConfigTree, at path: ConfigPath, _ variables: ConfigVariables, _ snapshot: inout ConfigSnapshot,
        _ unresolved: inout Set<ConfigPath>
    ) {
        switch tree.kind {
        case .scalar(.string(let text)):
            let result = ConfigSubstitution.substitute(text) { variables[$0] }
            tree.isReferenced = result.usedVariable && result.missing.isEmpty
            if !result.missing.isEmpty {
                let names = result.missing.joined(separator: ", ")
                let words =
                    result.missing.count == 1
                    ? "the environment variable \(names) is" : "the environment variables \(names) are"
                snapshot.add(path, "\(words) not set or empty; the setting is ignored", .error, .variable, at: tree)
                unresolved.insert(path)
            } else {
                tree.kind = .scalar(.string(result.text))
            }
        case .scalar: break
        case .array(var elements):
            for index in elements.indices {
                resolve(&elements[index], at: path.appending(.index(index)), variables, &snapshot, &unresolved)
            }
            tree.kind = .array(elements)
        case .object(var members):
            if path.elements.first != .key("secrets"), let reference = SecretReference(tree.value) {
                resolve(reference, &tree, at: path, variables, &snapshot, &unresolved)
                return
            }
            for index in members.indices {
                let inner = path.appending(members[index].key)
                resolve(&members[index].tree, at: inner, variables, &snapshot, &unresolved)
            }
            tree.kind = .object(members)
        }
    }

    private static func resolve(
        _ reference: SecretReference, _ tree: inout ConfigTree, at path: ConfigPath, _ variables: ConfigVariables,
        _ snapshot: inout ConfigSnapshot, _ unresolved: inout Set<ConfigPath>
    ) {
        guard reference.source == .env else {
            snapshot.add(
                path, "references of source \"\(reference.source.rawValue)\" are not resolved yet; use source \"env\"",
                .warning, .note, at: tree)
            return
        }
        guard let value = variables[reference.id] else {
            snapshot.add(
                path, "the environment variable \(reference.id) is not set or empty; the setting is ignored", .error,
                .variable, at: tree)
            unresolved.insert(path)
            return
        }
        tree.kind = .scalar(.string(value))
        tree.isReferenced = true
    }
}

extension SystemCallError {
    /// Whether there is no such file.
    var isMissing: Bool { self.errorNumber == 2 }
}
