import JarvisCore
import JarvisKit
import JarvisTestSupport
import Logging
import Synchronization
import Testing

@testable import JarvisAgent

/// A one-shot gate between a test and the code under test.
final class Gate: Sendable {
    private let state = Mutex<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct RunDriverTests {
    private let journal = MemoryJournal()
    private let model = ModelDescriptor(provider: "p", id: "m", api: "x", contextWindow: 4000)
    private let request = RunRequest(runId: "r", sessionKey: .main(), agentId: "main")

    private func driver(
        _ turns: any TurnRunner, tools: [any Tool] = [], monotonic: MonotonicClock = InstantClock().clock(),
        limits: RunLimits = RunLimits()
    ) -> RunDriver {
        RunDriver(
            journal: journal, clock: WallClock { 9 }, monotonic: monotonic, limits: limits,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { [model] _ in RunSetup(model: model, turns: turns, system: "s", tools: tools, workspace: "/w") }
    }

    private func outcome(_ end: RunEnd) -> RunOutcome? {
        if case .ended(let outcome) = end { return outcome }
        return nil
    }

    @Test func answersAndStoresBeforeItTells() async {
        journal.accept("r", "hello")
        let log = EventLog { [journal] event in
            if case .ended = event { journal.note("told") }
        }
        let provider = ScriptedProvider(text: "hi")
        let end = await driver(provider).run(request, stop: RunStop(), listener: log.listener)
        #expect(outcome(end)?.status == .ok)
        #expect(log.names == ["started", "assistant hi", "ended ok"])
        #expect(journal.log == ["begin r", "finish r ok", "told"])
        #expect(journal.texts() == ["user:hello", "assistant:hi"])
        #expect(provider.requests.first?.messages.map(\.plainText) == ["hello"])
    }

    @Test func toolLoopStoresEveryStep() async {
        journal.accept("r", "go")
        let tool = FakeTool("look") { _ in .text("seen") }
        let provider = ScriptedProvider([
            ScriptedProvider.calls(ToolCall(id: "1", name: "look", arguments: ["a": 1])),
            ScriptedProvider.answer("done"),
        ])
        let log = EventLog()
        let end = await driver(provider, tools: [tool]).run(request, stop: RunStop(), listener: log.listener)
        #expect(outcome(end)?.usage == Usage(input: 8, output: 3))
        #expect(tool.calls == [["a": 1]])
        #expect(log.names == ["started", "tool look", "tool-end look", "assistant done", "ended ok"])
        #expect(journal.texts() == ["user:go", "assistant:", "tool:seen", "assistant:done"])
        #expect(provider.requests.last?.messages.count == 3)
    }

    @Test func aThrowingToolBecomesAnErrorResult() async {
        journal.accept("r", "go")
        let tool = FakeTool("look") { _ in throw JarvisError("x.y", "It broke.") }
        let provider = ScriptedProvider([
            ScriptedProvider.calls(ToolCall(id: "1", name: "look", arguments: [:])), ScriptedProvider.answer("sorry"),
        ])
        _ = await driver(provider, tools: [tool]).run(request, stop: RunStop(), listener: EventLog().listener)
        #expect(journal.texts().contains("tool:It broke."))
    }

    @Test func anAbortKeepsTheText() async {
        journal.accept("r", "go")
        let stop = RunStop()
        let log = EventLog { event in
            if case .assistant = event { stop.signal(.user) }
        }
        let provider = ScriptedProvider([[.event(.textDelta("half")), .hang]])
        let end = await driver(provider).run(request, stop: stop, listener: log.listener)
        #expect(outcome(end)?.status == .aborted)
        #expect(outcome(end)?.message?.stopReason == .aborted)
        #expect(journal.texts().last == "assistant:half")
        #expect(log.names.last == "ended aborted")
    }

    @Test func anAbortFreesTheLaneFromAModelThatIgnoresCancellation() async {
        journal.accept("r", "go")
        let stop = RunStop()
        let log = EventLog { event in
            if case .assistant = event { stop.signal(.user) }
        }
        let provider = ScriptedProvider([
            [.event(.textDelta("half")), .hangHard, .event(.textDelta(" late")), .event(.finished(.stop))]
        ])
        let end = await driver(provider).run(request, stop: stop, listener: log.listener)
        #expect(outcome(end)?.status == .aborted)
        provider.release()
        await Task.yield()
        #expect(log.names == ["started", "assistant half", "ended aborted"])
    }

    @Test func anAbortFreesTheLaneFromAToolThatIgnoresCancellation() async {
        journal.accept("r", "go")
        let stop = RunStop()
        let gate = Gate()
        let tool = FakeTool("look") { _ in
            stop.signal(.user)
            await gate.wait()
            return .text("late")
        }
        let provider = ScriptedProvider([ScriptedProvider.calls(ToolCall(id: "1", name: "look", arguments: [:]))])
        let end = await driver(provider, tools: [tool]).run(request, stop: stop, listener: EventLog().listener)
        #expect(outcome(end)?.status == .aborted)
        #expect(journal.texts() == ["user:go", "assistant:", "tool:Stopped before it was done."])
        gate.open()
    }

    @Test func theDeadlineEndsASilentRun() async {
        journal.accept("r", "go")
        let time = ManualClock()
        let provider = ScriptedProvider([[.event(.textDelta("so")), .hang]])
        let driver = driver(provider, monotonic: time.clock)
        let begun = Gate()
        let log = EventLog { event in
            if case .assistant = event { begun.open() }
        }
        async let end = driver.run(request, stop: RunStop(), listener: log.listener)
        await begun.wait()
        await time.sleepers(1)
        time.advance(.seconds(600))
        let result = await outcome(end)
        #expect(result?.status == .error)
        #expect(result?.errorMessage == "The run took longer than 600 s and was stopped.")
        #expect(result?.message?.content.plainText == "so")
    }

    @Test func shutdownLeavesTheRunOpen() async {
        journal.accept("r", "go")
        let stop = RunStop()
        let log = EventLog { event in
            if case .assistant = event { stop.signal(.shutdown) }
        }
        let provider = ScriptedProvider([[.event(.textDelta("half")), .hang]])
        let end = await driver(provider).run(request, stop: stop, listener: log.listener)
        #expect(outcome(end) == nil)
        #expect(journal.finished.isEmpty)
        #expect(log.names == ["started", "assistant half"])
        #expect(journal.texts() == ["user:go"])
    }

    @Test func aRunInterruptedInAToolGoesOnWhereItStopped() async {
        journal.accept("r", "go")
        let call = AssistantMessage(
            content: [
                .toolCall(ToolCall(id: "1", name: "send", arguments: [:])),
                .toolCall(ToolCall(id: "2", name: "look", arguments: [:])),
            ], api: "x", provider: "p", model: "m", stopReason: .toolUse, timestamp: 2)
        try? await journal.append([.assistant(call)], runId: "r", sessionKey: .main())
        let send = FakeTool("send", ToolAssessment(.outside, "Send"))
        journal.noteBeginning("1", runId: "r")
        let look = FakeTool("look")
        let provider = ScriptedProvider(text: "done")
        _ = await driver(provider, tools: [send, look]).run(request, stop: RunStop(), listener: EventLog().listener)
        #expect(send.calls.isEmpty)
        #expect(look.calls.count == 1)
        #expect(provider.requests.first?.messages.count == 4)
        #expect(journal.texts().last == "assistant:done")
    }

    @Test func aRunThatEndedIsNotRunAgain() async throws {
        journal.accept("r", "go")
        let provider = ScriptedProvider(text: "hi")
        _ = await driver(provider).run(request, stop: RunStop(), listener: EventLog().listener)
        let log = EventLog()
        _ = await driver(provider).run(request, stop: RunStop(), listener: log.listener)
        #expect(provider.requests.count == 1)
        #expect(log.names == ["ended error"])
        #expect(journal.texts() == ["user:go", "assistant:hi"])
    }

    @Test func storingIsTriedAgain() async {
        journal.accept("r", "go")
        journal.failNextFinishes(2)
        let end = await driver(ScriptedProvider(text: "hi")).run(
            request, stop: RunStop(), listener: EventLog().listener)
        #expect(outcome(end)?.status == .ok)
    }

    @Test func whatCannotBeStoredIsSaidAndStaysOpen() async {
        journal.accept("r", "go")
        journal.failNextFinishes(99)
        let log = EventLog()
        let end = await driver(ScriptedProvider(text: "hi")).run(request, stop: RunStop(), listener: log.listener)
        #expect(outcome(end) == nil)
        guard case .ended(let told) = log.events.last else {
            Issue.record("nobody was told")
            return
        }
        #expect(told.status == .error)
        #expect(told.errorMessage == "The answer could not be stored: The disk is full.")
    }

    @Test func aSetupThatFailsIsTold() async {
        journal.accept("r", "go")
        let driver = RunDriver(
            journal: journal, monotonic: InstantClock().clock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in throw JarvisError("workspace.create", "The workspace can't be created.") }
        let end = await driver.run(request, stop: RunStop(), listener: EventLog().listener)
        #expect(outcome(end)?.errorMessage == "The workspace can't be created.")
    }

    @Test func aStopWhileTheRunIsPreparedIsNoFailure() async {
        journal.accept("r", "go")
        let stop = RunStop()
        let driver = RunDriver(
            journal: journal, monotonic: InstantClock().clock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in
            stop.signal(.user)
            throw CancellationError()
        }
        let end = await driver.run(request, stop: stop, listener: EventLog().listener)
        #expect(outcome(end)?.status == .aborted)
    }

    @Test func anOverflowingConversationIsShortened() async {
        for number in 0..<40 {
            journal.accept("old-\(number)", String(repeating: "word ", count: 50))
        }
        journal.accept("r", "now")
        let provider = ScriptedProvider([
            [.fail(ProviderError(.contextOverflow, "too long"))], [.fail(ProviderError(.contextOverflow, "too long"))],
            ScriptedProvider.answer("ok"),
        ])
        let end = await driver(provider).run(request, stop: RunStop(), listener: EventLog().listener)
        #expect(outcome(end)?.status == .ok)
        let sizes = provider.requests.map(\.messages.count)
        #expect(sizes.count == 3 && sizes[1] < sizes[0] && sizes[2] < sizes[1])
        #expect(provider.requests[2].messages.last?.plainText == "now")
    }
}
