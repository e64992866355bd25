import JarvisConfig
import JarvisCore

/// The machine-readable form: version 1 of the discovery contract, docs/reference/discovery.md. Members are added, never
/// renamed or removed, within one version; every member is always there, `null` when it is not known.
extension InstanceReport {
    /// The version of the contract.
    package static let contractVersion = 1

    /// One instance.
    package var json: JSONValue {
        .members([
            "profile": .string(sibling.displayName), "instanceId": JSONValue(sibling.instanceId),
            "stateDirectory": .string(sibling.stateDirectory), "configPath": .string(sibling.configPath),
            "workspace": .string(workspace), "command": .string(command), "state": .string(state.rawValue),
            "health": .string(health.rawValue), "pid": attested.map { JSONValue(Int($0.proof.pid)) } ?? .null,
            "version": JSONValue(attested?.version), "phase": JSONValue(attested?.phase), "port": Self.number(port),
            "portSource": JSONValue(attested?.portSource ?? plannedPort?.source.kind),
            "ports": [
                "gateway": Self.number(port),
                "browserControl": Self.number(attested?.ports.browserControl),
            ],
            "browsers": .array((attested?.browsers ?? []).map(\.json)),
            "url": JSONValue(url), "controlSocket": .string(controlSocket),
            "startedAtMs": attested.map { .int($0.startedAt) } ?? .null,
            "uptimeMs": attested.map { .int($0.uptimeMs) } ?? .null, "rssBytes": Self.number(attested?.rssBytes),
            "clients": Self.number(attested?.clients), "activeRuns": Self.number(attested?.activeRuns),
            "channels": .array(
                (attested?.channels ?? []).map { ["name": .string($0.name), "state": .string($0.state)] }),
            "lastMessageAtMs": attested?.lastMessageAt.map(JSONValue.int) ?? .null,
            "lastError": attested?.lastError.map { ["atMs": .int($0.at), "message": .string($0.message)] } ?? .null,
            "services": .array(services.map(\.json)), "supervisedBy": JSONValue(attested?.supervisedBy.rawValue),
            "executable": JSONValue(attested?.executable), "exposure": exposure,
            "drift": .array(drift.map(\.json)), "problems": .array(problems.map(\.json)),
        ])
    }

    /// The address for clients on this host; nil when the port is not known.
    package var url: String? { port.map { "ws://127.0.0.1:\($0)" } }

    /// Who can reach it now, or after the next start when it does not run; `null` when the configuration can't be read.
    private var exposure: JSONValue {
        if let live = attested?.exposure {
            return [
                "bind": .string(live.bind), "hosts": JSONValue(live.hosts), "isExposed": .bool(live.isExposed),
                "auth": .string(live.auth), "isLive": true,
            ]
        }
        guard let planned = plannedExposure else { return .null }
        return [
            "bind": .string(planned.bind), "hosts": [], "isExposed": .bool(planned.isExposed),
            "auth": .string(planned.auth), "isLive": false,
        ]
    }

    /// What the configuration asks for; nil when it can't be read. Flags and variables of a start may say otherwise.
    package var plannedExposure: AttestedGateway.Exposure? {
        guard let config, config.isUsable else { return nil }
        let gateway = config.config.gateway
        let bind = gateway.bind == .auto ? "loopback" : gateway.bind.rawValue
        let auth = gateway.auth.mode?.rawValue ?? (gateway.auth.password != nil ? "password" : "token")
        return AttestedGateway.Exposure(bind: bind, hosts: [], isExposed: gateway.asksForExposure, auth: auth)
    }

    private static func number(_ value: Int?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
}

extension AttestedGateway.Browser {
    /// As the gateway says it.
    package var json: JSONValue {
        [
            "profile": .string(profile), "state": .string(state), "pid": pid.map { JSONValue(Int($0)) } ?? .null,
            "cdpPort": cdpPort.map { JSONValue($0) } ?? .null, "reason": JSONValue(reason),
        ]
    }
}

extension InstanceReport.Finding {
    /// `{code, message}`.
    package var json: JSONValue { ["code": .string(code), "message": .string(message)] }
}

/// The exit code of `jarvis instances`: a bit field that leaves 1 (failed) and 2 (wrong usage) their meaning.
package struct InstanceAlarm: OptionSet, Sendable {
    /// The bits.
    package let rawValue: Int32
    /// A set from its bits.
    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// 4: an instance that should run does not.
    package static let down = InstanceAlarm(rawValue: 4)
    /// 8: somebody holds a state directory and does not answer, or can't prove to be its gateway.
    package static let silent = InstanceAlarm(rawValue: 8)
    /// 16: drift or overlap: what runs is not what is configured or installed, or two instances are too close.
    package static let drift = InstanceAlarm(rawValue: 16)
    /// 32: something is broken: unreadable state, unusable configuration, a copied state directory, a failed store.
    package static let broken = InstanceAlarm(rawValue: 32)

    /// What is wrong with `reports`.
    package init(_ reports: [InstanceReport]) {
        self = reports.reduce(into: []) { alarm, report in
            if report.health == .down { alarm.insert(.down) }
            if report.refusal != nil { alarm.insert(.silent) }
            if !report.drift.isEmpty { alarm.insert(.drift) }
            if report.problems.contains(where: { !$0.code.hasPrefix("gateway.") }) { alarm.insert(.broken) }
        }
    }
}
