import JarvisCore
import JarvisFormats

/// One change on its way: the document as it was found under the lock, and as it shall become.
struct ConfigTransaction {
    private let store: ConfigStore
    /// What stood in the file; nil: no file.
    let current: ConfigVersion?
    /// What that means.
    let snapshot: ConfigSnapshot
    /// What shall stand in the file.
    private(set) var document: JSON5Document
    private(set) var notices: [String] = []
    /// What the writer had read, when that is not the current content.
    private var stale: ConfigVersion?

    init(store: ConfigStore, current: ConfigVersion?) {
        self.store = store
        self.current = current
        snapshot = current.map(store.judge) ?? ConfigSnapshot(path: store.path)
        document = current?.document ?? Self.empty
    }

    private static let empty: JSON5Document = {
        do throws(JSON5ParseError) {
            return try JSON5Document("{}\n")
        } catch {
            preconditionFailure("an empty object is JSON5")
        }
    }()

    /// Main file and includes, references not resolved.
    var composedValue: JSONValue { snapshot.composed?.value ?? [:] }

    func value(at path: ConfigPath) -> JSONValue? { composedValue.value(at: path.fitted(to: composedValue)) }

    /// Compares with what the writer had read.
    mutating func begin(_ base: ConfigBase) throws(JarvisError) {
        guard case .hash(let hash) = base, let current else { return }
        guard let hash else {
            throw JarvisError(
                "config.baseHashRequired", "config base hash required; re-run config.get and retry", exitCode: 2)
        }
        if hash == current.hash { return }
        guard let version = store.journal.version(hash), version.document != nil, current.document != nil else {
            throw Self.staleError()
        }
        stale = version
    }

    private static func staleError(_ paths: [ConfigPath] = []) -> JarvisError {
        let metadata = paths.isEmpty ? [:] : ["paths": paths.map(\.description).joined(separator: ", ")]
        return JarvisError(
            "config.stale", "config changed since last load; re-run config.get and retry", metadata: metadata,
            exitCode: 2)
    }

    /// Lets a change of `paths` pass when nobody else changed them since the writer read them.
    private mutating func rebase(_ paths: [ConfigPath]) throws(JarvisError) {
        guard let stale else { return }
        let theirs = ConfigDiff.changedPaths(from: stale.value ?? [:], to: document.value).filter {
            $0.elements.first != .key("meta")
        }
        let contested = paths.filter { path in theirs.contains { $0.overlaps(path) } }
        if !contested.isEmpty { throw Self.staleError(contested) }
        if !theirs.isEmpty {
            notices.append(
                "kept what was changed meanwhile: \(theirs.map(\.description).joined(separator: ", "))")
        }
    }

    // MARK: Single changes

    mutating func apply(_ requested: [ConfigMerge.Change]) throws(JarvisError) {
        try requireParsed()
        let composed = composedValue
        let changes = requested.map { change in
            switch change {
            case .set(let path, let value): ConfigMerge.Change.set(path.fitted(to: composed), value)
            case .remove(let path): ConfigMerge.Change.remove(path.fitted(to: composed))
            }
        }
        try rebase(changes.map(\.path))
        let stored = document.value
        // Elements are removed from the end, so that the indices of the others hold.
        let removals = changes.filter { if case .remove = $0 { true } else { false } }.reversed()
        let settings = changes.filter { if case .set = $0 { true } else { false } }
        for change in settings + removals {
            let includedFrom = includedFile(change.path)
            switch change {
            case .set(let path, let value):
                let restored = try ConfigSentinel.restore(value, from: stored.value(at: path), at: path)
                try edit { document throws(JSON5EditError) in try document.set(restored, at: path.elements) }
                if let includedFrom {
                    try requireEffect(path, restored, includedFrom)
                    notices.append(
                        "\(path) stands in \(includedFrom), which was not changed; \(store.path) overrides it"
                    )
                }
            case .remove(let path):
                try edit { document throws(JSON5EditError) in try document.remove(at: path.elements) }
                if let includedFrom { try requireEffect(path, nil, includedFrom) }
            }
        }
    }

    private func requireParsed() throws(JarvisError) {
        guard let current, current.document == nil || !snapshot.isParsed else { return }
        let issue = snapshot.issues.first
        let place = issue?.line.map { " (line \($0), column \(issue?.column ?? 1))" } ?? ""
        throw JarvisError(
            "config.parse", "\(store.path) can't be read\(place): \(issue?.message ?? "no JSON5"); nothing was written",
            hint: "mend the file in an editor; the last good version is \(store.journal.lastGoodPath)")
    }

    private mutating func edit(
        _ change: (inout JSON5Document) throws(JSON5EditError) -> Void
    ) throws(JarvisError) {
        do throws(JSON5EditError) {
            try change(&document)
        } catch {
            let place = ConfigPath(error.path)
            throw JarvisError("config.path", "\(place): \(error.reason); nothing was written", exitCode: 2)
        }
    }

    /// The included file in which `path` stands so far; nil: in the main file, or nowhere.
    private func includedFile(_ path: ConfigPath) -> String? {
        guard snapshot.sourceFiles.count > 1, let composed = snapshot.composed, value(at: path) != nil else {
            return nil
        }
        var files: Set<Int> = []
        composed.nearest(to: path).walk { _, tree in if tree.scalar != nil || files.isEmpty { files.insert(tree.file) }
        }
        return files.filter { $0 != 0 }.min().map { snapshot.sourceFiles[$0].path }
    }

    /// An included list can't be shortened and an included key can't be removed from outside.
    private func requireEffect(_ path: ConfigPath, _ wanted: JSONValue?, _ file: String) throws(JarvisError) {
        let next = store.judge(ConfigVersion(document.bytes))
        if next.composed?.value.value(at: path) == wanted { return }
        throw JarvisError(
            "config.include",
            "\(path) stands in the included file \(file) and can't be changed from \(store.path); nothing was written",
            hint: "edit \(file)", exitCode: 2)
    }

    // MARK: Whole texts

    mutating func replace(with raw: String) throws(JarvisError) {
        if raw.utf8.count > ConfigLoader.maximumFileBytes {
            throw JarvisError("config.invalid", "the text is larger than 2 MiB; nothing was written", exitCode: 2)
        }
        var wanted: JSON5Document
        do throws(JSON5ParseError) {
            wanted = try JSON5Document(raw)
        } catch {
            throw JarvisError("config.parse", "the text is no JSON5: \(error); nothing was written", exitCode: 2)
        }
        guard wanted.root.isObject else {
            throw JarvisError(
                "config.invalid", "the configuration must be an object, found \(wanted.value.kindName)", exitCode: 2)
        }
        let original = (stale ?? current)?.value
        let restored = try ConfigSentinel.restore(wanted.value, from: original, at: ConfigPath())
        do throws(JSON5EditError) {
            try wanted.set(restored, at: [])
        } catch {
            throw JarvisError("config.invalid", "\(error); nothing was written")
        }
        guard let stale else {
            document = wanted
            return
        }
        let mine = ConfigDiff.changedPaths(from: stale.value ?? [:], to: restored).filter {
            $0.elements.first != .key("meta")
        }
        try rebase(mine)
        for path in mine.reversed() { try take(path, from: restored) }
    }

    private mutating func take(_ path: ConfigPath, from value: JSONValue) throws(JarvisError) {
        let wanted = value.value(at: path)
        try edit { document throws(JSON5EditError) in
            if let wanted {
                try document.set(wanted, at: path.elements)
            } else {
                try document.remove(at: path.elements)
            }
        }
    }

    mutating func undo(_ entry: ConfigJournalEntry) throws(JarvisError) {
        guard let after = store.journal.version(entry.hash),
            let before = entry.previousHash.map({ store.journal.version($0) }) ?? ConfigVersion(Array("{}\n".utf8)),
            let old = before.document
        else {
            throw JarvisError(
                "config.notFound", "the contents around the change \(entry.undoId) are no longer kept", exitCode: 1)
        }
        if current?.hash == entry.hash {
            document = old
            return
        }
        try requireParsed()
        let keys = ConfigDiff.changedPaths(from: after.value ?? [:], to: old.value).filter {
            $0.elements.first != .key("meta")
        }
        stale = after
        try rebase(keys)
        if notices.isEmpty {
            // Nobody touched anything since: the text comes back with its comments.
            document = old
            return
        }
        for path in keys.reversed() { try take(path, from: old.value) }
    }

    /// Notes who wrote and when.
    mutating func stamp(version: String, at time: String) throws(JarvisError) {
        if let meta = document.value["meta"], meta.objectValue == nil { return }
        try edit { document throws(JSON5EditError) in
            try document.set(.string(version), at: [.key("meta"), .key("lastTouchedVersion")])
            try document.set(.string(time), at: [.key("meta"), .key("lastTouchedAt")])
        }
    }
}
