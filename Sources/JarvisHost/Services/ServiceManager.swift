import JarvisCore

/// What a service manager says of one service.
package struct ServiceRuntime: Sendable, Hashable {
    /// In one word.
    package enum Status: String, Sendable, Hashable {
        /// Its process runs, or is being started or stopped.
        case running
        /// It does not run, and nothing is wrong.
        case stopped
        /// It does not run, because it ended badly.
        case failed
        /// The manager can't be asked, or does not know it.
        case unknown
    }

    /// In one word.
    package var status: Status
    /// Its main process. A hint of the manager, not a proof of whose it is.
    package var pid: Int32?
    /// The manager's own word, for example `active`.
    package var state: String?
    /// A finer one, for example `running`, `auto-restart`.
    package var subState: String?
    /// How the last process ended: its exit code, or the signal's number.
    package var lastExitStatus: Int?
    /// The manager's word for the reason, for example `watchdog`, `exit-code`.
    package var lastExitReason: String?
    /// How often the manager restarted it by itself since it was last started by hand.
    package var restarts: Int?
    /// Whether it will be started at login or boot.
    package var isEnabled: Bool
    /// Why it is not known, for people.
    package var detail: String?
    /// Whether the manager has no such service although the file is there, or the file is gone.
    package var isMissing: Bool

    /// A runtime state; what is not said is not known.
    package init(
        status: Status, pid: Int32? = nil, state: String? = nil, subState: String? = nil, lastExitStatus: Int? = nil,
        lastExitReason: String? = nil, restarts: Int? = nil, isEnabled: Bool = false, detail: String? = nil,
        isMissing: Bool = false
    ) {
        self.status = status
        self.pid = pid
        self.state = state
        self.subState = subState
        self.lastExitStatus = lastExitStatus
        self.lastExitReason = lastExitReason
        self.restarts = restarts
        self.isEnabled = isEnabled
        self.detail = detail
        self.isMissing = isMissing
    }

    /// The `runtime` member of `gateway status --json`.
    package var json: JSONValue {
        .members([
            "status": .string(status.rawValue), "state": state.map(JSONValue.string),
            "subState": subState.map(JSONValue.string), "pid": pid.map { JSONValue(Int($0)) },
            "lastExitStatus": lastExitStatus.map { JSONValue($0) },
            "lastExitReason": lastExitReason.map(JSONValue.string), "restarts": restarts.map { JSONValue($0) },
            "detail": detail.map(JSONValue.string), "missingUnit": isMissing ? true : nil,
        ])
    }
}

/// Whether a service manager can be used now.
package enum ServiceAvailability: Sendable {
    /// It answers. The notes say what the owner should do so that the service lives as long as expected.
    case ready(notes: [String])
    /// It can't be used; the error says why and the one command that helps.
    case missing(JarvisError)
}

/// What an action on a service did.
package struct ServiceChange: Sendable {
    /// The family's words for it.
    package enum Result: String, Sendable {
        case installed, uninstalled, started, stopped, restarted
        case alreadyInstalled = "already-installed"
        case notLoaded = "not-loaded"
    }

    /// What was done.
    package var result: Result
    /// The service it was done to.
    package var service: InstalledService
    /// Files written, moved or removed, absolute.
    package var paths: [String]
    /// The copy of what was there before; nil when nothing was.
    package var backup: String?
    /// The state afterwards.
    package var runtime: ServiceRuntime?
    /// What the owner should know.
    package var warnings: [String]

    /// A change.
    package init(
        _ result: Result, _ service: InstalledService, paths: [String] = [], backup: String? = nil,
        runtime: ServiceRuntime? = nil, warnings: [String] = []
    ) {
        self.result = result
        self.service = service
        self.paths = paths
        self.backup = backup
        self.runtime = runtime
        self.warnings = warnings
    }
}

/// One kind of service manager. All calls block for as long as the manager takes (bounded, at most two minutes): keep
/// them off the cooperative pool and the event loop of a gateway.
package protocol ServiceManager: Sendable {
    /// Which.
    var kind: ServiceManagerKind { get }

    /// Whether it can be used now. Changes nothing.
    func availability() -> ServiceAvailability

    /// The services of this manager that lie on this host, from files alone. Never throws: what can't be read is left
    /// out.
    func installed() -> [InstalledService]

    /// What `install` will make of `unit`, without making it.
    func service(for unit: ServiceUnit) -> InstalledService

    /// Defines the service, has it started at login or boot, and starts it when `start` is true. A definition that is
    /// the same stays untouched (`alreadyInstalled`); another one is kept as `.bak`.
    ///
    /// - Throws: `service.foreign`, exit 2, when the place is taken by another instance or by something unknown;
    ///   `service.failed` when the manager refuses.
    func install(_ unit: ServiceUnit, start: Bool) throws -> ServiceChange

    /// Stops it, has it not started any more, and removes its definition. Additions of the user stay.
    ///
    /// - Throws: `service.failed`.
    func uninstall(_ service: InstalledService) throws -> ServiceChange

    /// Starts it and returns when it is up; clears an earlier failure first.
    ///
    /// - Throws: `service.failed` with the manager's reason.
    func start(_ service: InstalledService) throws -> ServiceChange

    /// Stops it and returns when it is down. It stays down until the next start, login or boot.
    ///
    /// - Throws: `service.failed`.
    func stop(_ service: InstalledService) throws -> ServiceChange

    /// Stops and starts it and returns when it is up again.
    ///
    /// - Throws: `service.failed`.
    func restart(_ service: InstalledService) throws -> ServiceChange

    /// Its state now.
    func runtime(of service: InstalledService) -> ServiceRuntime
}
