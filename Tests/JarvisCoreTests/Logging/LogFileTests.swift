import Foundation
import JarvisCore
import Logging
import Testing

@Suite struct LogFileTests {
    private final class Directory {
        let path = NSTemporaryDirectory() + "/jarvis-log-\(Identifiers.randomHex(bytes: 6))"
        var log: String { "\(path)/logs/gateway.log" }
        deinit { try? FileManager.default.removeItem(atPath: path) }

        func lines(_ suffix: String = "") throws -> [JSONValue] {
            try String(decoding: DurableFile.read(log + suffix), as: UTF8.self)
                .split(separator: "\n").map { try JSONParser.parse(String($0)) }
        }
    }

    private let directory = Directory()
    private let clock = WallClock { 1_700_000_000_123 }

    private func logger(_ sinks: [any LogSink], redactor: Redactor = Redactor()) -> Logger {
        Logger(label: "gateway") { SinkLogHandler(label: $0, sinks: sinks, redactor: redactor, clock: clock) }
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func writesOneObjectALine() throws {
        let file = LogFile(path: directory.log)
        var logger = logger([file])
        logger[metadataKey: "run"] = "r1"
        logger.info("Listening", metadata: ["port": "18789", "list": ["a", "b"], "map": ["token": "x", "n": "1"]])
        logger.debug("hidden")
        file.flush()
        let line = try #require(try directory.lines().first)
        #expect(try directory.lines().count == 1)
        #expect(line["time"]?.stringValue == "2023-11-14T22:13:20.123Z")
        #expect(line["level"] == "info" && line["subsystem"] == "gateway" && line["message"] == "Listening")
        #expect(line["meta"]?["port"] == "18789" && line["meta"]?["run"] == "r1" && line["meta"]?["list"] == "[a, b]")
        #expect(line["meta"]?["map"] == "{n: 1, token: ***}")
        #expect(mode(directory.log) == 0o600 && mode("\(directory.path)/logs") == 0o700)
    }

    @Test func poisonStaysInsideItsField() throws {
        let redactor = Redactor()
        redactor.register("canary-secret")
        let file = LogFile(path: directory.log)
        let evil = "a\"}\n{\"level\":\"fatal\"\r\u{1B}[31m\u{9B}\u{2028}\u{202E}\u{0}"
        logger([file], redactor: redactor).warning(
            "\(evil) canary-secret",
            metadata: [
                "agent": .string(evil), "big": .string(String(repeating: "ü", count: 64 << 10)),
                "url": "http://h/#token=canary-secret", "password": "short", "\(evil)": "x",
            ])
        file.flush()
        let raw = String(decoding: try DurableFile.read(directory.log), as: UTF8.self)
        #expect(raw.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
        #expect(!raw.unicodeScalars.contains { ($0.value < 0x20 && $0 != "\n") || (0x7F...0x9F).contains($0.value) })
        #expect(
            !raw.contains("\u{2028}") && !raw.contains("\u{202E}") && !raw.contains("canary") && !raw.contains("short"))
        let meta = try #require(try directory.lines().first?["meta"])
        #expect(meta["agent"]?.stringValue == evil)
        #expect((240...256).contains(meta["big"]?.stringValue?.utf8.count ?? 0))
        #expect(raw.utf8.count < 4096)
    }

    @Test func longMessagesAreCut() throws {
        let file = LogFile(path: directory.log)
        logger([file]).info("\(String(repeating: "é", count: 20_000))")
        file.flush()
        let message = try #require(try directory.lines().first?["message"]?.stringValue)
        #expect(message.utf8.count <= 4096 && message.hasSuffix("…"))
    }

    @Test func rotatesBySize() throws {
        let file = LogFile(path: directory.log, limits: .init(fileBytes: 400, keptFiles: 2, bufferBytes: 1 << 20))
        for index in 0..<12 {
            logger([file]).info("line", metadata: ["index": "\(index)"])
            file.flush()
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/logs").sorted()
        #expect(names == ["gateway.log", "gateway.log.1", "gateway.log.2"])
        #expect(try directory.lines().last?["meta"]?["index"] == "11")
        for name in names { #expect(mode("\(directory.path)/logs/\(name)") == 0o600) }
        #expect(file.droppedLines == 0)
    }

    @Test func plantedLinksAreReplaced() throws {
        for isHard in [true, false] {
            let directory = Directory()
            try DurableFile.createDirectory("\(directory.path)/logs")
            let victim = "\(directory.path)/victim"
            try DurableFile.write(Array("precious".utf8), to: victim)
            chmod(victim, 0o644)
            #expect((isHard ? link(victim, directory.log) : symlink(victim, directory.log)) == 0)
            let file = LogFile(path: directory.log)
            logger([file]).info("hello")
            file.flush()
            #expect(try DurableFile.read(victim) == Array("precious".utf8))
            #expect(mode(victim) == 0o644 && mode(directory.log) == 0o600)
            #expect(try directory.lines().count == 1)
        }
    }

    @Test func anOpenLogIsTightenedAndAMovedOneReopened() throws {
        try DurableFile.createDirectory("\(directory.path)/logs")
        try DurableFile.write(Array("{}\n".utf8), to: directory.log, mode: 0o644)
        let file = LogFile(path: directory.log)
        logger([file]).info("one")
        file.flush()
        #expect(mode(directory.log) == 0o600)
        rename(directory.log, directory.log + ".old")
        logger([file]).info("two")
        file.flush()
        #expect(try directory.lines().map { $0["message"] } == ["two"])
        #expect(try directory.lines(".old").count == 2)
    }

    @Test func whatTheDiskRefusesIsCountedAndReportedLater() throws {
        try DurableFile.createDirectory(directory.path)
        try DurableFile.write([], to: "\(directory.path)/logs")
        let file = LogFile(path: directory.log)
        logger([file]).info("one")
        logger([file]).info("two")
        file.flush()
        #expect(file.droppedLines == 2)
        unlink("\(directory.path)/logs")
        logger([file]).info("three")
        file.flush()
        let lines = try directory.lines()
        #expect(lines.map { $0["message"] } == ["three", "Log lines were dropped"])
        #expect(lines.last?["meta"]?["count"] == "2")
    }

    @Test func aFifoInTheWayBlocksNothing() throws {
        try DurableFile.createDirectory("\(directory.path)/logs")
        #expect(mkfifo(directory.log, 0o600) == 0)
        let file = LogFile(path: directory.log)
        logger([file]).info("one")
        file.flush()
        #expect(file.droppedLines == 1)
    }

    @Test func aFullDiskStopsNothing() throws {
        let file = LogFile(path: "/dev/full")
        logger([file]).info("one")
        file.flush()
        #expect(file.droppedLines == 1)
    }

    @Test func theBufferIsBounded() throws {
        let file = LogFile(path: directory.log, limits: .init(bufferBytes: 64))
        logger([file]).info("longer than the whole buffer can ever hold, so it is dropped")
        file.flush()
        #expect(file.droppedLines == 1)
        #expect(try directory.lines().map { $0["message"] } == ["Log lines were dropped"])
    }

    @Test func levelsChangeAtRunTime() throws {
        let file = LogFile(path: directory.log, threshold: .silent)
        let recent = RecentLogs(capacity: 2, threshold: .warn)
        let logger = logger([file, recent])
        logger.critical("nobody but the recent lines hears this")
        logger.info("nobody")
        file.setThreshold(.trace)
        logger.trace("heard")
        for index in 0..<3 { logger.error("\(index)") }
        file.flush()
        #expect(try directory.lines().map { $0["message"] } == ["heard", "0", "1", "2"])
        #expect(recent.records.map(\.message) == ["1", "2"])
    }
}
