import Foundation
import JarvisCore
import JarvisKit
import JarvisStore
import JarvisTestSupport
import Logging
import Testing

@testable import JarvisAgent

@Suite(.timeLimit(.minutes(1))) struct StoreJournalTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func withStore(_ body: (Store) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.path + "/jarvis-journal-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let store = try Store.open(directory: path, clock: .system, logger: logger)
        try await body(store)
        await store.close()
    }

    private func accept(_ store: Store, _ runId: String, _ text: String) async throws {
        _ = try await store.accept(
            InboundRequest(
                runId: runId, sessionKey: .main(), agentId: "main", method: "chat.send",
                message: .user(content: [.text(text)], timestamp: 1), dedupeScope: "test"))
    }

    private func lanes(_ store: Store, _ turns: any TurnRunner, tools: [any Tool] = []) -> LaneScheduler {
        let model = ModelDescriptor(provider: "p", id: "m", api: "x")
        return LaneScheduler(
            driver: RunDriver(journal: StoreJournal(store: store), logger: logger) { _ in
                RunSetup(model: model, turns: turns, system: "s", tools: tools, workspace: "/w")
            })
    }

    private func request(_ runId: String) -> RunRequest {
        RunRequest(runId: runId, sessionKey: .main(), agentId: "main")
    }

    @Test func runsEndInTheStore() async throws {
        try await withStore { store in
            let provider = ScriptedProvider([
                ScriptedProvider.calls(ToolCall(id: "1", name: "look", arguments: [:])),
                ScriptedProvider.answer("first"), ScriptedProvider.answer("second"),
            ])
            let lanes = lanes(store, provider, tools: [FakeTool("look")])
            // Both are promised before either begins.
            try await accept(store, "r1", "one")
            try await accept(store, "r2", "two")
            for id in ["r1", "r2"] { lanes.submit(request(id), listener: { _ in }) }
            for id in ["r1", "r2"] { _ = await lanes.wait(runId: id, timeout: .seconds(30)) }
            #expect(try await store.run("r1")?.state == .ok)
            #expect(try await store.run("r2")?.summary == "completed")
            #expect(try await store.unfinishedRuns().isEmpty)
            let texts = try await store.entries(.main()).compactMap { $0.message?.plainText }
            #expect(texts == ["one", "", "done", "first", "two", "second"])
            // What waited was not shown to the run before it.
            #expect(provider.requests[0].messages.map(\.plainText) == ["one"])
            #expect(provider.requests[2].messages.map(\.plainText) == ["one", "", "done", "first", "two"])
        }
    }

    @Test func shutdownAndRecoveryAnswerOnce() async throws {
        try await withStore { store in
            try await accept(store, "r", "question")
            let hung = Gate()
            let first = lanes(store, ScriptedProvider([[.event(.textDelta("half")), .hang]]))
            first.submit(request("r"), listener: { event in if case .assistant = event { hung.open() } })
            await hung.wait()
            await first.drain(timeout: .milliseconds(1))
            let open = try await store.unfinishedRuns().map(UnfinishedRun.init)
            #expect(open.map(\.attempts) == [1])

            let plan = RunRecovery.plan(open, now: 9)
            #expect(plan.repeated.map(\.runId) == ["r"])
            let second = lanes(store, ScriptedProvider(text: "answer"))
            second.submit(request("r"), listener: { _ in })
            _ = await second.wait(runId: "r", timeout: .seconds(30))
            let texts = try await store.entries(.main()).compactMap { $0.message?.plainText }
            #expect(texts == ["question", "answer"])
        }
    }

    @Test func aRecordSaysHowToRun() {
        let record = RunRecord(
            runId: "r", sessionKey: .main(), sessionId: "s", agentId: "a", method: "agent",
            request: ["timeoutMs": 1500, "thinking": "low", "extraSystemPrompt": "Be kind."], acceptedAt: 1)
        let request = RunRequest(record)
        #expect(request.timeout == .milliseconds(1500))
        #expect(request.thinking == "low")
        #expect(request.extraSystemPrompt == "Be kind.")
        var other = record
        other.request = ["timeoutMs": -5]
        #expect(RunRequest(other, defaultTimeout: .seconds(3)).timeout == .seconds(3))
    }

    @Test func abortsAreStored() async throws {
        try await withStore { store in
            try await accept(store, "r1", "one")
            try await accept(store, "r2", "two")
            let hung = Gate()
            let lanes = lanes(store, ScriptedProvider([[.event(.textDelta("half")), .hang]]))
            lanes.submit(request("r1"), listener: { event in if case .assistant = event { hung.open() } })
            lanes.submit(request("r2"), listener: { _ in })
            await hung.wait()
            #expect(lanes.abort(session: .main()).count == 2)
            for id in ["r1", "r2"] { _ = await lanes.wait(runId: id, timeout: .seconds(30)) }
            #expect(try await store.run("r1")?.state == .aborted)
            #expect(try await store.run("r2")?.state == .aborted)
            #expect(try await store.unfinishedRuns().isEmpty)
        }
    }
}
