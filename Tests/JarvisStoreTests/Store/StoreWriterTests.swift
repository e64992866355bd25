import JarvisCore
import JarvisKit
import Testing

@testable import JarvisStore

@Suite struct StoreWriterTests {
    let fixture = StoreFixture()

    @Test func aThousandConcurrentAcceptsAreAllDurableAndOrdered() async throws {
        let store = try fixture.open()
        let sessions = 20
        try await withThrowingTaskGroup(of: Void.self) { group in
            for session in 0..<sessions {
                let key = SessionKey.main(agent: "a\(session)")
                group.addTask {
                    for number in 0..<50 {
                        _ = try await store.accept(inbound("s\(session)-\(number)", "\(number)", key: key))
                    }
                }
            }
            try await group.waitForAll()
        }
        let after = try fixture.crashCopy().open()
        #expect(try await after.unfinishedRuns().count == 1000)
        for session in 0..<sessions {
            let texts = try await after.entries(SessionKey.main(agent: "a\(session)")).map(\.text)
            #expect(texts == (0..<50).map { "\($0)" })
        }
        await after.close()
        await store.close()
    }

    @Test func oneKeyAtOnceFromManyIsAcceptedOnce() async throws {
        let store = try fixture.open()
        let accepted = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    if case .accepted = try await store.accept(inbound("same")) { return true }
                    return false
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 1)
        #expect(try await store.entries(mainKey).count == 1)
        await store.close()
    }

    @Test func aFailingJobUndoesOnlyItself() async throws {
        let store = try fixture.open()
        struct Refused: Error {}
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<50 {
                group.addTask {
                    // The outcome of each is checked by what is stored below.
                    _ = try? await store.write { database in
                        try database.run("INSERT INTO meta VALUES (?, 'x')", .text("k\(number)"))
                        if number % 2 == 0 { throw Refused() }
                    }
                }
            }
        }
        for number in 0..<50 { #expect((try await store.meta("k\(number)") == nil) == (number % 2 == 0)) }
        await store.close()
    }

    @Test func aConstraintIsAnErrorOfItsCallerOnly() async throws {
        let store = try fixture.open()
        let error = await #expect(throws: JarvisError.self) {
            try await store.write { database in
                try database.run("INSERT INTO meta VALUES ('a', 'x')")
                try database.run("INSERT INTO meta VALUES ('a', 'x')")
            }
        }
        #expect(error?.code == "store.statement")
        #expect(try await store.meta("a") == nil)
        #expect(store.failure == nil)
        await store.close()
    }

    @Test func aFullDiskRefusesAndRecovers() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("before"))
        _ = try await store.write { database in
            let pages = try database.row("PRAGMA page_count") { $0.int(0) } ?? 0
            _ = try database.rows(built: "PRAGMA max_page_count = \(pages)", []) { $0.int(0) }
        }
        let big = String(repeating: "z", count: 100_000)
        let error = await #expect(throws: JarvisError.self) { try await store.accept(inbound("big", big)) }
        #expect(error?.code == "store.full")
        #expect(store.failure == nil)
        #expect(try await store.run("big") == nil)
        #expect(try await store.run("before") != nil)
        _ = try await store.write { database in
            _ = try database.rows(built: "PRAGMA max_page_count = 1000000", []) { $0.int(0) }
        }
        guard case .accepted = try await store.accept(inbound("big", big)) else {
            return #expect(Bool(false), "not accepted")
        }
        await store.close()
    }

    @Test func afterAFailedDiskNothingIsAcceptedUntilReopened() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("before"))
        let failed = SQLiteError(
            code: 10 | (4 << 8), message: "disk I/O error", systemError: 5, doing: "step")
        #expect(failed.family == .disk)
        let first = await #expect(throws: JarvisError.self) {
            try await store.write { _ in throw failed }
        }
        #expect(first?.code == "store.failed")
        let second = await #expect(throws: JarvisError.self) { try await store.accept(inbound("after")) }
        #expect(second?.code == "store.failed")
        #expect(store.failure?.code == "store.failed")
        #expect(try await store.run("before") != nil, "reads go on")
        await store.close()
        let again = try fixture.open()
        #expect(again.report.uncleanShutdown)
        #expect(try await again.run("after") == nil)
        _ = try await again.accept(inbound("after"))
        await again.close()
    }

    @Test func whatAResultCodeMeans() {
        func expect(_ code: Int32, errno: Int32 = 0, _ family: SQLiteError.Family) {
            #expect(SQLiteError(code: code, message: "", systemError: errno, doing: "").family == family)
        }
        expect(13, .full)
        expect(10 | (19 << 8), .full)
        expect(10 | (3 << 8), errno: 122, .full)
        expect(10 | (4 << 8), errno: 28, .disk)
        expect(10 | (5 << 8), errno: 28, .disk)
        expect(11, .corrupt)
        expect(26, .corrupt)
        expect(5, .busy)
        expect(19, .statement)
    }

    @Test func logIsMovedIntoTheDatabase() async throws {
        let store = try fixture.open()
        let text = String(repeating: "w", count: 1 << 20)
        for number in 0..<12 { _ = try await store.accept(inbound("r\(number)", text)) }
        #expect(try DurableFile.read(fixture.file).count > 8 << 20)
        #expect(try await store.entries(mainKey).map(\.text.utf8.count) == Array(repeating: 1 << 20, count: 12))
        await store.close()
    }

    @Test func anyTextIsKept() async throws {
        let store = try fixture.open()
        for (number, text) in ["", "a\0b\0", "\u{FEFF}x", "😀\u{301}", "\"'\\\n\u{7F}"].enumerated() {
            _ = try await store.accept(inbound("r\(number)\0", text))
            #expect(try await store.entriesForRun("r\(number)\0").map(\.text) == [text])
            try await store.setMeta(text, text)
            #expect(try await store.meta(text) == text)
        }
        await store.close()
    }
}
