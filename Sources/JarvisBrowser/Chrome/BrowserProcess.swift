import CJarvisShims
import JarvisCore
import JarvisSystem
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The process of a browser that we started: how it ended, and the last that it wrote to standard error.
final class BrowserProcess: PipeCompanion {
    private typealias Waiter = CheckedContinuation<Bool, Never>

    private struct State {
        var tail = LogTail()
        var end: ProcessEnd?
        var errorsOpen = true
        var waiting: [Int: Waiter] = [:]
        var lastWaiter = 0
    }

    let pid: Int32
    /// Clock ticks between boot and its start; with the pid it names one process.
    let startTime: Int64
    private let handle: ProcessHandle?
    private let errors: Int32
    private let state = Mutex(State())

    /// Takes over the descriptor that its standard error is read from.
    ///
    /// - Throws: `SystemCallError` when the system does not tell of it, for want of descriptors; then the browser is still
    ///   there.
    init(pid: Int32, errors: Int32) throws {
        self.pid = pid
        self.errors = errors
        _ = fcntl(errors, F_SETFL, O_NONBLOCK)
        handle = ProcessHandle(pid: pid)
        startTime = handle?.startTime ?? 0
        #if os(Linux)
            // Without it nobody could say whose a process with its number is.
            guard handle != nil else { throw SystemCallError(call: "open", errorNumber: EMFILE, subject: "/proc") }
        #endif
    }

    deinit { systemClose(errors) }

    /// How it ended; nil while it runs.
    var end: ProcessEnd? { state.withLock(\.end) }

    /// Waits until it has ended and was collected; false when `limit` is over first.
    func ended(within limit: Duration) async -> Bool {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        // unstructured: a clock beside the end; it is cancelled with it
        let timer = Task { [self] in
            do { try await Task.sleep(for: limit) } catch { return }
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: false)
        }
        defer { timer.cancel() }
        return await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.end == nil { state.waiting[number] = continuation }
                return state.end != nil
            }
            if isOver { continuation.resume(returning: true) }
        }
    }

    /// Sends a signal to every process of its group; false when there is none. While it was not collected its number
    /// can't be another's.
    @discardableResult
    func signalGroup(_ number: Int32) -> Bool {
        state.withLock { $0.end == nil && kill(-pid, number) == 0 }
    }

    // MARK: On the pipe's thread

    func descriptors() -> [Int32] {
        let (isOver, errorsOpen) = state.withLock { ($0.end != nil, $0.errorsOpen) }
        return isOver ? [] : [handle?.descriptor ?? -1, errorsOpen ? errors : -1]
    }

    var interval: Int32? { (handle?.descriptor ?? -1) < 0 ? 100 : nil }

    func look() {
        readErrors()
        let waiting = state.withLock { state in
            // In one step: a signal must not come between, when the number may be another's already.
            guard state.end == nil, let end = ProcessEnd.collect(pid) else { return [Int: Waiter]().values }
            state.end = end
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }

    private func readErrors() {
        var buffer = [UInt8](repeating: 0, count: 8192)
        // A browser that writes without end must not keep the thread here.
        for _ in 0..<32 {
            let count = read(errors, &buffer, buffer.count)
            if count > 0 {
                state.withLock { $0.tail.add(buffer[..<count]) }
            } else {
                if count == 0 { state.withLock { $0.errorsOpen = false } }
                if count < 0, errno == EINTR { continue }
                return
            }
        }
    }

    func explain(_ reason: String) -> String {
        let (end, said) = state.withLock { ($0.end, $0.tail.summary) }
        var text = reason
        switch end {
        case .exited(let code): text = "it ended with exit code \(code)"
        case .signalled(let number): text = "it was ended by signal \(number)"
        case nil: break
        }
        return said.isEmpty ? text : "\(text). It said: \(said)"
    }

    /// What it said last on standard error, short.
    var said: String { state.withLock { $0.tail.summary } }
}

/// The last lines of a log that may have no end. Pure.
struct LogTail: Sendable, Hashable {
    /// Bytes that are kept.
    static let limit = 8 << 10
    /// Lines that a summary shows.
    static let lines = 3
    /// Characters of a line that a summary shows.
    static let width = 200

    private var bytes: [UInt8] = []

    mutating func add(_ more: some Collection<UInt8>) {
        bytes.append(contentsOf: more)
        if bytes.count > Self.limit { bytes.removeFirst(bytes.count - Self.limit) }
    }

    /// The last lines that tell something, in quotes; empty when there are none. Complaints that every Chromium without
    /// a desktop makes are left out, and so is the prefix with process, time and place in its source.
    var summary: String {
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map(Self.text)
            .filter { line in !line.isEmpty && !Self.noise.contains { line.contains($0) } }
        var distinct: [String] = []
        for line in lines.reversed() where !distinct.contains(line) {
            distinct.insert(line, at: 0)
            if distinct.count == Self.lines { break }
        }
        return distinct.map { "“\($0)”" }.joined(separator: " ")
    }

    private static let noise = [
        "DevTools listening", "Failed to connect to the bus", "Failed to call method: org.freedesktop", "dbus",
        "vaInitialize", "Failed to adjust OOM score", "blink.mojom", "GCM", "PHONE_REGISTRATION",
        "Created TensorFlow", "inotify_init", "ALSA", "gles", "Passthrough is not supported", "Vulkan",
        // Of a distribution's own script around the browser.
        ": unexpected operator",
    ]

    private static func text(_ line: Substring) -> String {
        var line = line
        // [1234:1234:1122/221728.589873:ERROR:dbus/object_proxy.cc:572] Text
        if line.hasPrefix("["), let close = line.firstIndex(of: "]"), line[..<close].contains(":") {
            line = line[line.index(after: close)...].drop { $0 == " " }
        }
        let clean = Redactor().redact(String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.value >= 32 })))
        return clean.count > width ? clean.prefix(width) + "…" : clean
    }
}
