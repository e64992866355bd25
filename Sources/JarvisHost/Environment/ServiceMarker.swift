/// Who keeps this process running, by the marks that a service manager leaves in the environment. A hint for people and
/// for the choice of an exit code; never proof.
package enum ServiceMarker {
    /// A keeper.
    package enum Supervisor: String, Sendable, Hashable, CaseIterable {
        /// systemd, user or system.
        case systemd
        /// launchd.
        case launchd
        /// The Windows Task Scheduler.
        case schtasks
        /// The built-in supervisor.
        case builtin
        /// Nobody: a terminal, a script.
        case none
    }

    /// The keeper that `environment` speaks of: `JARVIS_SERVICE_MARKER` (one of the names above; the built-in supervisor
    /// and the unit files set it), else systemd's `NOTIFY_SOCKET` or `INVOCATION_ID` or launchd's `XPC_SERVICE_NAME`
    /// beside `JARVIS_SERVICE_KIND=gateway`. A shell inside a service inherits systemd's marks too, so that without ours
    /// they only count when `NOTIFY_SOCKET` asks for a notice.
    package static func supervisor(_ environment: HostEnvironment) -> Supervisor {
        if let named = environment["JARVIS_SERVICE_MARKER"].flatMap(Supervisor.init(rawValue:)) { return named }
        if environment["NOTIFY_SOCKET"] != nil { return .systemd }
        guard environment["JARVIS_SERVICE_KIND"] == "gateway" else { return .none }
        if environment["INVOCATION_ID"] != nil || environment["JARVIS_SYSTEMD_UNIT"] != nil { return .systemd }
        if environment["JARVIS_WINDOWS_TASK_NAME"] != nil { return .schtasks }
        if let name = environment["XPC_SERVICE_NAME"], name != "0" { return .launchd }
        return environment["JARVIS_LAUNCHD_LABEL"] != nil ? .launchd : .none
    }
}
