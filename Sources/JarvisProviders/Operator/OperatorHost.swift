import JarvisCore
import JarvisKit

/// The operator's only door to its gateway. Everything that it returns is safe to show: secrets are redacted by the
/// implementation. A thrown `JarvisError` is shown with its message and hint.
package protocol OperatorHost: Sendable {
    /// What is known about the gateway right now. Never fails: what can't be told is empty or nil.
    func health() async -> OperatorHealth

    /// What the person behind run `runId` may do. Chat needs less authority than changing settings, so the operator
    /// must not lend its own: answer `.full` only when the credential that sent this message could call `config.set`.
    func authority(runId: String, sessionKey: SessionKey) async -> OperatorAuthority

    /// The newest errors, newest first, at most `limit`.
    func recentErrors(limit: Int) async throws -> [OperatorLogLine]

    /// The newest log lines at `level` (`debug`, `info`, `warn`, `error`) or above, oldest first, at most `limit`; nil
    /// is every level.
    func logLines(limit: Int, level: String?) async throws -> [OperatorLogLine]

    /// The redacted value at `path`, or the nearest paths that exist.
    func configValue(path: String) async throws -> OperatorConfigValue

    /// What setting `path` to `valueText` would do; nothing is written. `valueText` is what a person typed: JSON5 where
    /// it parses, else a string; nil removes the key.
    func proposeConfigChange(path: String, valueText: String?) async throws -> OperatorConfigPreview

    /// Writes the change durably, with `operator` as the actor in the journal.
    func applyConfigChange(path: String, valueText: String?) async throws -> OperatorConfigResult

    /// The newest change of the journal that can be undone; nil when there is none.
    func lastChange() async throws -> OperatorChange?

    /// Undoes the change `id`; throws when it is no longer the last one.
    func undoChange(id: String) async throws -> OperatorConfigResult

    /// Asks for a restart of this gateway. It must begin after the asking run has ended and been stored, so that the
    /// answer is seen and the run is not repeated at boot.
    func requestRestart(reason: String) async throws

    /// The conversations, most recently used first, at most `limit`.
    func sessions(limit: Int) async throws -> [OperatorSession]
}

/// What the person who writes may have the operator do.
package enum OperatorAuthority: Sendable, Hashable {
    /// Read, change settings, restart.
    case full
    /// Read only; changes are refused with the terminal command.
    case readOnly
}

/// The facts that the operator speaks about.
package struct OperatorHealth: Sendable, Hashable {
    /// The instance's name for people: `default` or the profile's name.
    package var displayName: String
    /// The profile; nil for the default instance.
    package var profile: String?
    /// The instance's permanent id.
    package var instanceId: String
    /// The program's version, bare.
    package var version: String
    /// The time at which these facts were taken.
    package var now: EpochMilliseconds
    /// When the process began to serve.
    package var startedAt: EpochMilliseconds
    /// The port that serves; nil when none does.
    package var port: Int?
    /// The process id.
    package var pid: Int32
    /// Resident memory in bytes; nil when unknown.
    package var memoryBytes: Int?
    /// How many conversations are stored.
    package var sessionCount: Int
    /// How many runs are in progress, this one included.
    package var activeRuns: Int
    /// The configured model as `provider/model`; nil when none is.
    package var model: String?
    /// The last failures of models, newest first.
    package var modelFailures: [OperatorModelFailure]
    /// The last errors, newest first.
    package var recentErrors: [OperatorLogLine]
    /// Problems of the configuration that switch something off: `path: message`.
    package var configIssues: [String]
    /// Harmless oddities of the configuration: `path: message`.
    package var configWarnings: [String]
    /// The absolute path of the configuration file.
    package var configPath: String
    /// How a command for this instance begins: `jarvis`, `jarvis --profile rescue`. Default: from `profile`.
    package var commandPrefix: String
    /// The page's address without any credential; nil when it is off.
    package var dashboardURL: String?

    /// Facts; only identity and times are required.
    package init(
        displayName: String, profile: String?, instanceId: String, version: String, now: EpochMilliseconds,
        startedAt: EpochMilliseconds, port: Int? = nil, pid: Int32 = 0, memoryBytes: Int? = nil, sessionCount: Int = 0,
        activeRuns: Int = 0, model: String? = nil, modelFailures: [OperatorModelFailure] = [],
        recentErrors: [OperatorLogLine] = [], configIssues: [String] = [], configWarnings: [String] = [],
        configPath: String, commandPrefix: String? = nil, dashboardURL: String? = nil
    ) {
        self.displayName = displayName
        self.profile = profile
        self.instanceId = instanceId
        self.version = version
        self.now = now
        self.startedAt = startedAt
        self.port = port
        self.pid = pid
        self.memoryBytes = memoryBytes
        self.sessionCount = sessionCount
        self.activeRuns = activeRuns
        self.model = model
        self.modelFailures = modelFailures
        self.recentErrors = recentErrors
        self.configIssues = configIssues
        self.configWarnings = configWarnings
        self.configPath = configPath
        self.commandPrefix = commandPrefix ?? Self.commandPrefix(profile: profile)
        self.dashboardURL = dashboardURL
    }

    /// `jarvis` with the flag that selects `profile`.
    package static func commandPrefix(profile: String?) -> String {
        switch profile {
        case nil: "jarvis"
        case "dev": "jarvis --dev"
        case .some(let name): "jarvis --profile \(name)"
        }
    }
}

/// One failed attempt of a model.
package struct OperatorModelFailure: Sendable, Hashable {
    /// `provider/model`.
    package var model: String
    /// The family of failure.
    package var reason: ProviderError.Reason
    /// The HTTP status, when there was one.
    package var status: Int?
    /// What the provider said, without credentials.
    package var message: String
    /// When.
    package var at: EpochMilliseconds
    /// The run that asked; lets the operator see that it stands in for this model in this very run.
    package var runId: String?

    /// A failure.
    package init(
        model: String, reason: ProviderError.Reason, status: Int? = nil, message: String, at: EpochMilliseconds,
        runId: String? = nil
    ) {
        self.model = model
        self.reason = reason
        self.status = status
        self.message = message
        self.at = at
        self.runId = runId
    }
}

/// One line of the log.
package struct OperatorLogLine: Sendable, Hashable {
    /// When.
    package var at: EpochMilliseconds
    /// `debug`, `info`, `warn`, `error`.
    package var level: String
    /// The message with its facts, redacted.
    package var message: String

    /// A line.
    package init(at: EpochMilliseconds, level: String, message: String) {
        self.at = at
        self.level = level
        self.message = message
    }
}

/// The answer to reading a setting.
package enum OperatorConfigValue: Sendable, Hashable {
    /// The value as JSON text with secrets redacted; `isDefault` when the file does not set it.
    case value(String, isDefault: Bool)
    /// No such path; the nearest that exist, best first.
    case notFound(suggestions: [String])
}

/// What a change would do.
package struct OperatorConfigPreview: Sendable, Hashable {
    /// The redacted value now; nil when unset.
    package var oldText: String?
    /// The redacted value afterwards; nil when removed.
    package var newText: String?
    /// Whether it takes effect only after a restart.
    package var needsRestart: Bool
    /// Why it can't be done; empty when it can.
    package var problems: [String]
    /// What to know before saying yes.
    package var warnings: [String]

    /// A preview.
    package init(
        oldText: String?, newText: String?, needsRestart: Bool = false, problems: [String] = [], warnings: [String] = []
    ) {
        self.oldText = oldText
        self.newText = newText
        self.needsRestart = needsRestart
        self.problems = problems
        self.warnings = warnings
    }
}

/// What a change did.
package struct OperatorConfigResult: Sendable, Hashable {
    /// The setting; the redacted value that the running gateway now has when `needsRestart` is false.
    package var path: String
    /// The redacted value read back; nil when unset.
    package var effectiveText: String?
    /// Whether it waits for a restart.
    package var needsRestart: Bool
    /// The journal's name of this change.
    package var undoId: String

    /// A result.
    package init(path: String, effectiveText: String?, needsRestart: Bool, undoId: String) {
        self.path = path
        self.effectiveText = effectiveText
        self.needsRestart = needsRestart
        self.undoId = undoId
    }
}

/// One change of the journal.
package struct OperatorChange: Sendable, Hashable {
    /// The journal's name of it: letters, digits, `-`, `_`.
    package var id: String
    /// The settings that it touched, or `whole file`.
    package var path: String
    /// The redacted value before; nil when it was unset.
    package var oldText: String?
    /// The redacted value after; nil when it was removed.
    package var newText: String?
    /// When.
    package var at: EpochMilliseconds
    /// Who: `cli`, `operator`, `page`.
    package var actor: String

    /// A change.
    package init(
        id: String, path: String, oldText: String?, newText: String?, at: EpochMilliseconds, actor: String
    ) {
        self.id = id
        self.path = path
        self.oldText = oldText
        self.newText = newText
        self.at = at
        self.actor = actor
    }
}

/// One conversation.
package struct OperatorSession: Sendable, Hashable {
    /// Its key.
    package var key: String
    /// Its name for people, when it has one.
    package var label: String?
    /// When it was last used.
    package var updatedAt: EpochMilliseconds

    /// A conversation.
    package init(key: String, label: String? = nil, updatedAt: EpochMilliseconds) {
        self.key = key
        self.label = label
        self.updatedAt = updatedAt
    }
}
