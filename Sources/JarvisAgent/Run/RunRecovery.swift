import JarvisCore
import JarvisKit

/// A run that the last process left open.
package struct UnfinishedRun: Sendable {
    /// The run.
    package var runId: String
    /// Its conversation.
    package var sessionKey: SessionKey
    /// Its agent.
    package var agentId: String
    /// How often it began.
    package var attempts: Int
    /// When it was accepted.
    package var acceptedAt: EpochMilliseconds

    /// A run.
    package init(
        runId: String, sessionKey: SessionKey, agentId: String, attempts: Int, acceptedAt: EpochMilliseconds
    ) {
        self.runId = runId
        self.sessionKey = sessionKey
        self.agentId = agentId
        self.attempts = attempts
        self.acceptedAt = acceptedAt
    }
}

/// What the pass at boot does with the runs that the last process left open. Pure.
package struct RunRecovery: Sendable {
    /// A run that is given up, and what its end says.
    package struct Tombstone: Sendable {
        /// The run.
        package var run: UnfinishedRun
        /// How it ends: an error with an explanation for the user.
        package var outcome: RunOutcome
        /// The explanation as a transcript entry.
        package var entries: [Message]
    }

    /// To be submitted again, in this order.
    package var repeated: [UnfinishedRun]
    /// To be finished as they are.
    package var tombstones: [Tombstone]

    /// Sorts the runs, given in the order in which they were accepted.
    ///
    /// - Parameter maximumAttempts: A run that began this often and never ended is what crashes the gateway, or is
    ///   always there when it does; it isn't begun again. Default 3.
    package static func plan(
        _ unfinished: [UnfinishedRun], maximumAttempts: Int = 3, now: EpochMilliseconds
    ) -> RunRecovery {
        var plan = RunRecovery(repeated: [], tombstones: [])
        for run in unfinished {
            if run.attempts < maximumAttempts {
                plan.repeated.append(run)
            } else {
                plan.tombstones.append(tombstone(run, now: now))
            }
        }
        return plan
    }

    private static func tombstone(_ run: UnfinishedRun, now: EpochMilliseconds) -> Tombstone {
        let text =
            "I could not answer this message: the gateway stopped \(run.attempts) times while I was working on it, so "
            + "I have given it up. Please send it again if you still need an answer."
        let message = AssistantMessage(
            content: [.text(text)], api: "jarvis", provider: "jarvis", model: "gateway-injected", stopReason: .error,
            errorMessage: "given up after \(run.attempts) interrupted attempts", timestamp: now)
        let outcome = RunOutcome(
            status: .error, message: message, errorMessage: message.errorMessage, usage: Usage(),
            startedAt: run.acceptedAt, endedAt: now)
        return Tombstone(run: run, outcome: outcome, entries: [.assistant(message)])
    }
}
