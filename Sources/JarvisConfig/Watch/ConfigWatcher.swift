import JarvisCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Tells when the configuration, or a file that it includes, has changed.
///
/// Directories are watched, not files, because editors replace files. A change is reported when nothing has happened
/// for the debounce time and size and time of the files have then not moved for the stability time; a change back to
/// what was reported last is not reported. On Linux the thread sleeps until something happens; elsewhere it looks once
/// a second.
package final class ConfigWatcher: Sendable {
    private struct State {
        var isRunning = false
        var stopPipe: Int32 = -1
        var thread: pthread_t?
    }

    private let path: String
    private let debounceMs: Int32
    private let stabilityMs: Int32
    private let load: @Sendable () -> ConfigSnapshot
    private let onChange: @Sendable (ConfigSnapshot) -> Void
    private let state = Mutex(State())

    /// A watcher that is not started.
    ///
    /// - Parameters:
    ///   - debounceMs: how long nothing may happen before a change counts, in milliseconds.
    ///   - stabilityMs: how long the files must then stay as they are, in milliseconds.
    ///   - load: reads the configuration; called on the watcher's thread.
    ///   - onChange: called on the watcher's thread with each new reading, usable or not.
    package init(
        path: String, debounceMs: Int = 300, stabilityMs: Int = 200, load: @escaping @Sendable () -> ConfigSnapshot,
        onChange: @escaping @Sendable (ConfigSnapshot) -> Void
    ) {
        self.path = path
        self.debounceMs = Int32(clamping: debounceMs)
        self.stabilityMs = Int32(clamping: stabilityMs)
        self.load = load
        self.onChange = onChange
    }

    /// Starts the thread; changes from `known` on are reported. Starting twice does nothing. Blocks until the watch is
    /// in place.
    ///
    /// - Throws: `config.watch` when the system gives no thread or pipe.
    package func start(from known: ConfigSnapshot) throws(JarvisError) {
        let failure: JarvisError? = state.withLock { state in
            if state.isRunning { return nil }
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { return Self.failure("pipe", errno) }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let source = ChangeSource(stop: ends[0])
            source.watch(Self.directories(known, path))
            let run = Unmanaged.passRetained(WatcherRun(watcher: self, source: source, known: known))
            var thread = pthread_t.none
            let result = startThread(&thread, run)
            guard result == 0 else {
                run.release()
                for end in ends { close(end) }
                return Self.failure("pthread_create", result)
            }
            state = State(isRunning: true, stopPipe: ends[1], thread: thread)
            return nil
        }
        if let failure { throw failure }
    }

    /// Stops and waits for the thread, and so for a callback that is under way. Do not call it from the callback.
    package func stop() {
        let stopped: State? = state.withLock { state in
            guard state.isRunning else { return nil }
            defer { state = State() }
            return state
        }
        guard let stopped else { return }
        close(stopped.stopPipe)
        if let thread = stopped.thread { pthread_join(thread, nil) }
    }

    deinit { stop() }

    private static func failure(_ call: String, _ number: Int32) -> JarvisError {
        JarvisError(
            "config.watch", "changes of the configuration can't be watched: \(call): \(SystemCallError.text(number))")
    }

    fileprivate static func directories(_ snapshot: ConfigSnapshot, _ path: String) -> [String] {
        Array(Set(([path] + snapshot.sources).map(DurableFile.parent))).sorted()
    }

    // MARK: The thread

    fileprivate struct Settings {
        var path: String
        var debounceMs: Int32
        var stabilityMs: Int32
        var load: @Sendable () -> ConfigSnapshot
        var onChange: @Sendable (ConfigSnapshot) -> Void
    }

    fileprivate var settings: Settings {
        Settings(path: path, debounceMs: debounceMs, stabilityMs: stabilityMs, load: load, onChange: onChange)
    }
}

extension pthread_t {
    #if canImport(Darwin)
        fileprivate static var none: pthread_t? { nil }
    #else
        fileprivate static var none: pthread_t { pthread_t() }
    #endif
}

#if canImport(Darwin)
    private func startThread(_ thread: inout pthread_t?, _ run: Unmanaged<WatcherRun>) -> Int32 {
        pthread_create(&thread, nil, watcherMain, run.toOpaque())
    }

    private func watcherMain(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<WatcherRun>.fromOpaque(argument).takeRetainedValue().loop()
        return nil
    }
#else
    private func startThread(_ thread: inout pthread_t, _ run: Unmanaged<WatcherRun>) -> Int32 {
        pthread_create(&thread, nil, watcherMain, run.toOpaque())
    }

    private func watcherMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        if let argument { Unmanaged<WatcherRun>.fromOpaque(argument).takeRetainedValue().loop() }
        return nil
    }
#endif

/// What the thread owns.
private final class WatcherRun {
    private let settings: ConfigWatcher.Settings
    private let source: ChangeSource
    private var known: ConfigSnapshot

    init(watcher: ConfigWatcher, source: ChangeSource, known: ConfigSnapshot) {
        settings = watcher.settings
        self.source = source
        self.known = known
    }

    func loop() {
        defer { source.close() }
        // What changed between the reading and the watch would otherwise never be seen.
        if !report() { return }
        while source.wait(timeoutMs: -1) == .changed {
            if !settle() || !report() { return }
        }
    }

    /// Waits until the files rest. False: stop.
    private func settle() -> Bool {
        while true {
            switch source.wait(timeoutMs: settings.debounceMs) {
            case .changed: continue
            case .stopped: return false
            case .quiet: break
            }
            let before = stamps()
            switch source.wait(timeoutMs: settings.stabilityMs) {
            case .changed: continue
            case .stopped: return false
            case .quiet: if stamps() == before { return true }
            }
        }
    }

    private func report() -> Bool {
        let next = settings.load()
        source.watch(ConfigWatcher.directories(next, settings.path))
        if next.fingerprint != known.fingerprint || next.exists != known.exists {
            known = next
            settings.onChange(next)
        }
        return true
    }

    private func stamps() -> [[Int]] {
        ([settings.path] + known.sources).map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return [] }
            #if canImport(Darwin)
                let time = status.st_mtimespec
            #else
                let time = status.st_mtim
            #endif
            return [Int(status.st_size), Int(status.st_ino), time.tv_sec, time.tv_nsec]
        }
    }
}
