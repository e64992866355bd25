@preconcurrency import Dispatch
import JarvisCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Tells when files below a directory changed. While nothing changes its thread sleeps; on systems without inotify it
/// looks at names, sizes and times once a second.
package final class TreeWatch: Sendable {
    private let root: String
    private let quietMs: Int32
    private let onReady: @Sendable () -> Void
    private let onChange: @Sendable () -> Void
    private let stopPipe: Mutex<Int32>
    /// How often a root that is gone is looked for.
    private static let lookMs: Int32 = 500
    /// At most so many directories are watched.
    private static let limit = 1024

    /// Begins to watch `root` with everything in it, also what comes into being later. Names that begin with a dot are
    /// nobody's business, links are not followed. A root that is taken away is watched again when it is back. Nil when
    /// the system gives no pipe.
    ///
    /// - Parameters:
    ///   - quietMs: how long nothing may happen before a change counts, in milliseconds; after ten times as long it
    ///     counts all the same.
    ///   - onReady: called on the watcher's thread once: what changes from then on is told.
    ///   - onChange: called on the watcher's thread.
    package init?(
        root: String, quietMs: Int = 60, onReady: @escaping @Sendable () -> Void = {},
        onChange: @escaping @Sendable () -> Void
    ) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.root = root
        self.quietMs = Int32(clamping: quietMs)
        self.onReady = onReady
        self.onChange = onChange
        stopPipe = Mutex(ends[1])
        let (reading, watched) = (ends[0], self)
        DispatchQueue(label: "tree-watch").async { watched.run(stop: reading) }
    }

    /// Ends watching; `onChange` may be called once more.
    package func stop() {
        stopPipe.withLock { end in
            if end >= 0 { close(end) }
            end = -1
        }
    }

    #if os(Linux)
        private func run(stop: Int32) {
            let notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
            defer {
                if notifier >= 0 { close(notifier) }
                close(stop)
            }
            guard notifier >= 0 else { return }
            var directories: [Int32: String] = [:]
            add(root, to: notifier, &directories)
            onReady()
            while true {
                // The kernel tells nothing of a directory that is not there: a root that is gone is looked for.
                let isGone = directories.isEmpty
                if wait(stop, notifier, isGone ? Self.lookMs : -1) == .stopped { return }
                let counts = drain(notifier, &directories)
                if isGone { add(root, to: notifier, &directories) }
                guard counts || isGone && !directories.isEmpty else { continue }
                var rounds = 0
                while rounds < 10 {
                    let next = wait(stop, notifier, quietMs)
                    if next == .stopped { return }
                    if next == .quiet { break }
                    _ = drain(notifier, &directories)
                    rounds += 1
                }
                onChange()
            }
        }

        private enum Event { case changed, quiet, stopped }

        private func wait(_ stop: Int32, _ notifier: Int32, _ timeoutMs: Int32) -> Event {
            var descriptors = [
                pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
                pollfd(fd: notifier, events: Int16(POLLIN), revents: 0),
            ]
            while true {
                let ready = poll(&descriptors, 2, timeoutMs)
                if ready < 0, errno == EINTR { continue }
                if ready < 0 || descriptors[0].revents != 0 { return .stopped }
                return ready == 0 ? .quiet : .changed
            }
        }

        private func add(_ directory: String, to notifier: Int32, _ directories: inout [Int32: String]) {
            guard directories.count < Self.limit else { return }
            let events =
                IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
                | Int32(bitPattern: UInt32(IN_ONLYDIR))
                | Int32(bitPattern: UInt32(IN_DONT_FOLLOW))
            // The root may be a link that its owner made.
            let flags = directory == root ? events & ~Int32(bitPattern: UInt32(IN_DONT_FOLLOW)) : events
            let number = inotify_add_watch(notifier, directory, UInt32(bitPattern: flags))
            guard number >= 0 else { return }
            directories[number] = directory
            for name in DirectoryNames.list(directory) where !name.hasPrefix(".") {
                var status = stat()
                let path = "\(directory)/\(name)"
                if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
                    add(path, to: notifier, &directories)
                }
            }
        }

        /// Takes what waits; whether any of it counts.
        private func drain(_ notifier: Int32, _ directories: inout [Int32: String]) -> Bool {
            var counts = false
            FileNotice.drain(notifier) { notice in
                if notice.mask & UInt32(IN_IGNORED) != 0 { directories[notice.watch] = nil }
                if notice.mask & UInt32(IN_Q_OVERFLOW) != 0 { counts = true }
                guard !notice.name.isEmpty, !notice.name.hasPrefix(".") else { return }
                if notice.isDirectory, notice.mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0,
                    let parent = directories[notice.watch]
                {
                    add("\(parent)/\(notice.name)", to: notifier, &directories)
                }
                // A file that was only made is not written yet.
                if notice.isDirectory || notice.mask & UInt32(IN_CREATE) == 0 { counts = true }
            }
            return counts
        }
    #else
        private func run(stop: Int32) {
            defer { close(stop) }
            var last = signature()
            onReady()
            while true {
                var descriptor = pollfd(fd: stop, events: Int16(POLLIN), revents: 0)
                if poll(&descriptor, 1, 1000) > 0 { return }
                let next = signature()
                if next != last { onChange() }
                last = next
            }
        }

        private func signature() -> Int {
            var hasher = Hasher()
            var waiting = [root]
            var seen = 0
            while let directory = waiting.popLast(), seen < Self.limit {
                seen += 1
                for name in DirectoryNames.list(directory) where !name.hasPrefix(".") {
                    var status = stat()
                    let path = "\(directory)/\(name)"
                    guard lstat(path, &status) == 0 else { continue }
                    if status.st_mode & S_IFMT == S_IFDIR { waiting.append(path) }
                    hasher.combine(path)
                    hasher.combine(Int(status.st_size))
                    hasher.combine(Int(status.st_mtimespec.tv_sec))
                    hasher.combine(Int(status.st_mtimespec.tv_nsec))
                }
            }
            return hasher.finalize()
        }
    #endif
}
