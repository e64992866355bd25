import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file of the workspace as the prompt shows it.
package struct WorkspaceFile: Sendable, Hashable {
    /// Its name in the workspace.
    package var name: String
    /// Its text, cut to the limits; nil when it is missing.
    package var text: String?

    /// A file.
    package init(name: String, text: String?) {
        self.name = name
        self.text = text
    }
}

/// An agent's home: the folder with the files that make it who it is. All calls block.
package struct Workspace: Sendable {
    /// Characters of one file that reach the prompt.
    package static let fileLimit = 20_000
    /// Characters of all files together that reach the prompt.
    package static let totalLimit = 150_000
    /// The files that every prompt shows, in order. BOOTSTRAP.md joins them while it exists.
    package static let contextNames = ["AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md", "USER.md", "HEARTBEAT.md"]
    /// The file of the first conversation; it is deleted when that is over and never comes back.
    package static let bootstrapName = "BOOTSTRAP.md"

    /// The absolute path.
    package let directory: String
    private let clock: WallClock

    /// The workspace at `directory`, an absolute path.
    package init(directory: String, clock: WallClock = .system) {
        self.directory = directory
        self.clock = clock
    }

    private var statePath: String { "\(directory)/.jarvis/workspace-state.json" }

    /// Creates the folder and its files where they are missing. A file that exists, or that was there once and was
    /// deleted, is left alone.
    ///
    /// - Returns: The names of the files that were created.
    /// - Throws: `JarvisError` `workspace.create`.
    @discardableResult
    package func prepare() throws -> [String] {
        do {
            try DurableFile.createDirectory(directory)
            if DurableFile.exists(statePath) { return [] }
            try DurableFile.createDirectory("\(directory)/.jarvis")
            var created: [String] = []
            // In a folder that somebody has used before, the first conversation has taken place already.
            let isUsed = Self.isUsed(directory)
            for (name, text) in WorkspaceTemplates.files where name != Self.bootstrapName || !isUsed {
                if try create(name, text) { created.append(name) }
            }
            let state: JSONValue = [
                "version": 1, "seededAt": .string(WallClock.iso8601(clock.now())), "created": JSONValue(created),
            ]
            try DurableFile.write(Array(JSONWriter.pretty(state).utf8) + [0x0A], to: statePath)
            return created
        } catch {
            throw JarvisError(
                "workspace.create", "The workspace \(directory) can't be created: \(error)",
                hint: "Check agents.defaults.workspace and the folder's permissions.", cause: error)
        }
    }

    /// The files for the prompt. What can't be read counts as missing.
    ///
    /// - Parameter limit: Characters of all files together; a small model gets less. Default `totalLimit`.
    package func contextFiles(limit: Int = totalLimit) -> [WorkspaceFile] {
        var names = Self.contextNames
        if DurableFile.exists("\(directory)/\(Self.bootstrapName)") { names.append(Self.bootstrapName) }
        var rest = min(limit, Self.totalLimit)
        return names.map { name in
            guard let text = read(name) else { return WorkspaceFile(name: name, text: nil) }
            let shown = Self.cut(text, to: min(Self.fileLimit, rest), name: name)
            rest -= min(rest, shown.count)
            return WorkspaceFile(name: name, text: shown)
        }
    }

    /// The first `limit` characters, with a note when that is not all.
    static func cut(_ text: String, to limit: Int, name: String) -> String {
        // Bytes bound characters from above, so that the usual short file is not counted.
        guard text.utf8.count > limit, text.count > limit else { return text }
        return "\(text.prefix(limit))\n[cut: \(name) has \(text.count) characters; read the file for the rest]"
    }

    private func read(_ name: String) -> String? {
        let path = "\(directory)/\(name)"
        guard let bytes = try? DurableFile.read(path, limit: 4 << 20) else { return nil }  // told as missing
        return String(decoding: bytes, as: UTF8.self)
    }

    private func create(_ name: String, _ text: String) throws -> Bool {
        do {
            try DurableFile.create(Array(text.utf8), at: "\(directory)/\(name)")
            return true
        } catch let error as SystemCallError where error.errorNumber == EEXIST {
            return false
        }
    }

    private static func isUsed(_ directory: String) -> Bool {
        (contextNames + ["MEMORY.md", "memory"]).contains { DurableFile.exists("\(directory)/\($0)") }
    }
}
