/// What an instance is called by the service managers. Name ↔ profile is a bijection; a name alone is never proof of
/// whose service it is, only the instance id in the service's file is.
package struct ServiceNames: Sendable, Hashable {
    /// The profile; nil for the default instance.
    package let profile: ProfileName?

    /// The names for `profile`; nil means the default instance.
    package init(_ profile: ProfileName?) { self.profile = profile }

    /// The names for `instance`.
    package init(_ instance: Instance) { profile = instance.profile }

    /// `jarvis-gateway.service` or `jarvis-gateway-<profile>.service`.
    package var systemdUnit: String { "jarvis-gateway\(profile.map { "-\($0)" } ?? "").service" }

    /// `ai.jarvis.gateway` or `ai.jarvis.<profile>`. The profile `gateway` is reserved, so that the two can't meet.
    package var launchdLabel: String { "ai.jarvis.\(profile?.text ?? "gateway")" }

    /// `JARVIS Gateway` or `JARVIS Gateway (<profile>)`.
    package var taskName: String { "JARVIS Gateway\(profile.map { " (\($0))" } ?? "")" }

    /// The name that `manager` uses.
    package func name(for manager: ServiceManagerKind) -> String {
        switch manager {
        case .systemdUser, .systemdSystem, .builtin: systemdUnit
        case .launchd: launchdLabel
        case .schtasks: taskName
        }
    }

    /// `JARVIS Gateway (profile: <profile>, v<version>)` with the parts that exist.
    package func description(version: String?) -> String {
        let parts = [profile.map { "profile: \($0)" }, version.map { "v\($0)" }].compactMap { $0 }
        return "JARVIS Gateway" + (parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))")
    }
}

/// Who starts a gateway and looks after it.
package enum ServiceManagerKind: String, Sendable, Hashable, CaseIterable {
    /// The systemd manager of the user.
    case systemdUser = "systemd-user"
    /// The systemd manager of the machine.
    case systemdSystem = "systemd-system"
    /// launchd of macOS, as an agent of the user.
    case launchd
    /// Task Scheduler of Windows.
    case schtasks
    /// The supervisor that comes with this program.
    case builtin

    /// The family's word for it: `systemd`, `LaunchAgent`, `Scheduled Task`, `supervisor`.
    package var label: String {
        switch self {
        case .systemdUser, .systemdSystem: "systemd"
        case .launchd: "LaunchAgent"
        case .schtasks: "Scheduled Task"
        case .builtin: "supervisor"
        }
    }

    /// What a service is that will be started: `enabled`, `loaded`, `registered`.
    package var loadedText: String {
        switch self {
        case .systemdUser, .systemdSystem, .builtin: "enabled"
        case .launchd: "loaded"
        case .schtasks: "registered"
        }
    }

    /// What a service is that will not: `disabled`, `not loaded`, `missing`.
    package var notLoadedText: String {
        switch self {
        case .systemdUser, .systemdSystem, .builtin: "disabled"
        case .launchd: "not loaded"
        case .schtasks: "missing"
        }
    }
}

/// Where a service's definition lies, and so when it is started.
package enum ServiceScope: String, Sendable, Hashable, CaseIterable {
    /// The user's own; started at login, or at boot when the user lingers.
    case user
    /// The machine's; started at boot.
    case system
    /// Until the next login or boot.
    case session
}
