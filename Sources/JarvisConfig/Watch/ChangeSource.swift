import JarvisCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Sleeps until something changes in a set of directories. Used by one thread at a time.
final class ChangeSource {
    enum Event { case changed, quiet, stopped }

    private let stop: Int32
    private var notifier: Int32 = -1
    private var watched: [String: Int32] = [:]

    /// `stop` is the reading end of a pipe: when its other end closes, waiting ends.
    init(stop: Int32) {
        self.stop = stop
        #if os(Linux)
            notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        #endif
    }

    /// Watches `directories` and no others.
    func watch(_ directories: [String]) {
        #if os(Linux)
            guard notifier >= 0 else { return }
            for (directory, number) in watched where !directories.contains(directory) {
                inotify_rm_watch(notifier, number)
                watched[directory] = nil
            }
            let events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB
            for directory in directories where watched[directory] == nil {
                let number = inotify_add_watch(notifier, directory, UInt32(events))
                if number >= 0 { watched[directory] = number }
            }
        #endif
    }

    /// Waits at most `timeoutMs` milliseconds (-1: without end). Where the system tells nothing, looking again every
    /// second takes its place.
    func wait(timeoutMs: Int32) -> Event {
        let polls = notifier < 0 || watched.isEmpty
        let timeout = polls && timeoutMs < 0 ? 1000 : timeoutMs
        var descriptors = [
            pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
            pollfd(fd: notifier, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            let ready = poll(&descriptors, 2, timeout)
            if ready < 0, errno == EINTR { continue }
            if ready < 0 || descriptors[0].revents != 0 { return .stopped }
            if descriptors[1].revents & Int16(POLLIN) != 0 {
                if drain() { return .changed }
                continue
            }
            return polls && timeoutMs < 0 ? .changed : .quiet
        }
    }

    /// Takes what waits; false when nothing but lock files moved. Reading the configuration takes its lock, so without
    /// this every reading would cause the next.
    private func drain() -> Bool {
        var matters = false
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(notifier, &buffer, buffer.count)
            guard count > 0 else { return matters }
            // struct inotify_event: wd, mask, cookie, length of the name that follows, padded with NUL.
            var offset = 0
            while offset + 16 <= count {
                let length = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self) }
                let end = min(offset + 16 + Int(length), count)
                let name = buffer[(offset + 16)..<end].prefix { $0 != 0 }
                if !(name.first == UInt8(ascii: ".") && name.suffix(5).elementsEqual(".lock".utf8)) { matters = true }
                offset = end
            }
        }
    }

    func close() {
        #if canImport(Glibc)
            if notifier >= 0 { Glibc.close(notifier) }
            Glibc.close(stop)
        #elseif canImport(Musl)
            if notifier >= 0 { Musl.close(notifier) }
            Musl.close(stop)
        #else
            Darwin.close(stop)
        #endif
    }
}
