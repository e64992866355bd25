import JarvisCore
import JarvisHost

/// The instances as a table for people: one line each, then what is wrong.
struct InstanceTable {
    let reports: [InstanceReport]
    let now: EpochMilliseconds
    let version: String

    func text(_ terminal: Terminal) -> String {
        guard !reports.isEmpty else { return "There is no gateway on this host yet. Make one: jarvis setup" }
        let columns = Self.columns.filter { column in
            column.isAlwaysShown || reports.contains { column.value($0, now) != "-" }
        }
        var table = TextTable(header: columns.map(\.title))
        for report in reports {
            table.add(columns.map { Humanize.line($0.value(report, now), width: $0.width) })
        }
        var lines = [table.text]
        for report in reports {
            for finding in report.problems + report.drift {
                let mark = terminal.paint("!", .warn)
                lines.append("\(mark) \(Self.name(report)): \(Humanize.line(finding.message, width: 400))")
            }
        }
        return lines.joined(separator: "\n")
    }

    private struct Column: Sendable {
        var title: String
        var width = 60
        var isAlwaysShown = false
        var value: @Sendable (InstanceReport, EpochMilliseconds) -> String
    }

    private static let columns: [Column] = [
        Column(title: "PROFILE", width: 66, isAlwaysShown: true) { report, _ in name(report) },
        Column(title: "STATE", isAlwaysShown: true) { report, _ in report.state.rawValue },
        Column(title: "HEALTH", isAlwaysShown: true) { report, _ in report.health.rawValue },
        Column(title: "PID") { report, _ in InstanceField.pid.text(report, nil) },
        Column(title: "VERSION") { report, _ in InstanceField.version.text(report, nil) },
        Column(title: "PORTS", isAlwaysShown: true) { report, _ in InstanceField.ports.text(report, nil) },
        Column(title: "UPTIME") { report, now in InstanceField.uptime.text(report, now) },
        Column(title: "MEMORY") { report, now in InstanceField.memory.text(report, now) },
        Column(title: "CHANNELS", width: 30) { report, _ in InstanceField.channels.text(report, nil) },
        Column(title: "BROWSERS", width: 30) { report, _ in InstanceField.browsers.text(report, nil) },
        Column(title: "LAST") { report, now in InstanceField.lastMessage.text(report, now) },
        Column(title: "SERVICE", width: 50) { report, _ in InstanceField.service.text(report, nil) },
        Column(title: "EXPOSURE") { report, _ in InstanceField.exposure.text(report, nil) },
        Column(title: "DRIFT", width: 30) { report, _ in InstanceField.drift.text(report, nil) },
        Column(title: "LAST ERROR", width: 50) { report, now in InstanceField.lastError.text(report, now) },
    ]

    /// The profile; with the place when that is not the usual one.
    private static func name(_ report: InstanceReport) -> String {
        let usual = ".jarvis" + (report.sibling.profile.map { "-\($0)" } ?? "")
        let isUsual = HostPath.lastComponent(report.sibling.stateDirectory) == usual
        return isUsual ? report.sibling.displayName : "\(report.sibling.displayName) (\(report.sibling.stateDirectory))"
    }
}
