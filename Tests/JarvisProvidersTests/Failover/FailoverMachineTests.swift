import JarvisKit
import Testing

@testable import JarvisProviders

@Suite struct FailoverMachineTests {
    private let models = ["a", "b", "op"].map { ModelDescriptor(provider: "p", id: $0, api: "x") }

    private func machine(mayShrink: Bool = false) -> FailoverMachine {
        FailoverMachine(models: models, policy: RetryPolicy(), mayShrink: mayShrink)
    }

    private func attempt(_ step: FailoverMachine.Step) -> (index: Int, wait: Duration)? {
        if case .attempt(let index, let wait) = step { return (index, wait) }
        return nil
    }

    @Test func triesThreeTimesWithGrowingWaitsThenTheNext() {
        var machine = machine()
        #expect(attempt(machine.start())?.index == 0)
        let error = ProviderError(.overloaded, "busy")
        var waits: [Duration] = []
        for _ in 0..<2 {
            let (step, notice) = machine.failed(error, emittedText: false, jitter: 0.5)
            #expect(attempt(step)?.index == 0)
            #expect(notice?.contains("p/a failed (overloaded); trying again in") == true)
            waits.append(attempt(step)?.wait ?? .zero)
        }
        #expect(waits == [.milliseconds(500), .seconds(1)])
        let (step, notice) = machine.failed(error, emittedText: false, jitter: 0.5)
        #expect(attempt(step)?.index == 1)
        #expect(attempt(step)?.wait == .zero)
        #expect(notice == "p/a failed (overloaded); p/b answers instead.")
        // The next candidate has tries of its own.
        #expect(attempt(machine.failed(error, emittedText: false, jitter: 0.5).step)?.index == 1)
    }

    @Test func jitterSpreadsWithinAQuarter() {
        for (jitter, expected) in [(0.0, 375), (1.0, 625), (-5, 375), (9, 625)] {
            var machine = machine()
            let step = machine.failed(ProviderError(.network, "x"), emittedText: false, jitter: jitter).step
            #expect(attempt(step)?.wait == .milliseconds(expected))
        }
    }

    @Test func retryAfterIsKeptUpToAMinute() {
        for (seconds, index, wait) in [(0, 0, 500), (7, 0, 7000), (60, 0, 60_000), (61, 1, 0), (259_200, 1, 0)] {
            var machine = machine()
            let error = ProviderError(.rateLimit, "x", status: 429, retryAfter: .seconds(seconds))
            let step = machine.failed(error, emittedText: false, jitter: 0.5).step
            #expect(attempt(step)?.index == index)
            #expect(attempt(step)?.wait == .milliseconds(wait))
        }
    }

    @Test(arguments: [
        ProviderError.Reason.auth, .billing, .modelNotFound, .format, .unknown, .timeout, .contextOverflow,
    ])
    func whatRetryingCannotHelpGoesOnAtOnce(reason: ProviderError.Reason) {
        var machine = machine()
        #expect(attempt(machine.failed(ProviderError(reason, "x"), emittedText: false, jitter: 0).step)?.index == 1)
    }

    @Test func textIsNeverStartedAnew() {
        var machine = machine()
        let (step, notice) = machine.failed(ProviderError(.network, "broke"), emittedText: true, jitter: 0)
        guard case .fail(let error) = step else {
            Issue.record("went on")
            return
        }
        #expect(error.message == "The answer of p/a was cut: broke")
        #expect(notice != nil)
    }

    @Test func endsWhenNobodyIsLeft() {
        var machine = machine()
        for _ in 0..<2 { _ = machine.failed(ProviderError(.auth, "x"), emittedText: false, jitter: 0) }
        guard case .fail(let error) = machine.failed(ProviderError(.format, "last"), emittedText: false, jitter: 0).step
        else {
            Issue.record("went on")
            return
        }
        #expect(error.message == "last")
        let empty = FailoverMachine(models: [], policy: RetryPolicy(), mayShrink: true)
        guard case .fail = empty.start() else {
            Issue.record("started")
            return
        }
    }

    @Test func cancellationAndShrinkableOverflowEndAtOnce() {
        for reason in [ProviderError.Reason.cancelled, .contextOverflow] {
            var machine = machine(mayShrink: true)
            let (step, notice) = machine.failed(ProviderError(reason, "x"), emittedText: false, jitter: 0)
            #expect(attempt(step) == nil)
            #expect(notice == nil)
        }
    }
}
