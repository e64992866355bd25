#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Small questions to the file system.
enum FileKind {
    /// Whether a symbolic link, also a dangling one, is at `path`.
    static func isSymbolicLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// Renames when there is something to rename.
    static func move(_ source: String, to target: String) { rename(source, target) }
}
