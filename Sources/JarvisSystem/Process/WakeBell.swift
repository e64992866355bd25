import CJarvisShims
import JarvisCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What wakes a loop that waits for files and processes: a change in a directory, the end of a process, a request to
/// stop.
package final class WakeBell: Sendable {
    private let stopping = Atomic<Bool>(false)
    private let ends: [Int32]
    private let notifier: Int32

    /// A bell.
    ///
    /// - Throws: `SystemCallError`.
    package init() throws {
        var ends: [Int32] = [-1, -1]
        guard jarvis_pipe_cloexec(&ends) == 0 else { throw SystemCallError(call: "pipe", errorNumber: errno) }
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        self.ends = ends
        #if os(Linux)
            notifier = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        #else
            notifier = -1
        #endif
    }

    deinit { for descriptor in ends + [notifier] where descriptor >= 0 { close(descriptor) } }

    /// Whether it was told to stop.
    package var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Whether changes of files are not told, so that somebody must look.
    package var mustPoll: Bool { notifier < 0 }

    /// Asks the loop to end; from any thread.
    package func stop() {
        stopping.store(true, ordering: .relaxed)
        var byte: UInt8 = 1
        _ = write(ends[1], &byte, 1)
    }

    /// Rings for every change in `directory`.
    package func watch(_ directory: String) {
        #if os(Linux)
            let events = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE
            if notifier >= 0 { inotify_add_watch(notifier, directory, UInt32(events)) }
        #endif
    }

    /// Returns when something may have happened, at the latest after `timeout` milliseconds; nil waits for ever.
    package func wait(for processes: [ProcessHandle], timeout: Int64?) {
        var entries = [ends[0], notifier].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        entries += processes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        _ = poll(&entries, nfds_t(entries.count), timeout.map { Int32(clamping: $0) } ?? -1)
        var discarded = [UInt8](repeating: 0, count: 4096)
        for descriptor in [ends[0], notifier] where descriptor >= 0 {
            while read(descriptor, &discarded, discarded.count) > 0 {}
        }
    }
}
