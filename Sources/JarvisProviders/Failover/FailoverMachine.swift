import JarvisKit

/// How long and how often one model is tried.
package struct RetryPolicy: Sendable {
    /// Tries of one candidate within a turn. Default 3.
    package var tries = 3
    /// The wait before the second try; it doubles with every further one. Default 0.5 s.
    package var firstBackoff: Duration = .milliseconds(500)
    /// The longest wait that a provider may ask for; beyond it the next candidate is asked at once. Default 60 s.
    package var longestRetryAfter: Duration = .seconds(60)
    /// Until the first event of an attempt. Default 60 s.
    package var firstEventTimeout: Duration = .seconds(60)
    /// Between two events of an attempt. Default 60 s.
    package var idleTimeout: Duration = .seconds(60)

    /// The defaults.
    package init() {}
}

/// Decides what follows a failed attempt: the same model after a wait, the next one, or giving up. Pure.
package struct FailoverMachine: Sendable {
    /// What to do next.
    package enum Step: Sendable {
        /// Ask candidate `index` after `wait`.
        case attempt(index: Int, wait: Duration)
        /// Nobody is left, or it must not be tried again.
        case fail(ProviderError)
    }

    private let models: [ModelDescriptor]
    private let policy: RetryPolicy
    private let mayShrink: Bool
    private var index = 0
    private var tries = 1

    /// A turn that may ask `models` in order.
    ///
    /// - Parameter mayShrink: An overflowing context ends the turn, so that the caller can shorten it.
    package init(models: [ModelDescriptor], policy: RetryPolicy, mayShrink: Bool) {
        self.models = models
        self.policy = policy
        self.mayShrink = mayShrink
    }

    /// The first step.
    package func start() -> Step {
        models.isEmpty
            ? .fail(ProviderError(.modelNotFound, "No model is configured.")) : .attempt(index: 0, wait: .zero)
    }

    /// The current attempt failed.
    ///
    /// - Parameters:
    ///   - emittedText: Whether the person saw a part of the answer: then it is never started anew behind their back.
    ///   - jitter: 0 to 1, spreads the waits of many runs.
    /// - Returns: The next step and what to tell the person, if anything.
    package mutating func failed(
        _ error: ProviderError, emittedText: Bool, jitter: Double
    ) -> (step: Step, notice: String?) {
        let name = models[index].reference
        if error.reason == .cancelled { return (.fail(error), nil) }
        if error.reason == .contextOverflow, mayShrink, !emittedText { return (.fail(error), nil) }
        if emittedText {
            let cut = ProviderError(
                error.reason, "The answer of \(name) was cut: \(error.message)", status: error.status)
            return (.fail(cut), "\(name) stopped in the middle of its answer; what came is kept.")
        }
        if let wait = retryWait(error, jitter: jitter) {
            tries += 1
            let seconds = Self.seconds(wait)
            return (
                .attempt(index: index, wait: wait),
                "\(name) failed (\(error.reason.phrase)); trying again in \(seconds) s."
            )
        }
        guard index + 1 < models.count else { return (.fail(error), "\(name) failed (\(error.reason.phrase)).") }
        index += 1
        tries = 1
        return (
            .attempt(index: index, wait: .zero),
            "\(name) failed (\(error.reason.phrase)); \(models[index].reference) answers instead."
        )
    }

    /// Nil when this candidate must not be asked again. Silence is never waited for twice: a person would sit minutes
    /// before a screen on which nothing happens, while the next candidate may answer at once.
    private func retryWait(_ error: ProviderError, jitter: Double) -> Duration? {
        guard error.isRetryable, error.reason != .timeout, tries < policy.tries else { return nil }
        let backoff = policy.firstBackoff * (1 << (tries - 1)) * (0.75 + 0.5 * min(max(jitter, 0), 1))
        guard let asked = error.retryAfter else { return backoff }
        return asked > policy.longestRetryAfter ? nil : max(asked, backoff)
    }

    private static func seconds(_ duration: Duration) -> String {
        let tenths = (duration.components.seconds * 10) + duration.components.attoseconds / 100_000_000_000_000_000
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

extension ProviderError.Reason {
    /// The reason in words for people.
    package var phrase: String {
        switch self {
        case .auth: "its credential was refused"
        case .format: "it refused the request"
        case .rateLimit: "too many requests"
        case .billing: "no credit"
        case .timeout: "no answer in time"
        case .modelNotFound: "it does not know the model"
        case .overloaded: "overloaded"
        case .network: "no connection"
        case .malformed: "unreadable answer"
        case .contextOverflow: "the conversation is too long for it"
        case .cancelled: "stopped"
        case .unknown: "unknown failure"
        }
    }
}
