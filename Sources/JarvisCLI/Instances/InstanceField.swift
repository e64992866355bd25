import JarvisCore
import JarvisHost

/// A value of an instance by its name in `--format`. What is not known is `-`, so that every line has as many words.
enum InstanceField: String, CaseIterable {
    case profile, instanceId, state, health, pid, version, port, controlPort, ports, uptime, memory, channels, browsers
    case lastMessage, service, exposure, drift, problems, lastError, stateDirectory, configPath, workspace, url, command

    /// All names, for messages.
    static let names = allCases.map(\.rawValue).joined(separator: ", ")

    /// The value. `now` makes times of the past readable as ages; without it they are ISO 8601, and sizes are numbers.
    func text(_ report: InstanceReport, _ now: EpochMilliseconds?) -> String {
        let value = plain(report, now).map(Humanize.printable) ?? "-"
        return value.isEmpty ? "-" : value
    }

    private func plain(_ report: InstanceReport, _ now: EpochMilliseconds?) -> String? {
        let gateway = report.attested
        switch self {
        case .profile: return report.sibling.displayName
        case .instanceId: return report.sibling.instanceId
        case .state: return report.state.rawValue
        case .health: return report.health.rawValue
        case .pid: return gateway.map { String($0.proof.pid) }
        case .version: return gateway?.version
        case .port: return report.port.map(String.init)
        case .controlPort: return gateway?.ports.browserControl.map(String.init)
        case .ports:
            return [report.port, gateway?.ports.browserControl].compactMap { $0.map(String.init) }
                .joined(separator: ",")
        case .uptime:
            return gateway.map { now == nil ? String($0.uptimeMs) : Humanize.duration(milliseconds: $0.uptimeMs) }
        case .memory: return gateway.map { now == nil ? String($0.rssBytes) : Humanize.bytes($0.rssBytes) }
        case .channels: return gateway?.channels.map(\.name).joined(separator: ",")
        case .browsers:
            return gateway?.browsers.filter { $0.state != "stopped" }.map(\.text).joined(separator: ",")
        case .lastMessage: return gateway?.lastMessageAt.map { Self.time($0, now) }
        case .service: return report.services.map(\.name).joined(separator: ",")
        case .exposure: return (gateway?.exposure ?? report.plannedExposure)?.text
        case .drift: return report.drift.map(\.code).joined(separator: ",")
        case .problems: return report.problems.map(\.code).joined(separator: ",")
        case .lastError:
            return gateway?.lastError.map { now == nil ? $0.message : "\(Self.time($0.at, now)): \($0.message)" }
        case .stateDirectory: return report.sibling.stateDirectory
        case .configPath: return report.sibling.configPath
        case .workspace: return report.workspace
        case .url: return report.url
        case .command: return report.command
        }
    }

    private static func time(_ time: EpochMilliseconds, _ now: EpochMilliseconds?) -> String {
        guard let now else { return WallClock.iso8601(time) }
        return Humanize.duration(milliseconds: now - time) + " ago"
    }
}

/// A line with `{field}` in it; `{{` and `}}` are braces.
struct InstanceTemplate {
    private enum Part {
        case text(String)
        case field(InstanceField)
    }

    private let parts: [Part]

    /// Reads a template.
    ///
    /// - Throws: `usage.value`, exit 2, for an unknown field, naming all of them.
    init(_ template: String) throws(JarvisError) {
        var parts: [Part] = []
        var text = ""
        var rest = Substring(template)
        while let letter = rest.first {
            rest.removeFirst()
            if letter == "{" || letter == "}", rest.first == letter {
                text.append(letter)
                rest.removeFirst()
            } else if letter == "{" {
                guard let end = rest.firstIndex(of: "}"), let field = InstanceField(rawValue: String(rest[..<end]))
                else {
                    let name = rest.prefix { $0 != "}" }.prefix(40)
                    throw JarvisError(
                        "usage.value", "--format: “{\(name)” is no field in braces.",
                        hint: "Fields: \(InstanceField.names).", exitCode: 2)
                }
                if !text.isEmpty { parts.append(.text(text)) }
                text = ""
                parts.append(.field(field))
                rest = rest[rest.index(after: end)...]
            } else {
                text.append(letter)
            }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
    }

    /// The line of one instance.
    func line(_ report: InstanceReport) -> String {
        parts.map { part in
            switch part {
            case .text(let text): text
            case .field(let field): field.text(report, nil)
            }
        }.joined()
    }
}
