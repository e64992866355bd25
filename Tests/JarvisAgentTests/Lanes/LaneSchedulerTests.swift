import JarvisCore
import JarvisKit
import JarvisTestSupport
import Logging
import Synchronization
import Testing

@testable import JarvisAgent

@Suite(.timeLimit(.minutes(1))) struct LaneSchedulerTests {
    private let journal = MemoryJournal()

    private func scheduler(_ turns: any TurnRunner, maximumActive: Int = 4) -> LaneScheduler {
        let model = ModelDescriptor(provider: "p", id: "m", api: "x")
        let driver = RunDriver(
            journal: journal, monotonic: InstantClock().clock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in RunSetup(model: model, turns: turns, system: "s", tools: [], workspace: "/w") }
        return LaneScheduler(driver: driver, maximumActive: maximumActive)
    }

    private func request(_ id: String, _ session: String = "main") -> RunRequest {
        let key = SessionKey.main(mainKey: session)
        journal.accept(id, "message \(id)", key: key)
        return RunRequest(runId: id, sessionKey: key, agentId: "main")
    }

    private func isOK(_ wait: RunWait) -> Bool {
        if case .ended(let outcome) = wait { return outcome.status == .ok }
        return false
    }

    @Test func keepsTheOrderOfASession() async {
        let lanes = scheduler(ScriptedProvider(text: "hi"))
        for number in 0..<50 {
            let result = lanes.submit(request("r\(number)"), listener: { _ in })
            #expect(number > 0 || result == .started)
        }
        #expect(isOK(await lanes.wait(runId: "r49", timeout: .seconds(30))))
        #expect(journal.log.filter { $0.hasPrefix("begin") } == (0..<50).map { "begin r\($0)" })
        let pairs = journal.log.compactMap { $0.split(separator: " ").first }
        #expect(pairs == (0..<50).flatMap { _ in ["begin", "finish"] })
        #expect(lanes.activeRuns.isEmpty)
    }

    @Test func manySessionsAllEnd() async {
        let lanes = scheduler(ScriptedProvider(text: "hi"))
        for number in 0..<200 { lanes.submit(request("r\(number)", "s\(number % 50)"), listener: { _ in }) }
        for number in 0..<200 { #expect(isOK(await lanes.wait(runId: "r\(number)", timeout: .seconds(30)))) }
        #expect(journal.finished.count == 200)
    }

    @Test func duplicatesAreRefused() async {
        let lanes = scheduler(ScriptedProvider([[.hang]]))
        let run = request("r")
        #expect(lanes.submit(run, listener: { _ in }) == .started)
        #expect(lanes.submit(run, listener: { _ in }) == .duplicate)
        lanes.abort(runId: "r")
        _ = await lanes.wait(runId: "r", timeout: .seconds(30))
    }

    @Test func abortsASessionWithWhatWaits() async {
        let lanes = scheduler(ScriptedProvider([[.hang]]))
        let begun = Gate()
        let log = EventLog()
        lanes.submit(request("a1"), listener: { event in if case .started = event { begun.open() } })
        #expect(lanes.submit(request("a2"), listener: log.listener) == .queued)
        lanes.submit(request("b1", "other"), listener: { _ in })
        await begun.wait()
        #expect(lanes.activeRuns(of: .main()).map(\.isRunning) == [true, false])
        #expect(Set(lanes.abort(session: .main())) == ["a1", "a2"])
        _ = await lanes.wait(runId: "a1", timeout: .seconds(30))
        _ = await lanes.wait(runId: "a2", timeout: .seconds(30))
        #expect(journal.finished["a1"]?.status == .aborted)
        #expect(journal.finished["a2"]?.status == .aborted)
        #expect(!journal.log.contains("begin a2"))
        #expect(log.names == ["ended aborted"])
        #expect(lanes.activeRuns.map(\.runId) == ["b1"])
        #expect(!lanes.abort(runId: "nosuch"))
        #expect(lanes.abort(runId: "b1"))
        _ = await lanes.wait(runId: "b1", timeout: .seconds(30))
    }

    @Test func theLaneIsFreeAfterAnAbort() async {
        let provider = ScriptedProvider([[.event(.textDelta("x")), .hangHard], ScriptedProvider.answer("next")])
        let lanes = scheduler(provider)
        let hung = Gate()
        lanes.submit(request("r1"), listener: { event in if case .assistant = event { hung.open() } })
        lanes.submit(request("r2"), listener: { _ in })
        await hung.wait()
        lanes.abort(runId: "r1")
        #expect(isOK(await lanes.wait(runId: "r2", timeout: .seconds(30))))
        provider.release()
    }

    @Test func waitingEndsInTime() async {
        let lanes = scheduler(ScriptedProvider([[.hang]]))
        lanes.submit(request("r"), listener: { _ in })
        guard case .timeout = await lanes.wait(runId: "r", timeout: .milliseconds(1)) else {
            Issue.record("no timeout")
            return
        }
        guard case .unknown = await lanes.wait(runId: "nosuch", timeout: .seconds(30)) else {
            Issue.record("known")
            return
        }
        lanes.abort(runId: "r")
        _ = await lanes.wait(runId: "r", timeout: .seconds(30))
    }

    @Test func drainLetsRunsEndAndLeavesTheRestOpen() async {
        let gate = Gate()
        let lanes = scheduler(ScriptedProvider(text: "hi"), maximumActive: 1)
        lanes.submit(request("r1"), listener: { event in if case .assistant = event { await gate.wait() } })
        lanes.submit(request("r2"), listener: { _ in })
        async let waited = lanes.wait(runId: "r2", timeout: .seconds(30))
        async let drained: Void = lanes.drain(timeout: .seconds(30))
        while lanes.submit(request("r3", "x"), listener: { _ in }) != .draining { await Task.yield() }
        gate.open()
        await drained
        #expect(journal.finished.keys.sorted() == ["r1"] || journal.finished["r2"] == nil)
        guard case .unfinished = await waited else { return }
    }

    @Test func drainCancelsWhatHangsAndLeavesItOpen() async {
        let lanes = scheduler(ScriptedProvider([[.event(.textDelta("half")), .hang]]))
        let begun = Gate()
        lanes.submit(request("r"), listener: { event in if case .assistant = event { begun.open() } })
        await begun.wait()
        await lanes.drain(timeout: .milliseconds(10))
        #expect(journal.finished.isEmpty)
        #expect(lanes.activeRuns.isEmpty)
        #expect(lanes.submit(request("late"), listener: { _ in }) == .draining)
    }
}
