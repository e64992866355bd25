import Foundation
import JarvisCore
import JarvisKit
import JarvisStore
import Logging
import Synchronization

/// A store in a directory of its own below the system's temporary directory, with a clock that moves one millisecond a
/// look.
final class StoreFixture: Sendable {
    let root: String
    let clock: WallClock
    /// Their directories live as long as this one.
    private let copies = Mutex<[StoreFixture]>([])

    var directory: String { root + "/state/store" }
    var file: String { directory + "/jarvis.sqlite" }

    init(start: EpochMilliseconds = 1_780_000_000_000) {
        root = FileManager.default.temporaryDirectory.path + "/jarvis-store-" + Identifiers.randomHex(bytes: 8)
        let time = Counter(start)
        clock = WallClock { time.next() }
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }  // a leftover directory harms nothing

    func open() throws -> Store {
        try Store.open(
            directory: directory, clock: clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What a process that dies now leaves: a copy of the database and its log.
    func crashCopy() throws -> StoreFixture {
        let copy = StoreFixture(start: clock.now())
        try DurableFile.createDirectory(copy.directory)
        for suffix in ["", "-wal"] where DurableFile.exists(file + suffix) {
            try FileManager.default.copyItem(atPath: file + suffix, toPath: copy.file + suffix)
        }
        copies.withLock { $0.append(copy) }
        return copy
    }

    func mode(_ path: String) throws -> Int {
        try (FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int) ?? -1
    }
}

final class Counter: Sendable {
    private let value: Mutex<Int64>
    init(_ start: Int64) { value = Mutex(start) }
    func next() -> Int64 {
        value.withLock {
            $0 += 1
            return $0
        }
    }
}

let mainKey = SessionKey.main()

func user(_ text: String) -> Message { .user(content: [.text(text)], timestamp: 1) }

func answer(_ text: String, usage: Usage = Usage(input: 10, output: 5)) -> AssistantMessage {
    AssistantMessage(
        content: [.text(text)], api: "test", provider: "fake", model: "model-1", usage: usage, timestamp: 2)
}

func inbound(_ runId: String, _ text: String = "hello", key: SessionKey = mainKey, scope: String = "chat")
    -> InboundRequest
{
    InboundRequest(
        runId: runId, sessionKey: key, agentId: key.agentId ?? "main", method: "chat.send", message: user(text),
        request: ["thinking": "low"], dedupeScope: scope)
}

func finish(_ runId: String, _ message: AssistantMessage, status: RunOutcome.Status = .ok) -> RunFinish {
    RunFinish(
        runId: runId,
        outcome: RunOutcome(status: status, message: message, usage: message.usage, startedAt: 3, endedAt: 4),
        entries: [.assistant(message)], summary: "done")
}

extension TranscriptEntry {
    var text: String { message?.plainText ?? "" }
}
