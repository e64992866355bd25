import JarvisCore
import JarvisKit
import JarvisTestSupport
import Logging
import Synchronization
import Testing

@testable import JarvisAgent

/// A gate that does what the test says and remembers what it was asked.
private final class ScriptedGate: ToolGate {
    let verdict: ToolVerdict
    let answer: @Sendable (ApprovalRequest) async -> ToolVerdict
    private let seen = Mutex<[ApprovalRequest]>([])

    var asked: [ApprovalRequest] { seen.withLock { $0 } }

    init(
        _ verdict: ToolVerdict = .ask,
        answer: @escaping @Sendable (ApprovalRequest) async -> ToolVerdict = { _ in .run(why: "allow-once by me") }
    ) {
        self.verdict = verdict
        self.answer = answer
    }

    func judge(_ assessment: ToolAssessment, of request: ApprovalRequest) async -> ToolVerdict { verdict }

    func ask(_ request: ApprovalRequest) async -> ToolVerdict {
        seen.withLock { $0.append(request) }
        return await answer(request)
    }
}

@Suite(.timeLimit(.minutes(1))) struct ToolRunnerTests {
    private let journal = MemoryJournal()
    private let risky = ToolAssessment(.outside, "Send it", needsApproval: true)

    private func run(
        _ call: ToolCall, tools: [any Tool], gate: any ToolGate = UnattendedGate(), stop: RunStop = RunStop(),
        log: EventLog = EventLog(), monotonic: MonotonicClock = InstantClock().clock()
    ) async throws -> ToolResult {
        let model = ModelDescriptor(provider: "p", id: "m", api: "x", input: ["text", "image"])
        let setup = RunSetup(
            model: model, turns: ScriptedProvider(text: "x"), system: "s", tools: tools, workspace: "/w", gate: gate)
        let runner = ToolRunner(
            request: RunRequest(runId: "r", sessionKey: .main(), agentId: "main"), setup: setup, stop: stop,
            listener: log.listener, journal: journal, monotonic: monotonic, limits: RunLimits())
        return try await runner.run(call)
    }

    private func call(_ name: String = "send", _ arguments: JSONValue = ["to": "ada"]) -> ToolCall {
        ToolCall(id: "c", name: name, arguments: arguments)
    }

    @Test func aReadRunsWithoutARecord() async throws {
        let tool = FakeTool("look")
        #expect(try await run(call("look"), tools: [tool]) == .text("done"))
        #expect(journal.log.isEmpty)
    }

    @Test func whatActsIsRecordedFirst() async throws {
        let tool = FakeTool("send", ToolAssessment(.outside, "Send it")) { [journal] _ in
            journal.note("called")
            return .text("sent")
        }
        _ = try await run(call(), tools: [tool])
        #expect(journal.log == ["begins send outside: no approval needed", "called"])
    }

    @Test func whatIsApprovedIsWhatRuns() async throws {
        let tool = FakeTool("send", risky)
        let gate = ScriptedGate()
        let log = EventLog()
        #expect(try await run(call(), tools: [tool], gate: gate, log: log) == .text("done"))
        let asked = try #require(gate.asked.first)
        #expect(asked.text == #"send {"to":"ada"}"# && asked.callId == "c" && asked.runId == "r")
        let same = ApprovalRequest.fingerprint(
            ToolCall(id: "other", name: "send", arguments: tool.calls[0]), agentId: "main", workspace: "/w")
        #expect(asked.fingerprint == same)
        #expect(log.names == ["notice"])
        #expect(journal.log == ["begins send outside: allow-once by me"])
    }

    @Test func aRefusalIsToldAndNothingBegins() async throws {
        let tool = FakeTool("send", risky)
        for gate in [ScriptedGate(.refuse("no")), ScriptedGate(.ask) { _ in .refuse("no") }] {
            #expect(try await run(call(), tools: [tool], gate: gate) == .text("no", isError: true))
        }
        let alone = try await run(call(), tools: [tool])
        #expect(alone.isError && alone.content.plainText.contains("nobody can be asked"))
        #expect(tool.calls.isEmpty && journal.log.isEmpty)
    }

    @Test func whatCannotBeShownIsNotAsked() async throws {
        let tool = FakeTool("send", risky)
        let gate = ScriptedGate()
        let long = call("send", ["text": .string(String(repeating: "x", count: ApprovalRequest.maximumText))])
        #expect(try await run(long, tools: [tool], gate: gate).isError)
        #expect(gate.asked.isEmpty && tool.calls.isEmpty)
    }

    @Test func odditiesOfModelsAreTold() async throws {
        let tool = FakeTool("send")
        #expect(try await run(call("fly"), tools: [tool]).isError)
        #expect(try await run(call("send", .string("to ada")), tools: [tool]).isError)
        #expect(tool.calls.isEmpty)
    }

    @Test func aStopTakesTheQuestionBack() async throws {
        let stop = RunStop()
        let gate = ScriptedGate(.ask) { _ in
            stop.signal(.user)
            try? await Task.sleep(for: .seconds(60))  // cancelled by the stop
            return .run(why: "too late")
        }
        let tool = FakeTool("send", risky)
        #expect(try await run(call(), tools: [tool], gate: gate, stop: stop).isError)
        #expect(tool.calls.isEmpty && journal.log.isEmpty)
    }

    @Test func aCallHasItsOwnDeadline() async throws {
        let time = ManualClock()
        let tool = FakeTool("send", ToolAssessment(.outside, "Send it"), timeLimit: .seconds(30)) { _ in
            try await Task.sleep(for: .seconds(3600))
            return .text("never")
        }
        async let result = run(call(), tools: [tool], monotonic: time.clock)
        await time.sleepers(1)
        time.advance(.seconds(30))
        let text = try await result.content.plainText
        #expect(text.contains("stopped") && text.contains("may have taken effect"))
    }

    @Test func resultsAreBoundedAndNeverEmpty() {
        var limits = RunLimits()
        limits.toolResultBytes = 10
        limits.toolResultImages = 1
        limits.toolImageBytes = 4
        let picture = ContentBlock.image(data: "QUJD", mimeType: "image/png")
        let large = ContentBlock.image(data: "QUJDQUJD", mimeType: "image/png")
        let bounded = ToolResult(content: [.text("0123456789ab"), picture, large, picture]).bounded(limits)
        #expect(bounded.content.count == 4 && bounded.content[1] == picture)
        let text = bounded.content.plainText
        #expect(text.contains("[cut: 2 of 12 bytes left out]"))
        #expect(text.contains("8 bytes of base64, at most 4") && text.contains("at most 1 images"))
        #expect(ToolResult(content: []).bounded(limits) == .text("(no output)"))
    }
}
