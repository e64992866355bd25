import JarvisCore
import JarvisKit
import Synchronization

/// One model that may answer, behind its provider.
package struct ChainCandidate: Sendable {
    /// The provider.
    package var provider: any Provider
    /// The model of it.
    package var model: ModelDescriptor

    /// A candidate.
    package init(provider: any Provider, model: ModelDescriptor) {
        self.provider = provider
        self.model = model
    }
}

/// Asks models in order until one answers: primary, fallbacks, and last the operator, which needs no model.
///
/// Every failure is recorded in `failures` before the next candidate is asked, so that the operator can say what
/// failed and why.
package struct ProviderChain: TurnRunner {
    private let candidates: [ChainCandidate]
    private let failures: ModelFailures
    private let policy: RetryPolicy
    private let clock: MonotonicClock
    private let wallClock: WallClock
    private let jitter: @Sendable () -> Double

    /// A chain.
    ///
    /// - Parameters:
    ///   - candidates: In order of preference; the operator is last.
    ///   - failures: Where failed attempts are recorded.
    ///   - jitter: A number from 0 to 1 for each wait. Default random.
    package init(
        candidates: [ChainCandidate], failures: ModelFailures, policy: RetryPolicy = RetryPolicy(),
        clock: MonotonicClock = .system, wallClock: WallClock = .system,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
    ) {
        self.candidates = candidates
        self.failures = failures
        self.policy = policy
        self.clock = clock
        self.wallClock = wallClock
        self.jitter = jitter
    }

    /// Runs one turn on the first candidate that manages it.
    package func runTurn(
        _ request: ModelRequest, mayShrink: Bool, emit: @escaping @Sendable (TurnEvent) async -> Void
    ) async throws(ProviderError) {
        var machine = FailoverMachine(models: candidates.map(\.model), policy: policy, mayShrink: mayShrink)
        var step = machine.start()
        while true {
            switch step {
            case .fail(let error): throw error
            case .attempt(let index, let wait):
                try await pause(wait)
                var request = request
                request.model = candidates[index].model
                await emit(.answering(request.model))
                let attempt = ProviderAttempt(
                    provider: candidates[index].provider, request: request, policy: policy, clock: clock)
                guard let error = await attempt.run(emit: emit) else { return }
                // A stop on request says nothing about the model.
                if error.reason != .cancelled {
                    failures.record(
                        ModelFailure(runId: request.runId, model: request.model, error: error, at: wallClock.now()))
                }
                let next = machine.failed(error, emittedText: attempt.emittedText, jitter: jitter())
                if let notice = next.notice { await emit(.notice(notice)) }
                step = next.step
            }
        }
    }

    private func pause(_ wait: Duration) async throws(ProviderError) {
        do {
            try Task.checkCancellation()
            if wait > .zero { try await clock.sleep(wait) }
        } catch {
            throw ProviderError(.cancelled, "The request was stopped.")
        }
    }
}

/// One attempt of one provider under the watch of the two timeouts. Only events count as signs of life: comments that
/// a server sends to keep a connection open don't reach this level.
private final class ProviderAttempt: Sendable {
    private struct Watch {
        var lastEvent: Duration
        var sawEvent = false
        var sawText = false
        /// False while the consumer works on an event: its slowness is not the provider's silence.
        var isWaiting = true
    }

    private enum End: Sendable {
        case done
        case failed(ProviderError)
        case unwatched
    }

    private let provider: any Provider
    private let request: ModelRequest
    private let policy: RetryPolicy
    private let clock: MonotonicClock
    private let watch: Mutex<Watch>

    init(provider: any Provider, request: ModelRequest, policy: RetryPolicy, clock: MonotonicClock) {
        self.provider = provider
        self.request = request
        self.policy = policy
        self.clock = clock
        watch = Mutex(Watch(lastEvent: clock.now()))
    }

    var emittedText: Bool { watch.withLock(\.sawText) }

    /// Nil after a whole answer, else why there is none.
    func run(emit: @escaping @Sendable (TurnEvent) async -> Void) async -> ProviderError? {
        await withTaskGroup(of: End.self) { group in
            group.addTask { await self.respond(emit: emit) }
            group.addTask { await self.watchSilence() }
            var result: ProviderError?
            var isDecided = false
            for await end in group where !isDecided {
                switch end {
                case .done: isDecided = true
                case .failed(let error):
                    result = error
                    isDecided = true
                case .unwatched: continue
                }
                group.cancelAll()
            }
            return result
        }
    }

    private func respond(emit: @escaping @Sendable (TurnEvent) async -> Void) async -> End {
        do throws(ProviderError) {
            try await provider.respond(to: request) { event in
                // After a timeout the turn belongs to the next attempt.
                if Task.isCancelled { return }
                self.watch.withLock { watch in
                    watch.sawEvent = true
                    watch.isWaiting = false
                    if case .textDelta(let text) = event, !text.isEmpty { watch.sawText = true }
                }
                await emit(.provider(event))
                let now = self.clock.now()
                self.watch.withLock { watch in
                    watch.lastEvent = now
                    watch.isWaiting = true
                }
            }
            return .done
        } catch {
            return .failed(Task.isCancelled ? ProviderError(.cancelled, "The request was stopped.") : error)
        }
    }

    private func watchSilence() async -> End {
        while true {
            let now = clock.now()
            let (limit, rest) = watch.withLock { watch in
                let limit = watch.sawEvent ? policy.idleTimeout : policy.firstEventTimeout
                return (limit, watch.isWaiting ? watch.lastEvent + limit - now : limit)
            }
            if rest <= .zero {
                let seconds = limit.components.seconds
                return .failed(ProviderError(.timeout, "\(request.model.reference) was silent for \(seconds) s."))
            }
            do { try await clock.sleep(rest) } catch { return .unwatched }
        }
    }
}
