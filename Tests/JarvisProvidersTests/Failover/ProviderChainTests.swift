import JarvisCore
import JarvisKit
import JarvisTestSupport
import Synchronization
import Testing

@testable import JarvisProviders

@Suite(.timeLimit(.minutes(1))) struct ProviderChainTests {
    private func candidate(_ provider: ScriptedProvider) -> ChainCandidate {
        ChainCandidate(provider: provider, model: ModelDescriptor(provider: provider.id, id: "m", api: "x"))
    }

    private func chain(
        _ providers: [ScriptedProvider], failures: ModelFailures = ModelFailures(), clock: MonotonicClock
    ) -> ProviderChain {
        ProviderChain(
            candidates: providers.map(candidate), failures: failures, clock: clock, wallClock: WallClock { 5 },
            jitter: { 0.5 })
    }

    private func play(_ chain: ProviderChain) async -> (events: [TurnEvent], error: ProviderError?) {
        let events = Mutex<[TurnEvent]>([])
        do throws(ProviderError) {
            try await chain.runTurn(ProviderContract.request(), mayShrink: false) { event in
                events.withLock { $0.append(event) }
            }
            return (events.withLock { $0 }, nil)
        } catch {
            return (events.withLock { $0 }, error)
        }
    }

    private func answerers(_ events: [TurnEvent]) -> [String] {
        events.compactMap { if case .answering(let model) = $0 { model.provider } else { nil } }
    }

    private func notices(_ events: [TurnEvent]) -> [String] {
        events.compactMap { if case .notice(let text) = $0 { text } else { nil } }
    }

    @Test func aHealthyModelAnswersAlone() async {
        let operatorProvider = ScriptedProvider(text: "op", id: "op")
        let (events, error) = await play(
            chain([ScriptedProvider(text: "hi", id: "a"), operatorProvider], clock: InstantClock().clock()))
        #expect(error == nil)
        #expect(answerers(events) == ["a"])
        #expect(events.last == .provider(.finished(.stop)))
        #expect(notices(events) == [])
        #expect(operatorProvider.requests.isEmpty)
    }

    @Test func fallsThroughToTheOperatorAndTellsItWhy() async {
        let failures = ModelFailures()
        let time = InstantClock()
        let primary = ScriptedProvider([[.fail(ProviderError(.overloaded, "busy", status: 503))]], id: "a")
        let fallback = ScriptedProvider([[.fail(ProviderError(.auth, "no", status: 401))]], id: "b")
        let (events, error) = await play(
            chain(
                [primary, fallback, ScriptedProvider(text: "I am the operator.", id: "op")], failures: failures,
                clock: time.clock()))
        #expect(error == nil)
        #expect(answerers(events) == ["a", "a", "a", "b", "op"])
        #expect(time.waits == [.milliseconds(500), .seconds(1)])
        #expect(notices(events).count == 4)
        #expect(
            failures.failures(runId: "run-1").map(\.error.reason) == [.overloaded, .overloaded, .overloaded, .auth])
        #expect(failures.failures(runId: "other").isEmpty)
    }

    @Test func aCutAnswerKeepsItsTextAndIsNotRepeated() async {
        let primary = ScriptedProvider(
            [[.event(.textDelta("half an ")), .fail(ProviderError(.network, "reset"))]], id: "a")
        let (events, error) = await play(
            chain([primary, ScriptedProvider(text: "op", id: "op")], clock: InstantClock().clock()))
        #expect(error?.reason == .network)
        #expect(answerers(events) == ["a"])
        #expect(events.contains(.provider(.textDelta("half an "))))
        #expect(notices(events).count == 1)
    }

    @Test func thinkingAloneMayBeStartedAnew() async {
        let primary = ScriptedProvider(
            [
                [.event(.thinkingDelta("hm")), .fail(ProviderError(.malformed, "cut"))],
                ScriptedProvider.answer("ok"),
            ], id: "a")
        let (events, error) = await play(chain([primary], clock: InstantClock().clock()))
        #expect(error == nil)
        #expect(answerers(events) == ["a", "a"])
    }

    @Test func silenceBeforeTheFirstEventEndsAfterAMinute() async {
        let time = ManualClock()
        let chain = chain(
            [ScriptedProvider([[.hang]], id: "a"), ScriptedProvider(text: "op", id: "op")], clock: time.clock)
        async let result = play(chain)
        await time.sleepers(1)
        time.advance(.seconds(59))
        time.advance(.seconds(1))
        let (events, error) = await result
        #expect(error == nil)
        #expect(answerers(events) == ["a", "op"])
        #expect(notices(events) == ["a/m failed (no answer in time); op/m answers instead."])
    }

    @Test func silenceInTheMiddleCutsTheAnswer() async {
        let time = ManualClock()
        let chain = chain([ScriptedProvider([[.event(.textDelta("so")), .hang]], id: "a")], clock: time.clock)
        async let result = play(chain)
        await time.sleepers(1)
        time.advance(.seconds(60))
        let (events, error) = await result
        #expect(error?.reason == .timeout)
        #expect(events.contains(.provider(.textDelta("so"))))
    }

    @Test func cancellationEndsAHangingAttempt() async {
        let chain = chain([ScriptedProvider([[.hang]], id: "a")], clock: .system)
        let error = await withTaskGroup(of: ProviderError?.self) { group in
            group.addTask { await play(chain).error }
            await Task.yield()
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(error?.reason == .cancelled)
    }

    @Test func rememberedFailuresAreBounded() {
        let failures = ModelFailures()
        for number in 0..<200 {
            failures.record(
                ModelFailure(
                    runId: "r\(number)", model: ModelDescriptor(provider: "p", id: "m", api: "x"),
                    error: ProviderError(.auth, "x"), at: 1))
        }
        #expect(failures.recent.count == ModelFailures.capacity)
        #expect(failures.recent.last?.runId == "r199")
    }
}
