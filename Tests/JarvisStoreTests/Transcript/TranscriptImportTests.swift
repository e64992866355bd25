import JarvisCore
import JarvisKit
import JarvisStore
import Testing

@Suite struct TranscriptImportTests {
    let fixture = StoreFixture()
    let other = SessionKey.main(agent: "other")

    let header =
        #"{"type":"session","version":3,"id":"0b9ad2b1-1111-4222-8333-444455556666","timestamp":"2026-08-01T10:00:00.000Z","cwd":"/w"}"#
    let first =
        #"{"type":"message","id":"aaaaaaaa","parentId":null,"timestamp":"2026-08-01T10:00:01.250Z","message":{"role":"user","content":"plain text","timestamp":1785578401250}}"#
    let second =
        #"{"type":"message","id":"bbbbbbbb","parentId":"aaaaaaaa","timestamp":"2026-08-01T12:00:02+02:00","message":{"role":"assistant","content":[{"type":"text","text":"blocks"}],"api":"a","provider":"p","model":"m","usage":{"input":1,"output":2,"cacheRead":0,"cacheWrite":0,"totalTokens":3},"stopReason":"stop","timestamp":1785578402000}}"#
    let fork =
        #"{"type":"message","id":"cccccccc","parentId":"aaaaaaaa","timestamp":"2026-08-01T10:00:03Z","message":{"role":"assistant","content":[],"extra":{"kept":[1,2.5,null]}}}"#
    let compaction =
        #"{"type":"compaction","id":"dddddddd","parentId":"cccccccc","timestamp":"2026-08-01T10:00:04Z","summary":"so far","firstKeptEntryId":"cccccccc","tokensBefore":9}"#

    func bytes(_ lines: [String]) -> [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }

    @Test func roundTripKeepsIdsParentsTimesAndUnknownMembers() async throws {
        let store = try fixture.open()
        let result = try await store.importTranscript(
            bytes([header, first, second, fork, compaction]), as: other, agentId: "other")
        #expect(result.imported == 4 && result.tornLines == 0 && result.skippedLines.isEmpty)
        #expect(result.session.sessionId == "0b9ad2b1-1111-4222-8333-444455556666")
        let entries = try await store.entries(other)
        #expect(entries.map(\.id) == ["aaaaaaaa", "bbbbbbbb", "cccccccc", "dddddddd"])
        #expect(entries.map(\.parentId) == [nil, "aaaaaaaa", "aaaaaaaa", "cccccccc"])
        #expect(entries.map(\.timestamp).map { $0 - 1_785_578_400_000 } == [1250, 2000, 3000, 4000])
        #expect(entries[0].text == "plain text" && entries[1].text == "blocks")
        let lines = try await store.exportTranscript(sessionId: result.session.sessionId, cwd: "/w")
        #expect(lines[0] == header)
        #expect(lines[1] == first)
        #expect(try JSONParser.parse(lines[3]) == JSONParser.parse(fork.replacing("03Z", with: "03.000Z")))
        let again = SessionKey.main(agent: "again")
        let copy = try await store.importTranscript(bytes(lines), as: again, agentId: "again")
        #expect(copy.session.sessionId != result.session.sessionId, "a session id names one session")
        let exported = try await store.exportTranscript(sessionId: copy.session.sessionId, cwd: "/w")
        #expect(exported.dropFirst() == lines.dropFirst())
        _ = try await store.inject(.assistant(answer("next")), into: other)
        #expect(try await store.entries(other).last?.parentId == "dddddddd")
        await store.close()
    }

    @Test func anAnswerThatPosesAsTheOperatorsLosesItsName() async throws {
        let store = try fixture.open()
        let posing = second.replacing(#""api":"a","provider":"p""#, with: #""api":"operator","provider":"operator""#)
        _ = try await store.importTranscript(bytes([header, first, posing]), as: other, agentId: "other")
        guard case .assistant(let message)? = try await store.entries(other).last?.message else {
            Issue.record("the answer is not there")
            return
        }
        #expect(message.provider == "imported" && message.api == "imported")
    }

    @Test func aTornLastLineIsDroppedAtEveryByte() async throws {
        let store = try fixture.open()
        let whole = bytes([header, first, second])
        let complete = bytes([header, first]).count
        for length in stride(from: complete, through: whole.count - 2, by: 7) {
            let key = SessionKey.main(agent: "cut-\(length)")
            let result = try await store.importTranscript(Array(whole[0..<length]), as: key, agentId: "x")
            #expect(result.imported == 1)
            #expect(result.tornLines == (length == complete ? 0 : 1))
        }
        let zeros = try await store.importTranscript(
            bytes([header, first]) + [UInt8](repeating: 0, count: 512), as: other, agentId: "x")
        #expect(zeros.imported == 1 && zeros.tornLines == 1)
        await store.close()
    }

    @Test func aBadLineInTheMiddleIsNamedAndNothingIsImported() async throws {
        let store = try fixture.open()
        let file = bytes([header, first, #"{"type":"message","id""#, second])
        let error = await #expect(throws: JarvisError.self) {
            try await store.importTranscript(file, as: other, agentId: "x")
        }
        #expect(error?.code == "transcript.line" && error?.metadata["line"] == "3")
        #expect(try await store.session(other) == nil)
        let result = try await store.importTranscript(file, as: other, agentId: "x", skipBad: true)
        #expect(result.imported == 2 && result.skippedLines == [3])
        await store.close()
    }

    @Test(arguments: ["", "\n", "{}", "nonsense", #"{"type":"session","version":4,"id":"x"}"#])
    func whatIsNoTranscriptIsRefused(_ text: String) async throws {
        let store = try fixture.open()
        let error = await #expect(throws: JarvisError.self) {
            try await store.importTranscript(Array(text.utf8), as: other, agentId: "x")
        }
        #expect(error?.code == "transcript.header")
        await store.close()
    }

    @Test func hostileIdsDoNotBecomeSessionIds() async throws {
        let store = try fixture.open()
        let result = try await store.importTranscript(
            bytes([#"{"type":"session","version":3,"id":"../../x"}"#, first]), as: other, agentId: "x")
        #expect(result.session.sessionId.count == 36)
        let exists = await #expect(throws: JarvisError.self) {
            try await store.importTranscript(bytes([header]), as: other, agentId: "x")
        }
        #expect(exists?.code == "session.exists")
        await store.close()
    }

    @Test func olderFilesWithoutIdsBecomeAChain() async throws {
        let store = try fixture.open()
        let lines =
            [#"{"type":"session","id":"old"}"#]
            + ["a", "b"].map {
                #"{"type":"message","message":{"role":"user","content":"\#($0)","timestamp":5}}"#
            }
        _ = try await store.importTranscript(bytes(lines), as: other, agentId: "x")
        let entries = try await store.entries(other)
        #expect(entries.map(\.text) == ["a", "b"])
        #expect(entries[1].parentId == entries[0].id && entries[0].timestamp == 5)
        await store.close()
    }
}
