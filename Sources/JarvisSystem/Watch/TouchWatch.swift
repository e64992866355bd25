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

/// Notes every touch of the files below a set of directories, opening for reading included, as the kernel tells it. Needs
/// no rights; on systems without inotify it notes nothing.
package final class TouchWatch: Sendable {
    /// What was done to a file.
    package enum Action: String, Sendable, Hashable, CaseIterable {
        case created, modified, removed, renamed, permissions, opened
    }

    /// One touch.
    package struct Touch: Sendable, Hashable {
        /// The file or directory, absolute.
        package var path: String
        /// What was done.
        package var action: Action

        /// A touch.
        package init(path: String, action: Action) {
            self.path = path
            self.action = action
        }
    }

    private struct State {
        var directories: [Int32: String] = [:]
        var flat: Set<Int32> = []
        var touches: [Touch] = []
        var seen: Set<Touch> = []
        var isOverrun = false
    }

    private let state = Mutex(State())
    private let notifier: Int32
    private let queue = DispatchQueue(label: "touch-watch")
    private let done = DispatchSemaphore(value: 0)
    private let isStopping = Mutex(false)
    private let skips: @Sendable (String) -> Bool

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - trees: directories that are watched with everything in them, also what comes into being later.
    ///   - flat: directories of which only the direct entries are watched, and only those that are made or renamed.
    ///   - skips: says yes for a directory that is not watched and not entered.
    package init(trees: [String], flat: [String] = [], skips: @escaping @Sendable (String) -> Bool) {
        self.skips = skips
        #if os(Linux)
            notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
            for tree in trees { add(tree) }
            for directory in flat {
                let number = inotify_add_watch(notifier, directory, UInt32(IN_CREATE | IN_MOVED_TO))
                guard number >= 0 else { continue }
                state.withLock {
                    $0.directories[number] = directory
                    $0.flat.insert(number)
                }
            }
            queue.async { [self] in
                while !isStopping.withLock({ $0 }) {
                    var waiting = pollfd(fd: notifier, events: Int16(POLLIN), revents: 0)
                    if poll(&waiting, 1, 50) > 0 { FileNotice.drain(notifier, note) }
                }
                FileNotice.drain(notifier, note)
                done.signal()
            }
        #else
            notifier = -1
            done.signal()
        #endif
    }

    /// How many directories are watched.
    package var directoryCount: Int { state.withLock { $0.directories.count } }

    /// Ends watching and returns what was seen, each touch once, in order. `isComplete` is false when the kernel had to
    /// drop events, or can't watch at all.
    package func stop() -> (touches: [Touch], isComplete: Bool) {
        isStopping.withLock { $0 = true }
        done.wait()
        if notifier >= 0 { close(notifier) }
        return state.withLock { ($0.touches, notifier >= 0 && !$0.isOverrun) }
    }

    #if os(Linux)
        private func add(_ directory: String) {
            guard !skips(directory) else { return }
            let events =
                IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_OPEN
                | IN_DELETE_SELF | IN_MOVE_SELF | Int32(bitPattern: UInt32(IN_ONLYDIR))
                | Int32(bitPattern: UInt32(IN_DONT_FOLLOW))
            let number = inotify_add_watch(notifier, directory, UInt32(bitPattern: events))
            guard number >= 0 else { return }
            state.withLock { $0.directories[number] = directory }
            for name in DirectoryNames.list(directory) {
                var status = stat()
                let path = "\(directory)/\(name)"
                if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { add(path) }
            }
        }

        private func note(_ notice: FileNotice) {
            let mask = notice.mask
            if mask & UInt32(IN_Q_OVERFLOW) != 0 { state.withLock { $0.isOverrun = true } }
            guard let directory = state.withLock({ $0.directories[notice.watch] }) else { return }
            let path = notice.name.isEmpty ? directory : "\(directory)/\(notice.name)"
            if skips(path) { return }
            let actions: [(UInt32, Action)] = [
                (UInt32(IN_CREATE), .created), (UInt32(IN_MODIFY), .modified), (UInt32(IN_DELETE), .removed),
                (UInt32(IN_MOVED_FROM), .renamed), (UInt32(IN_MOVED_TO), .renamed),
                (UInt32(IN_ATTRIB), .permissions), (UInt32(IN_OPEN), .opened),
            ]
            for (bit, action) in actions where mask & bit != 0 {
                // Listing a directory, or opening it for its lock, reveals nothing of what is in it.
                if action == .opened, notice.isDirectory || notice.name.isEmpty { continue }
                let touch = Touch(path: path, action: action)
                state.withLock { if $0.seen.insert(touch).inserted { $0.touches.append(touch) } }
            }
            let isInTree = state.withLock { !$0.flat.contains(notice.watch) }
            if isInTree, notice.isDirectory, mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 { add(path) }
        }
    #endif
}
