import JarvisCore
import JarvisFormats

/// The configuration of an instance rewritten for another one: comments, order and references stay, single values are
/// taken out or made anew, and what changed is listed.
package struct ConfigCopy: Sendable {
    /// What is to become of one value.
    package enum Verdict: Sendable, Hashable {
        /// It stays as it is spelled.
        case keep
        /// It is left out; the words say why, for people.
        case remove(String)
        /// It becomes this; the words say why, for people.
        case replace(JSONValue, String)
        /// It is left out unless something that stays refers to the variable of its name.
        case removeUnlessUsed(String)
    }

    /// One difference to the original.
    package struct Change: Sendable, Hashable {
        /// Where, in the copy or, when it was left out, in the original.
        package var path: ConfigPath
        /// `share`, `exclusive` or `regenerate`.
        package var sharing: ConfigField.Sharing
        /// Why, for people.
        package var reason: String
        /// The value before, secrets as the sentinel; nil when there was none.
        package var before: JSONValue?
        /// The value after, secrets as the sentinel; nil when it was left out.
        package var after: JSONValue?
    }

    /// The new text. It may hold literal secrets.
    package private(set) var text: String
    /// What differs from the original, in the order of the file.
    package private(set) var changes: [Change] = []
    /// The variables that the new text refers to by `${NAME}` or by a reference to the environment.
    package private(set) var variables: Set<String> = []
    /// What the reader should know: a file without its comments …
    package private(set) var notes: [String] = []

    /// Rewrites the file that `snapshot` has read.
    ///
    /// An original that includes other files becomes one file, without comments.
    ///
    /// - Parameter judge: decides for every value that is no container, and for a container by the verdict `keep` whether
    ///   to look inside: any other verdict stands for all of it.
    /// - Parameter command: the words that reach the original, for hints.
    /// - Throws: `config.missing` when there is no original, `config.invalid` when it can't be read.
    package init(
        of snapshot: ConfigSnapshot, command: String = "jarvis",
        _ judge: (_ path: ConfigPath, _ value: JSONValue) -> Verdict
    ) throws(JarvisError) {
        guard snapshot.exists else {
            throw JarvisError(
                "config.missing", "There are no settings to copy: \(snapshot.path) does not exist.",
                hint: "Make them first: \(command) setup")
        }
        guard snapshot.isUsable, let raw = snapshot.raw, let composed = snapshot.composed else {
            throw JarvisError(
                "config.invalid",
                "\(snapshot.path) can't be copied: \(snapshot.errors.first?.description ?? "unknown problem").",
                hint: "Correct it first: \(command) config validate")
        }
        text = raw
        var source = raw
        if snapshot.sources.count > 1 {
            source = JSONWriter.pretty(composed.value) + "\n"
            notes.append("the included files were put into one, without their comments")
        }
        do {
            var document = try JSON5Document(source)
            try rewrite(&document, judge)
            text = document.text
        } catch {
            throw JarvisError("config.invalid", "\(snapshot.path) can't be copied: \(error).", cause: error)
        }
    }

    /// Sets a value that the original does not have.
    ///
    /// - Throws: `config.invalid` when something on the way is no object.
    package mutating func set(_ value: JSONValue, at path: ConfigPath, reason: String) throws(JarvisError) {
        do {
            var document = try JSON5Document(text)
            let before = document.value.value(at: path)
            if before == value { return }
            try document.set(value, at: path.elements)
            text = document.text
            changes.append(
                Change(
                    path: path, sharing: ConfigSharing.of(path), reason: reason,
                    before: before.map { Self.shown($0, path) },
                    after: Self.shown(value, path)))
        } catch {
            throw JarvisError("config.invalid", "\(path) can't be set in the copy: \(error).", cause: error)
        }
    }

    /// The same values without comments: for a text whose comments may hold what must not leave the host.
    package mutating func dropComments(_ reason: String) {
        guard let value = try? JSON5.parse(text) else { return }  // it was written by this type: it can be read
        text = JSONWriter.pretty(value) + "\n"
        notes.append(reason)
    }

    /// The comments of the text.
    package var comments: [String] {
        let bytes = Array(text.utf8)
        var found: [String] = []
        var index = 0
        while index < bytes.count {
            switch (bytes[index], index + 1 < bytes.count ? bytes[index + 1] : 0) {
            case (UInt8(ascii: "\""), _), (UInt8(ascii: "'"), _):
                let quote = bytes[index]
                index += 1
                while index < bytes.count, bytes[index] != quote { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
                index += 1
            case (UInt8(ascii: "/"), UInt8(ascii: "/")):
                let end = bytes[index...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
                found.append(String(decoding: bytes[index..<end], as: UTF8.self))
                index = end
            case (UInt8(ascii: "/"), UInt8(ascii: "*")):
                var end = index + 2
                while end + 1 < bytes.count, bytes[end] != UInt8(ascii: "*") || bytes[end + 1] != UInt8(ascii: "/") {
                    end += 1
                }
                end = min(end + 2, bytes.count)
                found.append(String(decoding: bytes[index..<end], as: UTF8.self))
                index = end
            default: index += 1
            }
        }
        return found
    }

    // MARK: Rewriting

    private mutating func rewrite(
        _ document: inout JSON5Document, _ judge: (ConfigPath, JSONValue) -> Verdict
    ) throws {
        var verdicts: [(path: ConfigPath, value: JSONValue, verdict: Verdict)] = []
        Self.collect(document.value, ConfigPath(), judge, &verdicts)
        var used: Set<String> = []
        for (path, value, verdict) in verdicts where path.elements.first != .key("env") {
            switch verdict {
            case .keep: used.formUnion(Self.references(value))
            case .replace(let new, _): used.formUnion(Self.references(new))
            case .remove, .removeUnlessUsed: break
            }
        }
        // A variable may be made of others.
        for _ in 0..<8 {
            let before = used
            for (path, value, _) in verdicts where path.elements.first == .key("env") {
                if let name = path.name, used.contains(name) { used.formUnion(Self.references(value)) }
            }
            if before == used { break }
        }
        variables = used
        // From the back, so that the places of list elements stay true.
        var found: [Change] = []
        for (path, value, verdict) in verdicts.reversed() {
            switch verdict {
            case .keep: continue
            case .removeUnlessUsed where path.name.map(used.contains) ?? false: continue
            case .remove(let reason), .removeUnlessUsed(let reason):
                try document.remove(at: path.elements)
                found.append(Self.change(path, reason, value, nil))
            case .replace(let new, let reason):
                if new == value { continue }
                try document.set(new, at: path.elements)
                found.append(Self.change(path, reason, value, new))
            }
        }
        changes = found.reversed()
    }

    private static func collect(
        _ value: JSONValue, _ path: ConfigPath, _ judge: (ConfigPath, JSONValue) -> Verdict,
        _ verdicts: inout [(path: ConfigPath, value: JSONValue, verdict: Verdict)]
    ) {
        let verdict = path.elements.isEmpty ? .keep : judge(path, value)
        guard verdict == .keep, SecretReference(value) == nil else {
            verdicts.append((path, value, verdict))
            return
        }
        switch value {
        case .object(let members):
            for (key, member) in members { collect(member, path.appending(key), judge, &verdicts) }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                collect(element, path.appending(.index(index)), judge, &verdicts)
            }
        default: verdicts.append((path, value, .keep))
        }
    }

    private static func change(_ path: ConfigPath, _ reason: String, _ before: JSONValue, _ after: JSONValue?) -> Change
    {
        Change(
            path: path, sharing: ConfigSharing.of(path), reason: reason, before: shown(before, path),
            after: after.map { shown($0, path) })
    }

    private static func shown(_ value: JSONValue, _ path: ConfigPath) -> JSONValue {
        SecretRules.redact(value, at: path)
    }

    private static func references(_ value: JSONValue) -> Set<String> {
        switch value {
        case .string(let text): return Set(ConfigSubstitution.names(in: text))
        case .array(let elements): return elements.reduce(into: []) { $0.formUnion(references($1)) }
        case .object(let members):
            if let reference = SecretReference(value) { return reference.source == .env ? [reference.id] : [] }
            return members.values.reduce(into: []) { $0.formUnion(references($1)) }
        default: return []
        }
    }
}

extension ConfigSubstitution {
    /// The variables that `text` refers to.
    static func names(in text: String) -> [String] {
        var names: [String] = []
        _ = substitute(text) { name in
            names.append(name)
            return ""
        }
        return names
    }
}

extension ConfigCopy {
    /// Whether `value` at `path` is, or holds, a literal secret: by the table, by its name, or by its shape.
    package static func isSecret(_ value: JSONValue, at path: ConfigPath, _ redactor: Redactor) -> Bool {
        if !SecretRules.literalSecrets(in: value, at: path).isEmpty { return true }
        guard case .string(let text) = value, !ConfigSubstitution.refers(text) else { return false }
        return redactor.redact(text) != text
    }

    /// The lines of a `.env` file that set one of `names`, as they are.
    package static func lines(of dotEnv: [UInt8], setting names: Set<String>) -> [UInt8] {
        let lines = String(decoding: dotEnv, as: UTF8.self).split(whereSeparator: \.isNewline)
        let kept = lines.filter { line in
            !names.isDisjoint(with: DotEnv.parse(Array(line.utf8)).variables.keys)
        }
        return Array(kept.map { $0 + "\n" }.joined().utf8)
    }
}
