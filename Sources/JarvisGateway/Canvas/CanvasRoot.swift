import JarvisCore
import JarvisHost
import JarvisTools

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where the canvas's files are, and that this is a place that may be served.
extension CanvasFiles {
    /// Makes the root (0700) where it is missing and gives an empty one a first page. Blocks.
    ///
    /// - Throws: `canvas.root`, exit 2: serving it would serve secrets, or it can't be made.
    static func prepare(root: String, instance: Instance) throws -> CanvasFiles {
        do {
            try DurableFile.createDirectory(root)
        } catch {
            throw JarvisError(
                "canvas.root", "the canvas's directory \(root) can't be made: \(error)",
                hint: "Set another one: \(instance.command) config set canvasHost.root <directory>", cause: error)
        }
        guard let canonical = resolve(root), let state = resolve(instance.stateDirectory) else {
            throw JarvisError("canvas.root", "the canvas's directory \(root) can't be read")
        }
        try check(canonical, state: state, config: resolve(instance.configPath), instance: instance)
        let files = CanvasFiles(root: canonical)
        if files.usage().entries == 0 {
            try files.write([CanvasFile(path: "index.html", bytes: Array(CanvasWelcome.page.utf8))])
        }
        return files
    }

    /// Whoever holds an address of the canvas can read everything below its root.
    private static func check(_ root: String, state: String, config: String?, instance: Instance) throws {
        func isWithin(_ path: String, _ directory: String) -> Bool {
            path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
        }
        var isSecret = isWithin(state, root) || config.map { isWithin($0, root) } ?? false
        if isWithin(root, state) {
            let first = root.dropFirst(state.count + 1).prefix { $0 != "/" }
            isSecret = isSecret || !(first == "canvas" || first.hasPrefix("workspace"))
        }
        guard isSecret else { return }
        throw JarvisError(
            "canvas.root",
            "canvasHost.root \(root) would serve files of the gateway itself; expected a directory of its own",
            hint: "Set it with: \(instance.command) config set canvasHost.root <directory>", exitCode: 2)
    }

    private static func resolve(_ path: String) -> String? {
        guard let pointer = realpath(path, nil) else { return nil }
        defer { free(pointer) }
        return String(cString: pointer)
    }

    /// The bytes and the entries below the root, links not followed; counting ends at `treeEntries`.
    func usage() -> (bytes: Int, entries: Int) {
        var bytes = 0
        var entries = 0
        var waiting = [root]
        while let directory = waiting.popLast() {
            for name in DirectoryNames.list(directory, limit: max(0, Self.treeEntries - entries)) {
                var status = stat()
                let path = "\(directory)/\(name)"
                guard lstat(path, &status) == 0 else { continue }
                entries += 1
                if status.st_mode & S_IFMT == S_IFDIR { waiting.append(path) }
                if status.st_mode & S_IFMT == S_IFREG { bytes += Int(status.st_size) }
            }
        }
        return (bytes, entries)
    }
}
