import JarvisConfig
import JarvisCore

/// What is known of one instance of this user: facts from the disk, and what its gateway said after it proved itself.
package struct InstanceReport: Sendable {
    /// Where the instance stands.
    package enum State: String, Sendable, CaseIterable {
        /// Its gateway proved itself and serves.
        case running
        /// Its gateway proved itself and is not ready yet.
        case starting
        /// Its gateway proved itself and takes no new work.
        case stopping
        /// Somebody holds the state directory, and no answer came in time.
        case notAnswering = "not-answering"
        /// Somebody holds the state directory, and what answers did not prove to be its gateway.
        case unproven
        /// Nobody holds the state directory.
        case stopped
        /// The state directory can't be read.
        case broken
    }

    /// One word about how well it does.
    package enum Health: String, Sendable, CaseIterable {
        /// It runs and nothing is wrong.
        case ok
        /// Something is wrong with it: see the problems.
        case degraded
        /// It should run and does not.
        case down
        /// It does not run, and nothing says that it should.
        case off
        /// It can't be told.
        case unknown
    }

    /// Something that is not as it should be.
    package struct Finding: Sendable, Hashable {
        /// A stable word: `port`, `version`, `config.unusable` …
        package var code: String
        /// What, for people.
        package var message: String

        /// A finding.
        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    /// What lies on the disk.
    package var sibling: SiblingInstance
    /// The state directory without symbolic links.
    package var canonicalStateDirectory: String
    /// The words that reach the instance from any shell.
    package var command: String
    /// The control socket.
    package var controlSocket: String
    /// The configuration as `ConfigLoader.glance` reads it; nil when the state directory can't be read.
    package var config: ConfigSnapshot?
    /// The base port that the next start takes; nil when the configuration can't be read.
    package var plannedPort: EffectivePort?
    /// The workspace of the default agent, absolute.
    package var workspace: String
    /// Where the instance stands.
    package var state: State
    /// What the proven gateway said; nil in every other state than running, starting and stopping.
    package var attested: AttestedGateway?
    /// Why there is no proof although somebody holds the state directory.
    package var refusal: JarvisError?
    /// Services on disk that start this instance.
    package var services: [InstalledService] = []
    /// Differences between what is meant, what is installed and what runs.
    package var drift: [Finding] = []
    /// What is broken.
    package var problems: [Finding] = []

    /// Whether a gateway of this instance should be running: a service is there to run it, or the last one ended
    /// without taking its notice away.
    package var shouldRun: Bool { !services.isEmpty || (state == .stopped && sibling.runtime != nil) }

    /// One word about how well it does.
    package var health: Health {
        switch state {
        case .running: problems.isEmpty && attested?.storeFailure == nil ? .ok : .degraded
        case .starting, .stopping: problems.isEmpty ? .ok : .degraded
        case .notAnswering, .unproven: .unknown
        case .broken: .unknown
        case .stopped: shouldRun ? .down : problems.isEmpty ? .off : .degraded
        }
    }

    /// The base port: the one in use when a proven gateway says so, else the one that the next start takes.
    package var port: Int? { attested?.base ?? plannedPort?.value }
}

extension AttestedGateway {
    /// Why it accepts nothing any more; nil when its store is sound.
    package var storeFailure: String? { document["storeFailure"]?.stringValue }
    /// Where its base port came from: `flag`, `env`, `config`, `default`.
    package var portSource: String? { document["portSource"]?.stringValue }
}
