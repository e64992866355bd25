import JarvisCore
import JarvisKit
import Testing

@testable import JarvisAgent

@Suite struct RunStateMachineTests {
    private let model = ModelDescriptor(provider: "p", id: "m", api: "x")

    private func machine(
        tools: Set<String> = ["look", "send"], limits: RunLimits = RunLimits()
    ) -> RunStateMachine {
        RunStateMachine(model: model, tools: tools, limits: limits, clock: WallClock { 7 })
    }

    private func call(_ id: String, _ name: String = "look") -> ToolCall {
        ToolCall(id: id, name: name, arguments: [:])
    }

    /// Feeds a whole turn.
    private func turn(_ machine: inout RunStateMachine, _ events: ProviderEvent...) -> [RunStateMachine.Action] {
        var actions = machine.handle(.turn(.answering(model)))
        for event in events { actions += machine.handle(.turn(.provider(event))) }
        return actions + machine.handle(.turnEnded)
    }

    private func finish(_ actions: [RunStateMachine.Action]) -> (outcome: RunOutcome, entries: [Message])? {
        if case .finish(let outcome, let entries) = actions.last { return (outcome, entries) }
        return nil
    }

    private func told(_ actions: [RunStateMachine.Action]) -> [String] {
        actions.compactMap { action in
            if case .emit(.assistant(let text, let delta)) = action { return "\(text)|\(delta)" }
            return nil
        }
    }

    private func tools(_ actions: [RunStateMachine.Action]) -> [String] {
        actions.compactMap { if case .runTool(let call) = $0 { call.id } else { nil } }
    }

    private func asksModel(_ actions: [RunStateMachine.Action]) -> Bool {
        if case .callModel = actions.last { return true }
        return false
    }

    @Test func answersInOneTurn() throws {
        var machine = machine()
        let begun = machine.handle(.begin(pending: []))
        guard case .emit(.started(7)) = begun.first else {
            Issue.record("no start")
            return
        }
        #expect(asksModel(begun))
        let actions = turn(
            &machine, .thinkingDelta("hm"), .textDelta("Hel"), .textDelta("lo"), .usage(Usage(input: 4, output: 1)),
            .usage(Usage(input: 4, output: 2)), .finished(.stop))
        #expect(told(actions) == ["Hel|Hel", "Hello|lo"])
        let end = try #require(finish(actions))
        #expect(end.outcome.status == .ok)
        #expect(end.outcome.message?.content == [.thinking("hm"), .text("Hello")])
        #expect(end.outcome.usage == Usage(input: 4, output: 2))
        #expect(end.entries.count == 1)
        #expect(machine.handle(.abort).isEmpty)
    }

    @Test func manyCallsOfOneTurnAreBounded() throws {
        var limits = RunLimits()
        limits.toolCalls = 3
        var machine = machine(limits: limits)
        _ = machine.handle(.begin(pending: []))
        for number in 0..<100 { _ = machine.handle(.turn(.provider(.toolCall(call("\(number)"))))) }
        var actions = machine.handle(.turn(.provider(.finished(.toolUse)))) + machine.handle(.turnEnded)
        for number in 0..<3 {
            #expect(tools(actions) == ["\(number)"])
            actions = machine.handle(.toolFinished(call("\(number)"), .text("seen")))
        }
        #expect(tools(actions).isEmpty && asksModel(actions))
        // One answer, and a result for each of its hundred calls.
        #expect(machine.added.count == 101)
        #expect(machine.added.last?.plainText.hasPrefix("Not run: at most 3 calls") == true)
        // The next turn may call again.
        #expect(tools(turn(&machine, .toolCall(call("0")), .finished(.toolUse))) == ["0"])
    }

    @Test func everyCallOfATurnHasItsOwnId() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        _ = turn(&machine, .toolCall(call("1")), .toolCall(call("1")), .toolCall(call("1_1")), .finished(.toolUse))
        guard case .assistant(let answer) = try #require(machine.added.first) else {
            Issue.record("no answer")
            return
        }
        let ids = answer.content.compactMap { if case .toolCall(let call) = $0 { call.id } else { nil } }
        #expect(Set(ids).count == 3 && ids.first == "1")
    }

    @Test func runsToolsOneByOneAndAsksAgain() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        let asked = turn(
            &machine, .textDelta("Looking."), .toolCall(call("1")), .toolCall(call("2", "send")),
            .usage(Usage(input: 10, output: 5)), .finished(.toolUse))
        #expect(tools(asked) == ["1"])
        // What is to be done is durable before it is done.
        let order = asked.compactMap { action in
            switch action {
            case .persist: "persist"
            case .runTool: "run"
            default: nil
            }
        }
        #expect(order == ["persist", "run"])
        let second = machine.handle(.toolFinished(call("1"), .text("one")))
        #expect(tools(second) == ["2"])
        let third = machine.handle(.toolFinished(call("2", "send"), .text("two", isError: true)))
        #expect(asksModel(third))
        #expect(machine.added.count == 3)
        let end = try #require(
            finish(turn(&machine, .textDelta("Done."), .usage(Usage(input: 20, output: 2)), .finished(.stop))))
        #expect(end.outcome.usage == Usage(input: 30, output: 7))
        #expect(end.outcome.message?.content == [.text("Done.")])
        #expect(end.entries.count == 1)
    }

    @Test func unknownToolsAndStrayResults() {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        let actions = turn(&machine, .toolCall(call("1", "fly")), .finished(.toolUse))
        #expect(tools(actions).isEmpty)
        #expect(asksModel(actions))
        #expect(machine.added.last?.plainText == "There is no tool fly. Tools: look, send.")
        #expect(machine.handle(.toolFinished(call("9"), .text("x"))).isEmpty)
    }

    @Test func toolResultsAreBounded() {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        _ = turn(&machine, .toolCall(call("1")), .finished(.toolUse))
        _ = machine.handle(.toolFinished(call("1"), .text(String(repeating: "é", count: 40_000))))
        let text = machine.added.last?.plainText ?? ""
        #expect(text.utf8.count < 66_000)
        #expect(text.hasSuffix("[cut: 14464 of 80000 bytes left out]"))
        #expect(!text.contains("\u{FFFD}"))
    }

    @Test func toolLoopsEnd() throws {
        var limits = RunLimits()
        limits.toolRounds = 2
        var machine = machine(limits: limits)
        _ = machine.handle(.begin(pending: []))
        for id in ["1", "2"] {
            _ = turn(&machine, .toolCall(call(id)), .finished(.toolUse))
            #expect(asksModel(machine.handle(.toolFinished(call(id), .text("x")))))
        }
        let end = try #require(finish(turn(&machine, .toolCall(call("3")), .finished(.toolUse))))
        #expect(end.outcome.status == .error)
        #expect(end.outcome.errorMessage == "Stopped after 2 rounds of tool calls without an answer.")
        // The last call has its result, so that the next run's transcript is valid.
        #expect(end.entries.count == 3)
        #expect(RunLimits().toolRounds == 32)
    }

    @Test func silentRepliesAreStoredAndNotTold() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        let actions = turn(&machine, .textDelta("NO_"), .textDelta("REPLY\n"), .finished(.stop))
        #expect(told(actions) == [])
        let end = try #require(finish(actions))
        #expect(end.outcome.status == .ok)
        #expect(end.outcome.message == nil)
        #expect(end.entries.first?.plainText == "NO_REPLY\n")
    }

    @Test func whatOnlyLooksSilentIsToldInOnePiece() {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        let actions = turn(&machine, .textDelta("NO"), .textDelta(" way"), .finished(.stop))
        #expect(told(actions) == ["NO way|NO way"])
        var other = self.machine()
        _ = other.handle(.begin(pending: []))
        #expect(told(turn(&other, .textDelta("N"), .finished(.stop))) == ["N|N"])
    }

    @Test func anAbortKeepsThePartialAnswer() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        _ = machine.handle(.turn(.provider(.textDelta("half"))))
        _ = machine.handle(.turn(.provider(.toolCall(call("1")))))
        let end = try #require(finish(machine.handle(.abort)))
        #expect(end.outcome.status == .aborted)
        #expect(end.outcome.errorMessage == nil)
        #expect(end.outcome.message?.stopReason == .aborted)
        #expect(end.outcome.message?.content == [.text("half")])
        #expect(end.entries.count == 1)
    }

    @Test func anAbortDuringAToolLeavesNoCallWithoutResult() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        _ = turn(&machine, .toolCall(call("1")), .toolCall(call("2")), .finished(.toolUse))
        let end = try #require(finish(machine.handle(.abort)))
        #expect(end.entries.count == 2)
        #expect(end.outcome.message == nil)
        for entry in end.entries {
            guard case .toolResult(let result) = entry else {
                Issue.record("not a result")
                continue
            }
            #expect(result.isError)
        }
    }

    @Test func anAbortBeforeAnythingLeavesNothing() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        let end = try #require(finish(machine.handle(.abort)))
        #expect(end.entries.isEmpty)
    }

    @Test func deadlineAndFailureAreToldAsErrors() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        _ = machine.handle(.turn(.provider(.textDelta("half"))))
        let end = try #require(finish(machine.handle(.deadline(.seconds(600)))))
        #expect(end.outcome.status == .error)
        #expect(end.outcome.errorMessage == "The run took longer than 600 s and was stopped.")
        #expect(end.outcome.message?.content.plainText == "half")

        var other = self.machine()
        _ = other.handle(.begin(pending: []))
        let failed = try #require(finish(other.handle(.turnFailed(ProviderError(.auth, "refused")))))
        #expect(failed.outcome.message == nil)
        guard case .assistant(let entry) = failed.entries.first else {
            Issue.record("no entry")
            return
        }
        #expect(entry.stopReason == .error)
        #expect(entry.errorMessage == "refused")
    }

    @Test func aTurnWithoutAnEndIsAFailure() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        #expect(try #require(finish(turn(&machine, .textDelta("a")))).outcome.status == .error)
    }

    @Test func aNewAttemptForgetsTheOldOne() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        _ = machine.handle(.turn(.answering(model)))
        _ = machine.handle(.turn(.provider(.thinkingDelta("old"))))
        _ = machine.handle(.turn(.provider(.toolCall(call("1")))))
        let other = ModelDescriptor(provider: "q", id: "n", api: "y")
        _ = machine.handle(.turn(.answering(other)))
        _ = machine.handle(.turn(.provider(.textDelta("new"))))
        _ = machine.handle(.turn(.provider(.finished(.stop))))
        let end = try #require(finish(machine.handle(.turnEnded)))
        #expect(end.outcome.message?.content == [.text("new")])
        #expect(end.outcome.message?.provider == "q")
    }

    @Test func anOverflowingContextIsHalvedThreeTimes() throws {
        var machine = machine()
        _ = machine.handle(.begin(pending: []))
        let overflow = RunStateMachine.Input.turnFailed(ProviderError(.contextOverflow, "too long"))
        for expected in [(1, true), (2, true), (3, false)] {
            guard case .callModel(let shrinks, let mayShrink) = machine.handle(overflow).last else {
                Issue.record("gave up")
                return
            }
            #expect((shrinks, mayShrink) == expected)
        }
        #expect(try #require(finish(machine.handle(overflow))).outcome.status == .error)
    }

    @Test func recoveredCallsAreRepeatedOnlyWhenHarmless() {
        var safe = machine()
        #expect(tools(safe.handle(.begin(pending: [call("1"), call("2")]))) == ["1"])

        var unsafe = machine()
        let actions = unsafe.handle(.begin(pending: [call("1", "send"), call("2", "send")], begun: ["1"]))
        // The second one can't have begun.
        #expect(tools(actions) == ["2"])
        #expect(unsafe.added.first?.plainText.contains("was not repeated") == true)
    }
}
