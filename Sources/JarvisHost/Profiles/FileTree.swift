import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A directory with everything in it, as one thing to list, copy, measure and remove. Symbolic links are entries, never
/// followed, and other disks that are mounted inside are never entered. All calls block.
package enum FileTree {
    /// What an entry is.
    package enum Kind: Sendable, Hashable {
        case directory
        case file
        case link
        /// A socket, a pipe or a device: never copied.
        case other
    }

    /// Something in a tree.
    package struct Entry: Sendable, Hashable {
        /// Below the root, without a slash in front: `workspace/notes/a.md`.
        package var path: String
        /// What it is.
        package var kind: Kind
        /// Its size in bytes; 0 for all but files.
        package var size: Int
        /// Its permission bits.
        package var mode: UInt32
    }

    /// Everything below `root` in the order of the names' bytes, a directory before what it holds.
    ///
    /// - Parameter enter: whether a directory (by its path below the root) is looked into; when not, it isn't listed.
    /// - Throws: `SystemCallError` when a directory can't be read.
    package static func entries(
        of root: String, enter: (_ path: String) -> Bool = { _ in true }
    ) throws -> [Entry] {
        var status = stat()
        guard lstat(root, &status) == 0 else { throw failure("lstat", root) }
        var found: [Entry] = []
        try collect(root, "", status.st_dev, enter, &found)
        return found
    }

    /// The bytes of all files below `root`; what can't be read counts as nothing.
    package static func size(of root: String) -> Int {
        let entries = try? entries(of: root)  // for people: an unreadable part only makes the number smaller
        return (entries ?? []).reduce(0) { $0 + $1.size }
    }

    /// The same for a path that may be a single file; a link counts as nothing.
    package static func size(ofFileOrTree path: String) -> Int {
        var status = stat()
        guard lstat(path, &status) == 0 else { return 0 }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return size(of: path)
        case S_IFREG: return Int(status.st_size)
        default: return 0
        }
    }

    /// Copies files, directories and links of `root` into the existing directory `target` and syncs each of them.
    /// Permissions for others are not copied: files are 0600 (0700 when executable), directories 0700.
    ///
    /// - Returns: what was copied.
    /// - Throws: `SystemCallError`; `target` then holds a part.
    @discardableResult
    package static func copy(
        _ root: String, into target: String, enter: (_ path: String) -> Bool = { _ in true },
        takes: (Entry) -> Bool = { _ in true }
    ) throws -> [Entry] {
        var copied: [Entry] = []
        for entry in try entries(of: root, enter: enter) where takes(entry) {
            let from = HostPath.join(root, entry.path)
            let to = HostPath.join(target, entry.path)
            switch entry.kind {
            case .directory: try DurableFile.createDirectory(to)
            case .file: try copyFile(from, to: to, mode: entry.mode & 0o100 == 0 ? 0o600 : 0o700)
            case .link: try copyLink(from, to: to)
            case .other: continue
            }
            copied.append(entry)
        }
        for entry in copied where entry.kind == .directory {
            try DurableFile.syncDirectory(HostPath.join(target, entry.path))
        }
        try DurableFile.syncDirectory(target)
        return copied
    }

    /// Copies one regular file to a name that is free, in pieces, and syncs it. A link at `from` is refused.
    ///
    /// - Throws: `SystemCallError`.
    package static func copyFile(_ from: String, to: String, mode: mode_t = 0o600) throws {
        let output = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard output >= 0 else { throw failure("open", to) }
        defer { close(output) }
        try read(from) { try writeAll($0, to: output, path: to) }
        guard fsync(output) == 0 else { throw failure("fsync", to) }
    }

    /// Reads one regular file in pieces; a link is refused.
    ///
    /// - Throws: `SystemCallError`, and what `take` throws.
    package static func read(_ path: String, _ take: (ArraySlice<UInt8>) throws -> Void) throws {
        let input = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard input >= 0 else { throw failure("open", path) }
        defer { close(input) }
        var status = stat()
        guard fstat(input, &status) == 0 else { throw failure("fstat", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SystemCallError(call: "open", errorNumber: EINVAL, subject: path)
        }
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = buffer.withUnsafeMutableBytes { readBytes(input, $0) }
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw failure("read", path) }
            if count == 0 { return }
            try take(buffer[..<count])
        }
    }

    /// Writes one file whose name must be free from the pieces that `next` gives, and syncs it; an empty piece ends it.
    ///
    /// - Throws: `SystemCallError`, and what `next` throws.
    package static func write(_ path: String, mode: mode_t = 0o600, _ next: () throws -> [UInt8]) throws {
        let output = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        guard output >= 0 else { throw failure("open", path) }
        defer { close(output) }
        while true {
            let piece = try next()
            if piece.isEmpty { break }
            try writeAll(piece[...], to: output, path: path)
        }
        guard fsync(output) == 0 else { throw failure("fsync", path) }
    }

    /// Removes `root` and everything in it. Another disk mounted inside makes it fail there.
    ///
    /// - Throws: `SystemCallError` for the first thing that can't be removed; nothing when `root` is gone already.
    package static func remove(_ root: String) throws {
        var status = stat()
        guard lstat(root, &status) == 0 else {
            if errno == ENOENT { return }
            throw failure("lstat", root)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(root) == 0 || errno == ENOENT else { throw failure("unlink", root) }
            return
        }
        for name in try names(in: root) { try remove(HostPath.join(root, name)) }
        guard rmdir(root) == 0 || errno == ENOENT else { throw failure("rmdir", root) }
    }

    /// A digest over names, kinds and contents of everything below `root`: equal for equal trees.
    ///
    /// - Throws: `SystemCallError`.
    package static func digest(of root: String) throws -> String {
        var text = ""
        for entry in try entries(of: root) where entry.kind != .other {
            let path = HostPath.join(root, entry.path)
            switch entry.kind {
            case .file: text += "f \(entry.path) \(try fileDigest(path))\n"
            case .link: text += "l \(entry.path) \(try readLink(path))\n"
            default: text += "d \(entry.path)\n"
            }
        }
        return Identifiers.sha256Hex(text.utf8)
    }

    /// Where a symbolic link leads, as it is written.
    ///
    /// - Throws: `SystemCallError`.
    package static func readLink(_ path: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? -1
        }
        guard count > 0 else { throw failure("readlink", path) }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// The names in a directory, sorted by their bytes.
    ///
    /// - Throws: `SystemCallError`.
    package static func names(in directory: String) throws -> [String] {
        try DirectoryNames.read(directory).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func collect(
        _ directory: String, _ prefix: String, _ device: dev_t, _ enter: (String) -> Bool, _ found: inout [Entry]
    ) throws {
        for name in try names(in: directory) {
            let path = HostPath.join(directory, name)
            let relative = prefix + name
            var status = stat()
            guard lstat(path, &status) == 0 else {
                if errno == ENOENT { continue }
                throw failure("lstat", path)
            }
            let mode = UInt32(status.st_mode) & 0o777
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                guard status.st_dev == device, enter(relative) else { continue }
                found.append(Entry(path: relative, kind: .directory, size: 0, mode: mode))
                try collect(path, relative + "/", device, enter, &found)
            case S_IFREG:
                found.append(Entry(path: relative, kind: .file, size: Int(status.st_size), mode: mode))
            case S_IFLNK: found.append(Entry(path: relative, kind: .link, size: 0, mode: mode))
            default: found.append(Entry(path: relative, kind: .other, size: 0, mode: mode))
            }
        }
    }

    private static func copyLink(_ from: String, to: String) throws {
        guard symlink(try readLink(from), to) == 0 else { throw failure("symlink", to) }
    }

    private static func fileDigest(_ path: String) throws -> String {
        var digest = StreamDigest()
        try read(path) { digest.update($0) }
        return digest.hex()
    }

    private static func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, path: String) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count, let base = buffer.baseAddress {
                let count = writeBytes(descriptor, base + offset, buffer.count - offset)
                if count < 0, errno == EINTR { continue }
                if count < 0 { throw failure("write", path) }
                offset += count
            }
        }
    }

    // The names of the two calls mean something else inside this type.

    private static func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.read(descriptor, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(descriptor, buffer.baseAddress, buffer.count)
        #else
            Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        #endif
    }

    private static func writeBytes(_ descriptor: Int32, _ base: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, base, count)
        #elseif canImport(Musl)
            Musl.write(descriptor, base, count)
        #else
            Glibc.write(descriptor, base, count)
        #endif
    }

    private static func failure(_ call: String, _ path: String) -> SystemCallError {
        SystemCallError(call: call, errorNumber: errno, subject: path)
    }
}
