import JarvisCore
import JarvisFormats

/// Judges a composed configuration by the table. There is no other validator: boot, `config validate`, RPC and writes
/// all come here.
struct ConfigValidator {
    struct Finding {
        var path: ConfigPath
        var message: String
        var severity: ConfigIssue.Severity
        var code = ConfigIssue.Code.value
    }

    private(set) var findings: [Finding] = []
    /// What is treated as absent.
    private(set) var rejected: Set<ConfigPath> = []
    private let skipped: Set<ConfigPath>
    private var unknownKeys = 0

    /// So many unknown keys are listed; a file with more of them is no configuration.
    private static let listedUnknownKeys = 100

    /// Paths in `skipped` have been judged already, by whoever could not resolve them.
    init(skipping skipped: Set<ConfigPath>) { self.skipped = skipped }

    mutating func validate(_ tree: ConfigTree) {
        visit(tree, ConfigFields.tree, ConfigPath())
        checkAgents(tree)
        checkTokens(tree)
        checkBrowser(tree)
        checkTools(tree)
        if unknownKeys > Self.listedUnknownKeys {
            let more = unknownKeys - Self.listedUnknownKeys
            findings.append(
                Finding(
                    path: ConfigPath(), message: "\(more) more unknown keys, ignored", severity: .warning,
                    code: .unknownKey))
        }
    }

    /// Adds a finding of a rule over several keys.
    mutating func note(_ path: ConfigPath, _ message: String, _ severity: ConfigIssue.Severity) {
        findings.append(Finding(path: path, message: message, severity: severity))
    }

    /// Says it in better words than the row did.
    mutating func replace(_ path: ConfigPath, _ message: String) {
        findings.removeAll { $0.path == path }
        note(path, message, .error)
    }

    /// Lets the value at `path` count as absent.
    mutating func reject(_ path: ConfigPath) { rejected.insert(path) }

    private mutating func visit(_ tree: ConfigTree, _ node: SchemaNode, _ path: ConfigPath) {
        if skipped.contains(path) || tree.scalar == .null { return }
        if let field = node.field, !field.kind.accepts(tree.value) {
            reject(path, field, tree)
            return
        }
        switch tree.kind {
        case .scalar: break
        case .array(let elements):
            guard let child = node.child("[]") else { return }
            for (index, element) in elements.enumerated() { visit(element, child, path.appending(.index(index))) }
        case .object(let members):
            if let field = node.field, case .secret = field.kind { return }
            for (key, member) in members {
                if let child = node.child(key) ?? node.child("*") {
                    visit(member, child, path.appending(key))
                } else if !node.isOpen {
                    warnUnknown(key, path, node)
                }
            }
        }
    }

    private mutating func reject(_ path: ConfigPath, _ field: ConfigField, _ tree: ConfigTree) {
        let found: String
        switch tree.kind {
        case .scalar(let value):
            let hidden = value.stringValue.map { SecretRules.isSensitive(path, $0) || tree.isReferenced } ?? false
            found = hidden ? "another \(value.kindName)" : Self.show(value)
        case .array: found = "a list"
        case .object: found = "an object"
        }
        let fallback = field.standard.map { "the default \(Self.show($0)) is used" } ?? "the setting is ignored"
        findings.append(
            Finding(
                path: path, message: "expected \(field.kind.expectation), found \(found); \(fallback)", severity: .error
            ))
        rejected.insert(path)
    }

    private static func show(_ value: JSONValue) -> String {
        let text = JSON5.dump(value)
        return text.count > 80 ? String(text.prefix(80)) + "…" : text
    }

    private mutating func warnUnknown(_ key: String, _ path: ConfigPath, _ node: SchemaNode) {
        unknownKeys += 1
        if unknownKeys > Self.listedUnknownKeys { return }
        let full = path.appending(key)
        let suggestion = Nearest.name(to: key, in: node.names).map { " Did you mean \(path.appending($0))?" } ?? ""
        findings.append(
            Finding(path: full, message: "unknown key, ignored.\(suggestion)", severity: .warning, code: .unknownKey))
    }

    // MARK: Rules over several keys

    private mutating func checkAgents(_ tree: ConfigTree) {
        guard case .array(let agents)? = tree.child(.key("agents"))?.child(.key("list"))?.kind else { return }
        var seen: Set<String> = []
        var defaults = 0
        for (index, agent) in agents.enumerated() where agent.isObject {
            let path = ConfigPath([.key("agents"), .key("list"), .index(index)])
            guard let id = agent.child(.key("id"))?.scalar?.stringValue?.lowercased(), !id.isEmpty else {
                findings.append(Finding(path: path, message: "an agent needs an id; it is ignored", severity: .error))
                rejected.insert(path)
                continue
            }
            if !seen.insert(id).inserted {
                findings.append(
                    Finding(
                        path: path, message: "a second agent with the id \"\(id)\"; it is ignored", severity: .error))
                rejected.insert(path)
            }
            if agent.child(.key("default"))?.scalar == .bool(true) { defaults += 1 }
        }
        if defaults > 1 {
            findings.append(
                Finding(
                    path: ConfigPath("agents", "list"),
                    message: "\(defaults) agents are the default; the first is used",
                    severity: .warning))
        }
    }

    private mutating func checkTokens(_ tree: ConfigTree) {
        let path = ConfigPath("hooks", "token")
        let own = tree.child(.key("gateway"))?.child(.key("auth"))?.child(.key("token"))?.scalar?.stringValue
        guard let own, !own.isEmpty, own == tree.child(.key("hooks"))?.child(.key("token"))?.scalar?.stringValue else {
            return
        }
        findings.append(
            Finding(
                path: path, message: "must differ from gateway.auth.token; the setting is ignored", severity: .error))
        rejected.insert(path)
    }
}

/// The name that a misspelled one probably meant.
package enum Nearest {
    /// The nearest of `names`, case ignored: at most a third of its letters may differ. Nil when nothing is near.
    package static func name(to word: String, in names: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let lower = Array(word.lowercased())
        var best: (name: String, distance: Int)?
        for name in names {
            let distance = EditDistance.between(lower, Array(name.lowercased()))
            if distance <= max(1, name.count / 3), distance < best?.distance ?? Int.max { best = (name, distance) }
        }
        return best?.name
    }
}
