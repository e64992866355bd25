import JarvisCore
import Logging
import Synchronization
import Testing

@Suite struct LogConsoleTests {
    private func render(_ style: LogConsole.Style) -> String {
        let box = Box()
        let console = LogConsole(
            style: style, output: { bytes in box.text.withLock { $0 += String(decoding: bytes, as: UTF8.self) } })
        let clock = WallClock { 1_700_000_000_123 }
        let logger = Logger(label: "gateway") {
            SinkLogHandler(label: $0, sinks: [console], redactor: Redactor(), clock: clock)
        }
        logger.warning("Port\u{1B}[2J is busy", metadata: ["port": "18789", "why": "in use"])
        return box.text.withLock { $0 }
    }

    private final class Box: Sendable { let text = Mutex("") }

    @Test func styles() {
        #expect(render(.plain) == "22:13:20 warn  gateway: Port\\u001b[2J is busy port=18789 why=\"in use\"\n")
        #expect(render(.pretty).hasPrefix("\u{1B}[2m22:13:20\u{1B}[0m \u{1B}[33mwarn \u{1B}[0m gateway:"))
        #expect(render(.json).hasPrefix(#"{"time":"2023-11-14T22:13:20.123Z","level":"warn","subsystem":"gateway""#))
    }

    @Test(arguments: [
        ("trace", LogThreshold.trace), ("DEBUG", .debug), ("info", .info), ("notice", .info), ("warn", .warn),
        ("warning", .warn), ("error", .error), ("fatal", .fatal), ("critical", .fatal), ("silent", .silent),
    ])
    func levels(text: String, expected: LogThreshold) { #expect(LogThreshold(text) == expected) }

    @Test func silenceAllowsNothing() {
        #expect(LogThreshold("loud") == nil)
        #expect(!LogThreshold.silent.allows(.critical))
        #expect(LogThreshold.fatal.allows(.critical))
        #expect(!LogThreshold.fatal.allows(.error))
    }
}
