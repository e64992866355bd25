import JarvisCore
import JarvisKit
import Synchronization

/// One failed attempt of one model.
package struct ModelFailure: Sendable {
    /// The run that asked.
    package var runId: String
    /// The model that failed.
    package var model: ModelDescriptor
    /// Why; holds no credential.
    package var error: ProviderError
    /// When.
    package var at: EpochMilliseconds

    /// A failure.
    package init(runId: String, model: ModelDescriptor, error: ProviderError, at: EpochMilliseconds) {
        self.runId = runId
        self.model = model
        self.error = error
        self.at = at
    }
}

/// The last failures of models: written by the chain, read by the operator when it stands in, and by `status`.
package final class ModelFailures: Sendable {
    /// How many failures are remembered.
    package static let capacity = 50

    private let newest = Mutex<[ModelFailure]>([])

    /// Nothing failed yet.
    package init() {}

    /// Remembers a failure; the oldest is forgotten beyond `capacity`.
    package func record(_ failure: ModelFailure) {
        newest.withLock { failures in
            failures.append(failure)
            if failures.count > Self.capacity { failures.removeFirst(failures.count - Self.capacity) }
        }
    }

    /// What failed within the run, oldest first.
    package func failures(runId: String) -> [ModelFailure] { recent.filter { $0.runId == runId } }

    /// What failed of late in any run, oldest first.
    package var recent: [ModelFailure] { newest.withLock { $0 } }
}
