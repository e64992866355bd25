import JarvisCore
import Logging
import Testing

@testable import JarvisCLI

@Suite("Lines held back until the log is ours")
struct HeldLogSinkTests {
    @Test("nothing flows before release; then everything, in order")
    func holding() {
        let target = RecentLogs(capacity: 10, threshold: .info)
        let held = HeldLogSink(target)
        for text in ["one", "two"] { held.write(record(text)) }
        #expect(target.records.isEmpty)
        held.release()
        held.write(record("three"))
        held.release()
        #expect(target.records.map(\.message) == ["one", "two", "three"])
    }

    private func record(_ text: String) -> LogRecord {
        LogRecord(time: 0, level: .info, subsystem: "test", message: text, metadata: [:], redactor: Redactor())
    }
}
