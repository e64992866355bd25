import JarvisCore
import JarvisKit
import JarvisStore
import Testing

@Suite struct SessionTests {
    let fixture = StoreFixture()

    @Test func listFiltersOrdersAndPreviews() async throws {
        let store = try fixture.open()
        let group = try #require(SessionKey("agent:ops:slack:group:c1"))
        let global = try #require(SessionKey("global"))
        _ = try await store.accept(inbound("a", "  What is\nthe \(String(repeating: "long ", count: 30))"))
        _ = try await store.accept(inbound("b", "Deploy?", key: group))
        _ = try await store.accept(inbound("c", "x", key: global))
        try await store.finishRun(finish("b", answer("Done.")))
        _ = try await store.patchSession(group, fields: ["label": "Éclair", "spawnedBy": "agent:main:main"])
        var filter = SessionFilter()
        #expect(try await store.listSessions(filter).map(\.session.key) == [group, mainKey])
        #expect(
            try await store.listSessions(filter).allSatisfy { $0.derivedTitle == nil && $0.lastMessagePreview == nil })
        filter.includeGlobal = true
        filter.includeDerivedTitles = true
        filter.includeLastMessage = true
        let all = try await store.listSessions(filter)
        #expect(all.map(\.session.key) == [group, global, mainKey])
        #expect(all[0].derivedTitle == "Deploy?" && all[0].lastMessagePreview == "Done.")
        #expect(all[2].derivedTitle?.hasPrefix("What is the long long") == true)
        #expect((all[2].derivedTitle?.count ?? 0) <= 60)
        filter.limit = 1
        #expect(try await store.listSessions(filter).count == 1)
        filter = SessionFilter()
        filter.search = "éCLAIR"
        #expect(try await store.listSessions(filter).map(\.session.key) == [group])
        filter.search = nil
        filter.agentId = "main"
        #expect(try await store.listSessions(filter).map(\.session.key) == [mainKey])
        filter.agentId = nil
        filter.spawnedBy = "agent:main:main"
        #expect(try await store.listSessions(filter).map(\.session.key) == [group])
        filter.spawnedBy = nil
        filter.activeMinutes = 1
        #expect(try await store.listSessions(filter).count == 2)
        #expect(try await store.session(label: "Éclair")?.key == group)
        #expect(try await store.session(label: "Éclair", agentId: "main") == nil)
        #expect(try await store.session(sessionId: all[0].session.sessionId)?.key == group)
        #expect(try await store.sessionCount() == 3)
        await store.close()
    }

    @Test func patchSetsClearsAndGuardsLabels() async throws {
        let store = try fixture.open()
        let other = SessionKey.main(agent: "other")
        let unknown = await #expect(throws: JarvisError.self) { try await store.patchSession(other, fields: [:]) }
        #expect(unknown?.code == "session.unknown")
        let patched = try await store.patchSession(
            other, fields: ["label": "x", "thinkingLevel": "high", "sessionId": "evil"], creatingFor: "other")
        #expect(patched.fields == ["label": "x", "thinkingLevel": "high"])
        #expect(try await store.patchSession(other, fields: ["thinkingLevel": .null]).fields == ["label": "x"])
        _ = try await store.ensureSession(mainKey, agentId: "main")
        let taken = await #expect(throws: JarvisError.self) {
            try await store.patchSession(mainKey, fields: ["label": "x"])
        }
        #expect(taken?.code == "session.label.taken")
        _ = try await store.patchSession(other, fields: ["label": "x"])
        try await store.touchSession(mainKey)
        #expect(try await store.listSessions(SessionFilter()).first?.session.key == mainKey)
        await store.close()
    }

    @Test func resetArchivesAndKeepsSettings() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a"))
        try await store.finishRun(finish("a", answer("x")))
        _ = try await store.patchSession(mainKey, fields: ["thinkingLevel": "high"])
        let reset = try await store.resetSession(mainKey, reason: "reset")
        #expect(reset.session.fields == ["modelProvider": "fake", "model": "model-1", "thinkingLevel": "high"])
        #expect(reset.archivedSessionId != reset.session.sessionId)
        #expect(try await store.entries(mainKey).isEmpty)
        let archives = try await store.archives(key: mainKey)
        #expect(archives.map(\.reason) == ["reset"] && archives[0].entries == 2)
        #expect(try await store.entries(sessionId: archives[0].sessionId).count == 2)
        #expect(try await store.purgeArchives(before: .max) == 1)
        #expect(try await store.entries(sessionId: archives[0].sessionId).isEmpty)
        let fresh = try await store.resetSession(.main(agent: "new"), reason: "new", creatingFor: "new")
        #expect(fresh.archivedSessionId == nil)
        await store.close()
    }

    @Test func deleteArchivesAndEndsRuns() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a"))
        let deletion = try await store.deleteSession(mainKey)
        #expect(deletion.deleted && deletion.endedRuns == ["a"])
        #expect(try await store.run("a")?.state == .aborted)
        #expect(try await store.unfinishedRuns().isEmpty)
        #expect(try await store.session(mainKey) == nil)
        #expect(try await store.archives().map(\.reason) == ["deleted"])
        #expect(try await store.deleteSession(mainKey).deleted == false)
        _ = try await store.accept(inbound("b"))
        #expect(try await store.entries(mainKey).count == 1)
        await store.close()
    }

    @Test func compactKeepsTheEndWithoutOrphans() async throws {
        let store = try fixture.open()
        _ = try await store.ensureSession(mainKey, agentId: "main")
        for number in 0..<6 { _ = try await store.inject(user("\(number)"), into: mainKey) }
        let result = ToolResultMessage(
            toolCallId: "c", toolName: "t", content: [.text("r")], isError: false, timestamp: 1)
        _ = try await store.inject(.toolResult(result), into: mainKey)
        for number in 7..<10 { _ = try await store.inject(user("\(number)"), into: mainKey) }
        #expect(try await store.compactSession(mainKey, keepLast: 10).compacted == false)
        let compaction = try await store.compactSession(mainKey, keepLast: 4)
        #expect(compaction.compacted && compaction.kept == 3 && compaction.archived == 7)
        let entries = try await store.entries(mainKey)
        #expect(entries.map(\.text) == ["7", "8", "9"])
        #expect(entries.map(\.parentId) == [nil, entries[0].id, entries[1].id])
        #expect(try await store.archives().map(\.entries) == [7])
        #expect(try await store.entries(mainKey, limit: 2).map(\.text) == ["8", "9"])
        #expect(try await store.entries(mainKey, limit: 1, before: entries[2].seq).map(\.text) == ["8"])
        await store.close()
    }

    @Test func compactKeepsPromisedMessages() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a", "promised"))
        for number in 0..<5 { _ = try await store.inject(user("\(number)"), into: mainKey) }
        _ = try await store.compactSession(mainKey, keepLast: 2)
        #expect(try await store.entries(mainKey).first?.text == "promised")
        await store.close()
    }

    @Test func previews() async throws {
        let store = try fixture.open()
        _ = try await store.accept(inbound("a", String(repeating: "é", count: 100)))
        try await store.finishRun(finish("a", answer("short")))
        let empty = SessionKey.main(agent: "empty")
        _ = try await store.ensureSession(empty, agentId: "empty")
        let previews = try await store.previewSessions([mainKey, empty, .main(agent: "none")], limit: 5, maxChars: 5)
        #expect(previews.map(\.status) == [.ok, .empty, .missing])
        #expect(previews[0].items.map(\.role) == ["user", "assistant"])
        #expect(previews[0].items.map(\.text) == [String(repeating: "é", count: 19) + "…", "short"])
        await store.close()
    }

    @Test func fiveThousandSessionsListWhole() async throws {
        let store = try fixture.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5000 {
                group.addTask {
                    _ = try await store.ensureSession(.main(agent: "a\(number)"), agentId: "a\(number)")
                }
            }
            try await group.waitForAll()
        }
        var filter = SessionFilter()
        #expect(try await store.listSessions(filter).count == 5000)
        filter.search = "agent:a4999:"
        #expect(try await store.listSessions(filter).count == 1)
        await store.close()
    }
}
