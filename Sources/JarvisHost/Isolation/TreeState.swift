import JarvisCore
import JarvisSystem

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Every path below a directory with kind, mode, inode and content: equal trees are untouched trees.
struct TreeState {
    private struct Entry: Hashable {
        var kind: UInt32
        var mode: UInt32
        var inode: UInt64
        var content: String
    }

    private var entries: [String: Entry] = [:]

    /// Reads everything below `root` but what `skips` says yes for.
    init(_ root: String, skips: (String) -> Bool) {
        var pending = [root]
        while let directory = pending.popLast() {
            for name in DirectoryNames.list(directory).sorted() {
                let path = HostPath.join(directory, name)
                var status = stat()
                guard !skips(path), lstat(path, &status) == 0 else { continue }
                let kind = UInt32(status.st_mode & S_IFMT)
                var content = ""
                if kind == UInt32(S_IFDIR) { pending.append(path) }
                if kind == UInt32(S_IFREG) {
                    // a file that can't be read is compared by the rest
                    content = (try? DurableFile.read(path)).map { Identifiers.sha256Hex($0) } ?? ""  // see above
                }
                entries[path] = Entry(
                    kind: kind, mode: UInt32(status.st_mode & 0o7777), inode: UInt64(status.st_ino), content: content)
            }
        }
    }

    /// How many paths.
    var count: Int { entries.count }

    /// What happened between `self` and `after`.
    func touches(until after: TreeState) -> [TouchWatch.Touch] {
        var found: [TouchWatch.Touch] = []
        for (path, entry) in entries {
            guard let now = after.entries[path] else {
                let isElsewhere = after.entries.contains { entries[$0.key] == nil && $0.value.inode == entry.inode }
                found.append(.init(path: path, action: isElsewhere ? .renamed : .removed))
                continue
            }
            if now.mode != entry.mode { found.append(.init(path: path, action: .permissions)) }
            if now.content != entry.content || now.kind != entry.kind {
                found.append(.init(path: path, action: .modified))
            }
        }
        for path in after.entries.keys where entries[path] == nil {
            found.append(.init(path: path, action: .created))
        }
        return found.sorted { $0.path < $1.path }
    }
}
