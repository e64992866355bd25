import JarvisKit
import Testing

@testable import JarvisAgent

@Suite struct RunRecoveryTests {
    private func run(_ id: String, attempts: Int) -> UnfinishedRun {
        UnfinishedRun(runId: id, sessionKey: .main(), agentId: "main", attempts: attempts, acceptedAt: 5)
    }

    @Test func repeatsInOrderAndGivesUpAfterThree() {
        let plan = RunRecovery.plan(
            [run("a", attempts: 0), run("b", attempts: 3), run("c", attempts: 2), run("d", attempts: 7)], now: 9)
        #expect(plan.repeated.map(\.runId) == ["a", "c"])
        #expect(plan.tombstones.map(\.run.runId) == ["b", "d"])
        #expect(plan.tombstones[0].outcome.status == .error)
        #expect(plan.tombstones[0].outcome.startedAt == 5)
        #expect(plan.tombstones[0].entries.first?.plainText.contains("3 times") == true)
        #expect(plan.tombstones[0].outcome.message?.provider == "jarvis")
    }

    @Test func nothingLeftOpenIsNothingToDo() {
        let plan = RunRecovery.plan([], now: 0)
        #expect(plan.repeated.isEmpty && plan.tombstones.isEmpty)
    }
}
