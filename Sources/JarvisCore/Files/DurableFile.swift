import CJarvisShims

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The one way to write a file that must survive: temp file opened 0600 and exclusive → write → fsync → rename → fsync
/// of the directory. A reader sees the old bytes or the new ones, never a mixture, and no other user ever sees either.
///
/// All calls block: keep them off the cooperative pool and the event loop.
public enum DurableFile {
    /// What the name of an unfinished temp file starts with; `sweep` removes those that a crash left.
    public static let temporaryPrefix = ".jarvis-tmp-"

    /// Replaces `path` with `bytes`. A symbolic link at `path` is replaced, not followed.
    ///
    /// - Parameter sync: false for a hint that means nothing after a power loss: then the disk is not waited for.
    /// - Throws: `SystemCallError`; then `path` is as it was.
    public static func write(
        _ bytes: some Collection<UInt8>, to path: String, mode: mode_t = 0o600, sync: Bool = true
    ) throws {
        let directory = parent(of: path)
        let temporary = "\(directory)/\(temporaryPrefix)\(Identifiers.randomHex(bytes: 8))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: temporary) }
        do {
            defer { close(descriptor) }
            try writeAll(bytes, to: descriptor, path: temporary)
            guard !sync || fsync(descriptor) == 0 else {
                throw SystemCallError(call: "fsync", errorNumber: errno, subject: temporary)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else {
            let number = errno
            unlink(temporary)
            throw SystemCallError(call: "rename", errorNumber: number, subject: path)
        }
        if sync { try syncDirectory(directory) }
    }

    /// Creates `path` with `bytes`, or fails with `EEXIST` when something is there already.
    ///
    /// - Throws: `SystemCallError`.
    public static func create(_ bytes: some Collection<UInt8>, at path: String, mode: mode_t = 0o600) throws {
        let directory = parent(of: path)
        let temporary = "\(directory)/\(temporaryPrefix)\(Identifiers.randomHex(bytes: 8))"
        try write(bytes, to: temporary, mode: mode)
        defer { unlink(temporary) }
        guard link(temporary, path) == 0 else {
            throw SystemCallError(call: "link", errorNumber: errno, subject: path)
        }
        try syncDirectory(directory)
    }

    /// Appends `bytes` with one write call and syncs the file's data. Creates it (0600) when absent.
    ///
    /// - Throws: `SystemCallError`.
    public static func append(_ bytes: some Collection<UInt8>, to path: String, sync: Bool = true) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: path) }
        defer { close(descriptor) }
        try writeAll(bytes, to: descriptor, path: path)
        if sync, fsync(descriptor) != 0 {
            throw SystemCallError(call: "fsync", errorNumber: errno, subject: path)
        }
    }

    /// Reads a regular file of at most `limit` bytes.
    ///
    /// Opens without waiting, so a FIFO or a device at `path` is refused rather than blocking.
    ///
    /// - Throws: `SystemCallError`; `EFBIG` when the file is larger, `EINVAL` when it is no regular file.
    public static func read(_ path: String, limit: Int = 64 << 20) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: path) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw SystemCallError(call: "fstat", errorNumber: errno, subject: path)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let number = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL
            throw SystemCallError(call: "read", errorNumber: number, subject: path)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(Int(status.st_size) + 1, limit + 1))
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { buffer in
                #if canImport(Darwin)
                    Darwin.read(descriptor, buffer.baseAddress, buffer.count)
                #elseif canImport(Musl)
                    Musl.read(descriptor, buffer.baseAddress, buffer.count)
                #else
                    Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw SystemCallError(call: "read", errorNumber: errno, subject: path)
            }
            bytes.append(contentsOf: chunk[0..<count])
            if bytes.count > limit { throw SystemCallError(call: "read", errorNumber: EFBIG, subject: path) }
        }
    }

    /// Creates `path` and its missing parents with mode 0700 from the first moment. An existing directory keeps its
    /// mode.
    ///
    /// - Throws: `SystemCallError`.
    public static func createDirectory(_ path: String, mode: mode_t = 0o700) throws {
        if mkdir(path, mode) == 0 { return }
        switch errno {
        case EEXIST:
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
                throw SystemCallError(call: "mkdir", errorNumber: ENOTDIR, subject: path)
            }
        case ENOENT where parent(of: path) != path:
            try createDirectory(parent(of: path), mode: mode)
            // Not once more for ENOENT: a file system that makes no directories says it for ever.
            guard mkdir(path, mode) == 0 || errno == EEXIST else {
                throw SystemCallError(call: "mkdir", errorNumber: errno, subject: path)
            }
        default:
            throw SystemCallError(call: "mkdir", errorNumber: errno, subject: path)
        }
    }

    /// Removes temp files that a crash left in `directory`. Failures are ignored: the files are harmless.
    public static func sweep(_ directory: String) {
        for name in DirectoryNames.list(directory) where name.hasPrefix(temporaryPrefix) {
            unlink("\(directory)/\(name)")
        }
    }

    /// Makes a rename or a new name in `directory` survive power loss.
    ///
    /// - Throws: `SystemCallError`.
    public static func syncDirectory(_ directory: String) throws {
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: directory) }
        defer { close(descriptor) }
        // Some file systems (9p, some FUSE) can't sync a directory and say EINVAL; there is nothing better to do there.
        if fsync(descriptor) != 0, errno != EINVAL {
            throw SystemCallError(call: "fsync", errorNumber: errno, subject: directory)
        }
    }

    /// Gives `from` the name `to` in one step, when nothing is there yet, and makes both directories durable.
    ///
    /// - Throws: `SystemCallError`; `EEXIST` when something is at `to`, `EXDEV` when it lies on another disk. Then nothing
    ///   has changed.
    public static func publish(_ from: String, as to: String) throws {
        guard jarvis_rename_exclusive(from, to) == 0 else {
            throw SystemCallError(call: "rename", errorNumber: errno, subject: to)
        }
        do {
            try syncDirectory(parent(of: to))
            if parent(of: from) != parent(of: to) { try syncDirectory(parent(of: from)) }
        } catch {
            // Whoever is told that it failed must find it where it was.
            _ = jarvis_rename_exclusive(to, from)
            throw error
        }
    }

    /// Whether something, also a dangling link, is at `path`.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The directory that holds `path`: `.` for a bare name, `/` for a name in the root.
    public static func parent(of path: String) -> String {
        var trimmed = Substring(path)
        while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }

    private static func writeAll(_ bytes: some Collection<UInt8>, to descriptor: Int32, path: String) throws {
        let contiguous = ContiguousArray(bytes)
        try contiguous.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                guard let base = buffer.baseAddress else { return }
                #if canImport(Darwin)
                    let count = Darwin.write(descriptor, base + offset, buffer.count - offset)
                #elseif canImport(Musl)
                    let count = Musl.write(descriptor, base + offset, buffer.count - offset)
                #else
                    let count = Glibc.write(descriptor, base + offset, buffer.count - offset)
                #endif
                if count < 0 {
                    if errno == EINTR { continue }
                    throw SystemCallError(call: "write", errorNumber: errno, subject: path)
                }
                offset += count
            }
        }
    }
}
