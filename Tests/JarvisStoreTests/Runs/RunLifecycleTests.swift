import JarvisCore
import JarvisKit
import JarvisStore
import Testing

@Suite struct RunLifecycleTests {
    let fixture = StoreFixture()

    @Test func acceptStoresSessionEntryAndRun() async throws {
        let store = try fixture.open()
        guard case .accepted(let run, let entry, let session) = try await store.accept(inbound("r1", "hi")) else {
            return #expect(Bool(false), "not accepted")
        }
        #expect(run.state == .accepted && run.attempts == 0 && run.userEntryId == entry.id)
        #expect(run.request == ["thinking": "low"])
        #expect(session.key == mainKey && session.sessionId == run.sessionId)
        #expect(try await store.run("r1") == run)
        #expect(try await store.entries(mainKey) == [entry])
        #expect(try await store.session(mainKey) == session)
        #expect(entry.id.count == 8 && entry.parentId == nil && entry.text == "hi")
        await store.close()
    }

    @Test func aRepeatedRequestIsADuplicateAndWritesNothing() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("r1"))
        guard case .duplicate(let first) = try await store.accept(inbound("r1", "again")) else {
            return #expect(Bool(false), "accepted twice")
        }
        #expect(first.state == .accepted)
        try await store.finishRun(finish("r1", answer("yes")))
        guard case .duplicate(let second) = try await store.accept(inbound("r1")) else {
            return #expect(Bool(false), "accepted twice")
        }
        #expect(second.state == .ok && second.summary == "done")
        #expect(try await store.entries(mainKey).map(\.text) == ["hello", "yes"])
        let taken = await #expect(throws: JarvisError.self) { try await store.accept(inbound("r1", scope: "other")) }
        #expect(taken?.code == "run.id.taken")
        let empty = await #expect(throws: JarvisError.self) { try await store.accept(inbound("")) }
        #expect(empty?.code == "run.id.invalid")
        await store.close()
    }

    @Test func aRunEndsOnce() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("r1"))
        _ = try await store.beginRun("r1")
        async let first = store.finishRun(finish("r1", answer("one")))
        async let second = store.finishRun(finish("r1", answer("two")))
        let ends = try await [first, second]
        #expect(ends[0] == ends[1])
        #expect(ends[0].state == .ok && ends[0].endedAt == 4)
        #expect(try await store.entries(mainKey).count == 2)
        #expect(try await store.unfinishedRuns().isEmpty)
        for call in ["begin", "append"] {
            let error = await #expect(throws: JarvisError.self) {
                if call == "begin" {
                    _ = try await store.beginRun("r1")
                } else {
                    _ = try await store.append([.message(user("late"))], to: mainKey, runId: "r1")
                }
            }
            #expect(error?.code == "run.ended")
        }
        let unknown = await #expect(throws: JarvisError.self) { try await store.beginRun("nobody") }
        #expect(unknown?.code == "run.unknown")
        await store.close()
    }

    @Test func aWaitingMessageMovesBehindWhatWasSaidMeanwhile() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a", "first"))
        _ = try await store.beginRun("a")
        _ = try await store.accept(inbound("b", "second"))
        #expect(try await store.contextEntries(forRun: "a").map(\.text) == ["first"])
        try await store.finishRun(finish("a", answer("to first")))
        #expect(try await store.entries(mainKey).map(\.text) == ["first", "second", "to first"])
        _ = try await store.beginRun("b")
        try await store.finishRun(finish("b", answer("to second")))
        let entries = try await store.entries(mainKey)
        #expect(entries.map(\.text) == ["first", "to first", "second", "to second"])
        #expect(entries.map(\.parentId) == [nil, entries[0].id, entries[1].id, entries[2].id])
        #expect(try await store.entriesForRun("b").map(\.text) == ["second", "to second"])
        await store.close()
    }

    @Test func anInterruptedRunBeginsAgainWhereItWas() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a", "question"))
        _ = try await store.beginRun("a")
        let calls = AssistantMessage(
            content: [
                .toolCall(ToolCall(id: "c1", name: "read", arguments: [:])),
                .toolCall(ToolCall(id: "c2", name: "exec", arguments: ["command": "date"])),
            ], api: "t", provider: "p", model: "m", stopReason: .toolUse, timestamp: 1)
        let result = ToolResultMessage(
            toolCallId: "c1", toolName: "read", content: [.text("x")], isError: false, timestamp: 1)
        _ = try await store.append(
            [.message(.assistant(calls)), .message(.toolResult(result))], to: mainKey, runId: "a")
        _ = try await store.accept(inbound("b", "waiting"))

        let copy = try fixture.crashCopy()
        let after = try copy.open()
        #expect(after.report.uncleanShutdown && after.report.quarantined == nil)
        #expect(try await after.unfinishedRuns().map(\.runId) == ["a", "b"])
        #expect(try await after.unfinishedRuns().map(\.state) == [.running, .accepted])
        let repaired = try await after.repairOrphanToolCalls(runId: "a")
        guard repaired.count == 1, case .toolResult(let repair)? = repaired[0].message else {
            return #expect(Bool(false), "not repaired")
        }
        #expect(repair.toolCallId == "c2" && repair.isError)
        #expect(try await after.repairOrphanToolCalls(runId: "a").isEmpty)
        #expect(try await after.beginRun("a").attempts == 2)
        #expect(
            try await after.contextEntries(forRun: "a").map(\.text) == ["question", "", "x", repair.content.plainText])
        await after.close()
        await store.close()
    }

    @Test func finishingCountsTokensOnTheSession() async throws {
        let store = try fixture.open()
        for (id, usage) in [("a", Usage(input: 10, output: 5)), ("b", Usage(input: 20, output: 6, cacheRead: 3))] {
            _ = try await store.accept(inbound(id))
            try await store.finishRun(finish(id, answer("x", usage: usage), status: id == "a" ? .ok : .aborted))
        }
        let fields = try await store.session(mainKey)?.fields
        #expect(fields?["inputTokens"] == 30)
        #expect(fields?["outputTokens"] == 11)
        #expect(fields?["totalTokens"] == 29)
        #expect(fields?["modelProvider"] == "fake")
        #expect(fields?["model"] == "model-1")
        #expect(fields?["abortedLastRun"] == true)
        await store.close()
    }

    @Test func anAnswerAfterAResetStaysWithItsQuestion() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a", "old"))
        _ = try await store.beginRun("a")
        _ = try await store.accept(inbound("b", "queued"))
        let reset = try await store.resetSession(mainKey, reason: "new")
        try await store.finishRun(finish("a", answer("old answer")))
        let old = try #require(reset.archivedSessionId)
        #expect(try await store.entries(sessionId: old).map(\.text) == ["old", "queued", "old answer"])
        #expect(try await store.beginRun("b").sessionId == reset.session.sessionId)
        try await store.finishRun(finish("b", answer("new answer")))
        #expect(try await store.entries(sessionId: old).map(\.text) == ["old", "old answer"])
        #expect(try await store.entries(mainKey).map(\.text) == ["queued", "new answer"])
        await store.close()
    }

    @Test func pruningForgetsEndedRunsOnly() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a"))
        _ = try await store.accept(inbound("b"))
        try await store.finishRun(finish("a", answer("x")))
        #expect(try await store.pruneRuns(endedBefore: 5) == 1)
        #expect(try await store.run("a") == nil)
        #expect(try await store.run("b") != nil)
        await store.close()
    }
}
