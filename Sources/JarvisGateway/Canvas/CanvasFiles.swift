import JarvisCore
import JarvisTools

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The files of the canvas: every access begins at the root and goes down one name at a time without following links,
/// so that nothing outside the root can be reached. All calls block.
struct CanvasFiles: Sendable {
    /// The root, absolute, links resolved.
    let root: String

    /// The largest file that is served, in bytes.
    static let servedBytes = 256 << 20
    /// The largest file that is written, in bytes.
    static let writtenBytes = 8 << 20
    /// The most bytes of one call.
    static let callBytes = 16 << 20
    /// The most files of one call.
    static let callFiles = 64
    /// The most bytes below the root that a write may lead to.
    static let treeBytes = 256 << 20
    /// The most entries below the root that are counted, and that a write may lead to.
    static let treeEntries = 4096
    /// The most names in a path.
    static let depth = 16

    /// Why a file is not given or taken.
    enum Refusal: Error, Hashable {
        /// No such file, or one that is not served: hidden, a link, a device.
        case notFound
        /// A directory; its address needs a `/` at the end.
        case isDirectory
        /// More than `servedBytes`.
        case tooLarge
    }

    /// An open file.
    struct Opened {
        /// To be closed by who asked for it.
        var descriptor: Int32
        /// In bytes.
        var size: Int
        /// By its name.
        var contentType: String
        /// Another one when the file is another, or has changed: with quotes, as in `ETag`.
        var tag: String
    }

    /// The names of a path: empty ones are left out; nil when one of them is hidden, a way up, too long, or when there
    /// are too many.
    static func names(_ path: String) -> [String]? {
        let names = path.split(separator: "/").map(String.init)
        guard names.count <= depth else { return nil }
        let isFine = names.allSatisfy { name in
            !name.hasPrefix(".") && name.utf8.count <= 255
                && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }
        }
        return isFine ? names : nil
    }

    /// Opens the file at `path`; a directory's `index.html` when it ends with `/`.
    func open(_ path: String) throws(Refusal) -> Opened {
        guard var names = Self.names(path) else { throw .notFound }
        if path.hasSuffix("/") { names.append("index.html") }
        guard let last = names.last, let directory = try? enter(names.dropLast(), making: false) else {  // not there
            throw names.isEmpty ? .isDirectory : .notFound
        }
        defer { _ = close(directory) }
        let descriptor = openat(directory, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw .notFound }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw .notFound
        }
        let size = Int(status.st_size)
        switch status.st_mode & S_IFMT {
        case S_IFREG where size <= Self.servedBytes:
            return Opened(
                descriptor: descriptor, size: size, contentType: CanvasContentType.of(last), tag: Self.tag(status))
        case S_IFREG:
            close(descriptor)
            throw .tooLarge
        case S_IFDIR:
            close(descriptor)
            throw .isDirectory
        default:
            close(descriptor)
            throw .notFound
        }
    }

    // Hashed, because the numbers of files are nobody's business.
    private static func tag(_ status: stat) -> String {
        #if os(Linux)
            let (changed, moved) = (status.st_mtim, status.st_ctim)
        #else
            let (changed, moved) = (status.st_mtimespec, status.st_ctimespec)
        #endif
        let parts = [
            Int(status.st_dev), Int(truncatingIfNeeded: status.st_ino), Int(status.st_size), changed.tv_sec,
            changed.tv_nsec, moved.tv_sec, moved.tv_nsec,
        ]
        let text = parts.map(String.init).joined(separator: ":")
        return "\"\(Identifiers.sha256Hex(text.utf8).prefix(32))\""
    }

    /// Whether there is a file at `path`, or a directory with a page.
    func has(_ path: String) -> Bool {
        do {
            close(try open(path).descriptor)
            return true
        } catch {
            guard error == .isDirectory, let file = try? open(path + "/") else { return false }  // no page in it
            close(file.descriptor)
            return true
        }
    }

    /// Writes `files`, each in one step (a reader sees the old bytes or the new ones), 0600 in directories of 0700.
    ///
    /// - Throws: `canvas.path`, `canvas.too_large`, exit 2; `canvas.write`.
    func write(_ files: [CanvasFile]) throws {
        guard files.count <= Self.callFiles else {
            throw JarvisError(
                "canvas.too_large", "\(files.count) files at once; at most \(Self.callFiles)", exitCode: 2)
        }
        var total = 0
        for file in files {
            total += file.bytes.count
            guard file.bytes.count <= Self.writtenBytes, total <= Self.callBytes else {
                throw JarvisError(
                    "canvas.too_large",
                    "\"\(file.path.prefix(120))\" has \(file.bytes.count) bytes; a file may have \(Self.writtenBytes), one"
                        + " call \(Self.callBytes)", exitCode: 2)
            }
        }
        let (bytes, entries) = usage()
        guard bytes + total <= Self.treeBytes, entries + files.count <= Self.treeEntries else {
            throw JarvisError(
                "canvas.too_large",
                "the canvas holds \(bytes) bytes in \(entries) files already; at most \(Self.treeBytes) in"
                    + " \(Self.treeEntries)", hint: "Remove files from \(root).", exitCode: 2)
        }
        for file in files { try write(file) }
    }

    private func write(_ file: CanvasFile) throws {
        guard let names = Self.names(file.path), let last = names.last, !file.path.hasSuffix("/") else {
            throw JarvisError(
                "canvas.path",
                "\"\(file.path.prefix(120))\" is no path for the canvas; expected names joined by /, none of them"
                    + " beginning with a dot, at most \(Self.depth)", exitCode: 2)
        }
        do {
            let directory = try enter(names.dropLast(), making: true)
            defer { close(directory) }
            let temporary = DurableFile.temporaryPrefix + Identifiers.randomHex(bytes: 8)
            let descriptor = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: file.path) }
            do {
                defer { close(descriptor) }
                try Self.write(file.bytes, to: descriptor, subject: file.path)
                guard renameat(directory, temporary, directory, last) == 0 else {
                    throw SystemCallError(call: "rename", errorNumber: errno, subject: file.path)
                }
            } catch {
                unlinkat(directory, temporary, 0)
                throw error
            }
        } catch {
            throw JarvisError(
                "canvas.write", "the canvas can't keep \"\(file.path.prefix(120))\": \(error)", cause: error)
        }
    }

    /// Opens the directory that `names` lead to, one name at a time.
    private func enter(_ names: ArraySlice<String>, making: Bool) throws -> Int32 {
        // The root was resolved when it was prepared: a link in its place came later.
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var directory = openat(AT_FDCWD, root, flags)
        if directory < 0, errno == ENOENT, making {
            // Somebody threw the whole canvas away; it begins anew.
            try DurableFile.createDirectory(root)
            directory = openat(AT_FDCWD, root, flags)
        }
        guard directory >= 0 else { throw SystemCallError(call: "open", errorNumber: errno, subject: root) }
        for name in names {
            if making { _ = mkdirat(directory, name, 0o700) }
            let next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let number = errno
            close(directory)
            guard next >= 0 else { throw SystemCallError(call: "open", errorNumber: number, subject: name) }
            directory = next
        }
        return directory
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, subject: String) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                guard let base = buffer.baseAddress else { return }
                let count = pwrite(descriptor, base + offset, buffer.count - offset, off_t(offset))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw SystemCallError(call: "write", errorNumber: errno, subject: subject) }
                offset += count
            }
        }
    }
}
