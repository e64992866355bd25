import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A file below one of a few directories. Every step below is opened without following a symbolic link, so that nothing
/// in them leads out. The directories themselves are the owner's and may be reached through links.
///
/// All calls but `init` block.
package struct ConfinedPath: Sendable, Hashable {
    /// The absolute path.
    package let path: String

    private let root: String
    private let steps: [String]

    /// Reads a path that a request gave: an absolute one below one of `roots`, or a relative one, which is meant below the
    /// first.
    ///
    /// - Parameter purpose: what the file is for, in messages: `path`, `paths[0]`.
    /// - Throws: `BrowserError` 400 `invalid_path`, naming the directories.
    package init(_ written: String, roots: [String], purpose: String = "path") throws(BrowserError) {
        func invalid(_ why: String) -> BrowserError {
            BrowserError(
                400, "invalid_path",
                "\(purpose) \"\(written.prefix(200))\" \(why). It must lie in \(roots.joined(separator: " or ")).")
        }
        guard !roots.isEmpty, written.utf8.count <= 4096, written.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw invalid("is no usable path")
        }
        var root = roots[0]
        var rest = Substring(written)
        if written.hasPrefix("/") {
            guard let found = roots.first(where: { written.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }) else {
                throw invalid("lies elsewhere")
            }
            root = found
            rest = written.dropFirst(found.count)
        }
        let steps = rest.split(separator: "/").map(String.init).filter { $0 != "." }
        guard !steps.contains("..") else { throw invalid("has a step up (..)") }
        guard !steps.isEmpty, !written.hasSuffix("/") else { throw invalid("names no file") }
        guard steps.allSatisfy({ $0.utf8.count <= 255 }) else { throw invalid("has a name that is too long") }
        self.init(root: root, steps: steps)
    }

    /// A new name in `directory`: `prefix-<time>-<random>.<suffix>`.
    package static func fresh(in directory: String, prefix: String, suffix: String) -> ConfinedPath {
        let time = WallClock.iso8601(WallClock.system.now()).filter { $0.isNumber }.prefix(14)
        return ConfinedPath(
            root: directory, steps: ["\(prefix)-\(time)-\(Identifiers.randomHex(bytes: 4)).\(suffix)"])
    }

    private init(root: String, steps: [String]) {
        self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
        self.steps = steps
        path = self.root + "/" + steps.joined(separator: "/")
    }

    /// The last step.
    package var name: String { steps.last ?? "" }

    // MARK: Reading

    /// The size in bytes of the regular file that is there.
    ///
    /// - Throws: `BrowserError` 404 `no_file`, 400 `invalid_path` when a link is in the way or it is no regular file.
    @discardableResult
    package func size() throws(BrowserError) -> Int {
        let descriptor = try open()
        defer { letGo(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(errno) }
        return Int(status.st_size)
    }

    /// The regular file that is there, opened for reading; the caller closes it.
    ///
    /// - Throws: as `size`.
    package func open() throws(BrowserError) -> Int32 {
        let parent = try directory(making: false)
        defer { letGo(parent) }
        let descriptor = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            letGo(descriptor)
            throw BrowserError(400, "invalid_path", "\(path) is no regular file.")
        }
        return descriptor
    }

    // MARK: Writing

    /// Puts `bytes` there, in one step: whoever looks sees the whole file or the one before. Missing directories are made,
    /// for the owner only (0700); the file is 0600.
    ///
    /// - Throws: `BrowserError` 500 `disk_full` or `write_failed`, 400 `invalid_path`; then nothing is left behind.
    package func write(_ bytes: some Collection<UInt8>) throws(BrowserError) {
        let file = try ConfinedFile(self)
        do throws(BrowserError) {
            try file.append(bytes)
            try file.finish()
        } catch {
            file.discard()
            throw error
        }
    }

    /// Gives the file at `path` (on the same disk) this place.
    ///
    /// - Throws: as `write`; 404 `no_file` when it is not there.
    package func receive(fileAt source: String) throws(BrowserError) {
        let parent = try directory(making: true)
        defer { letGo(parent) }
        guard renameat(AT_FDCWD, source, parent, name) == 0 else { throw failure(errno) }
    }

    /// The directory that holds it, opened step by step; the caller closes it.
    func directory(making: Bool) throws(BrowserError) -> Int32 {
        if making {
            do {
                try DurableFile.createDirectory(root)
            } catch {
                throw failure((error as? SystemCallError)?.errorNumber ?? EIO)
            }
        }
        var current = openPath(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard current >= 0 else { throw failure(errno) }
        for step in steps.dropLast() {
            if making { _ = mkdirat(current, step, 0o700) }  // the opening tells what went wrong
            let next = openat(current, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            let number = errno
            letGo(current)
            guard next >= 0 else { throw failure(number) }
            current = next
        }
        return current
    }

    func failure(_ number: Int32) -> BrowserError {
        switch number {
        case ENOENT: BrowserError(404, "no_file", "There is no file \(path).")
        case ELOOP, ENOTDIR:
            BrowserError(400, "invalid_path", "\(path) can't be used: a link or a file is in the way to it.")
        case EISDIR: BrowserError(400, "invalid_path", "\(path) is a directory.")
        case ENOSPC, EDQUOT:
            BrowserError(500, "disk_full", "\(path) can't be written: the disk is full. Nothing was kept.")
        default:
            BrowserError(500, "write_failed", "\(path) can't be used: \(SystemCallError.text(number)).")
        }
    }
}

/// A file that is being written beside its place, and takes it when it is whole.
package final class ConfinedFile: Sendable {
    private let place: ConfinedPath
    private let parent: Int32
    private let descriptor: Int32
    private let temporary: String

    /// Begins to write.
    ///
    /// - Throws: as `ConfinedPath.write`.
    package init(_ place: ConfinedPath) throws(BrowserError) {
        self.place = place
        parent = try place.directory(making: true)
        temporary = DurableFile.temporaryPrefix + Identifiers.randomHex(bytes: 8)
        descriptor = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let number = errno
            letGo(parent)
            throw place.failure(number)
        }
    }

    /// Writes more.
    package func append(_ bytes: some Collection<UInt8>) throws(BrowserError) {
        let contiguous = ContiguousArray(bytes)
        let number: Int32 = contiguous.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count, let base = buffer.baseAddress {
                let count = writeBytes(descriptor, base + offset, buffer.count - offset)
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno
                }
                offset += count
            }
            return 0
        }
        guard number == 0 else { throw place.failure(number) }
    }

    /// Takes the place. Neither this nor `discard` may be called again.
    package func finish() throws(BrowserError) {
        // Not synced: it is no promise to anybody, and a full disk has shown itself by now on every usual file system.
        guard renameat(parent, temporary, parent, place.name) == 0 else { throw place.failure(errno) }
        release()
    }

    /// Leaves nothing behind.
    package func discard() {
        unlinkat(parent, temporary, 0)
        release()
    }

    private func release() {
        letGo(descriptor)
        letGo(parent)
    }
}

// Under names that no method hides.
@discardableResult
private func letGo(_ descriptor: Int32) -> Int32 { close(descriptor) }
private func openPath(_ path: String, _ flags: Int32) -> Int32 { open(path, flags) }
private func writeBytes(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
