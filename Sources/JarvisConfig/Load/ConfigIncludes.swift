import JarvisCore
import JarvisFormats

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Puts a main file and what it includes together.
///
/// An include must lie inside the configuration's directory, by real path and not as a second name (hard link) of a
/// file elsewhere.
struct ConfigIncludes {
    static let maximumDepth = 10
    static let maximumFileBytes = 2 << 20
    /// Over all files: what ten levels of ten includes each could read otherwise has no end.
    static let maximumFiles = 256
    static let maximumTotalBytes = 16 << 20

    private let directory: String
    private(set) var sources: [ConfigSource]
    private(set) var issues: [ConfigIssue] = []
    /// The paths below which something could not be included.
    private(set) var failed: [ConfigPath] = []
    private var stack: [String]
    private var reads = 0
    private var totalBytes = 0

    /// `directory` is the real path of the configuration's directory.
    init(main: ConfigSource, directory: String) {
        self.directory = directory
        sources = [main]
        stack = [main.path]
    }

    mutating func compose(_ document: JSON5Document) -> ConfigTree {
        expand(ConfigTree(document.root, file: 0), at: ConfigPath(), depth: 0)
    }

    private mutating func expand(_ tree: ConfigTree, at path: ConfigPath, depth: Int) -> ConfigTree {
        switch tree.kind {
        case .scalar: return tree
        case .array(let elements):
            var result = tree
            var expanded: [ConfigTree] = []
            for (index, element) in elements.enumerated() {
                expanded.append(expand(element, at: path.appending(.index(index)), depth: depth))
            }
            result.kind = .array(expanded)
            return result
        case .object(let members):
            var own: [(key: String, tree: ConfigTree)] = []
            var included: ConfigTree?
            for (key, member) in members {
                if key == "$include" {
                    included = include(member, at: path, depth: depth)
                } else {
                    own.append((key, expand(member, at: path.appending(key), depth: depth)))
                }
            }
            var result = tree
            result.kind = .object(own)
            guard let included else { return result }
            if own.isEmpty { return included }
            if !included.isObject {
                fail("an included file must hold an object when there are keys beside $include", at: path, tree)
                return result
            }
            return included.merged(with: result)
        }
    }

    private mutating func include(_ directive: ConfigTree, at path: ConfigPath, depth: Int) -> ConfigTree? {
        let names: [String]
        switch directive.value {
        case .string(let name): names = [name]
        case .array(let values) where !values.isEmpty && values.allSatisfy({ $0.stringValue != nil }):
            names = values.compactMap(\.stringValue)
        default:
            fail("$include needs a file name or a list of file names", at: path, directive)
            return nil
        }
        var result: ConfigTree?
        for name in names {
            guard let tree = read(name, from: directive, at: path, depth: depth) else { continue }
            result = result.map { $0.merged(with: tree) } ?? tree
        }
        return result
    }

    private mutating func read(_ name: String, from directive: ConfigTree, at path: ConfigPath, depth: Int)
        -> ConfigTree?
    {
        let shown = "\"\(name.prefix(300))\""
        if depth >= Self.maximumDepth {
            return fail("\(shown) is included more than \(Self.maximumDepth) levels deep", at: path, directive)
        }
        reads += 1
        if reads > Self.maximumFiles {
            return fail("more than \(Self.maximumFiles) files are included", at: path, directive)
        }
        guard !name.isEmpty, !name.utf8.contains(0) else {
            return fail("\(shown) is no file name", at: path, directive)
        }
        let base = DurableFile.parent(of: sources[directive.file].path)
        guard let real = RealPath.resolve(name.hasPrefix("/") ? name : base + "/" + name) else {
            return fail("the included file \(shown) does not exist", at: path, directive)
        }
        guard real.hasPrefix(directory == "/" ? "/" : directory + "/") else {
            return fail("\(shown) lies outside the configuration directory \(directory)", at: path, directive)
        }
        if stack.contains(real) {
            let cycle = (stack.drop { $0 != real } + [real]).map { String($0.dropFirst(directory.count + 1)) }
            let names = cycle.joined(separator: " → ")
            return fail("files include each other in a cycle: \(names)", at: path, directive)
        }
        var status = stat()
        if lstat(real, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink > 1 {
            return fail("\(shown) has further names elsewhere (hard links) and is not trusted", at: path, directive)
        }
        do {
            let bytes = try DurableFile.read(real, limit: Self.maximumFileBytes)
            totalBytes += bytes.count
            if totalBytes > Self.maximumTotalBytes {
                return fail("the included files hold more than 16 MiB together", at: path, directive)
            }
            let document = try JSON5Document(parsing: bytes)
            let number = sources.count
            sources.append(ConfigSource(path: real, bytes: bytes))
            stack.append(real)
            let tree = expand(ConfigTree(document.root, file: number), at: path, depth: depth + 1)
            stack.removeLast()
            return tree
        } catch let error as JSON5ParseError {
            issues.append(
                ConfigIssue(
                    path: path.description, message: "the included file \(shown) can't be read: \(error.reason)",
                    severity: .error, code: .include, file: real, line: error.line, column: error.column))
            failed.append(path)
            return nil
        } catch {
            return fail("the included file \(shown) can't be read: \(ReadFailure.text(error))", at: path, directive)
        }
    }

    @discardableResult
    private mutating func fail(_ message: String, at path: ConfigPath, _ tree: ConfigTree) -> ConfigTree? {
        let source = sources[tree.file]
        let place = source.place(of: tree.offset)
        issues.append(
            ConfigIssue(
                path: path.description, message: message, severity: .error, code: .include, file: source.path,
                line: place.line,
                column: place.column))
        failed.append(path)
        return nil
    }
}

/// A file that took part in a configuration.
package struct ConfigSource: Sendable {
    /// Its real path.
    package var path: String
    /// What it held.
    package var bytes: [UInt8]

    /// The line and column of a byte.
    func place(of offset: Int) -> JSON5Place { JSON5Place(of: offset, in: bytes) }
}

/// The words for a file that could not be read.
enum ReadFailure {
    static func text(_ error: any Error) -> String {
        guard let error = error as? SystemCallError else { return "\(error)" }
        switch error.errorNumber {
        case EFBIG: return "it is larger than 2 MiB"
        case EINVAL: return "it is not a regular file"
        case EISDIR: return "it is a directory"
        case EACCES: return "this user may not read it"
        default: return SystemCallError.text(error.errorNumber)
        }
    }
}

/// `realpath`.
enum RealPath {
    /// Nil when something on the way does not exist or may not be searched.
    static func resolve(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
