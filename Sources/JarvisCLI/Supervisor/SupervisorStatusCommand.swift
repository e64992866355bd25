import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis supervisor status`.
struct SupervisorStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show the supervisor and the gateways in its care.",
        discussion: """
            Examples:
              jarvis supervisor status
              jarvis supervisor status --json

            Exit codes: 0 it runs and every wanted gateway is up, or there is nothing to keep; 1 otherwise.
            """)

    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let directory = try SupervisorDirectory(environment: context.environment)
        let wishes = directory.wishes()
        let isServed = directory.isServed
        let boot = BootEntry(directory: directory, environment: context.environment).isPresent()
        let rows = wishes.map { Row($0, directory) }
        let isWell = rows.allSatisfy(\.isWell) && (isServed || wishes.isEmpty)
        var table = TextTable()
        for row in rows { table.add("  \(row.wish.profile)", row.text(isServed: isServed)) }
        let head =
            isServed
            ? "The supervisor runs\(directory.servedBy.map { " (pid \($0))" } ?? "")."
            : wishes.isEmpty
                ? "No gateway is in the care of the supervisor."
                : "The supervisor does not run: jarvis supervisor run --detach"
        let atBoot = boot.map { $0 ? "by crontab (@reboot)" : "no" } ?? "no crontab on this host"
        CommandOutput(
            json: .members([
                "ok": .bool(isWell), "running": .bool(isServed),
                "pid": directory.servedBy.map { JSONValue(Int($0)) }, "directory": .string(directory.path),
                "log": .string(directory.log), "startedAtBoot": boot.map { .bool($0) },
                "instances": .array(rows.map(\.json)),
            ]),
            text: ([head] + (rows.isEmpty ? [] : [table.text])
                + (wishes.isEmpty ? [] : ["Started at boot: \(atBoot)."]))
                .joined(separator: "\n")
        ).show(json: json.isOn)
        if !isWell { throw ExitCode(1) }
    }

    /// One gateway in its care.
    private struct Row {
        let wish: SupervisedInstance
        let report: SupervisedReport?
        let isUp: Bool

        init(_ wish: SupervisedInstance, _ directory: SupervisorDirectory) {
            self.wish = wish
            report = directory.report(of: wish.instanceId)
            isUp = StateDirectoryLock.isHolderAlive(stateDirectory: wish.stateDirectory)
        }

        var isWell: Bool { isUp == wish.isWanted }

        /// What is true of it now; the report of a dead supervisor is old.
        func text(isServed: Bool) -> String {
            guard isServed, let report else { return isUp ? "up, unsupervised" : "down" }
            var words = [report.phase.rawValue]
            if let pid = report.pid { words.append("(pid \(pid))") }
            if report.restarts > 0 { words.append("\(report.restarts) restart\(report.restarts == 1 ? "" : "s")") }
            if !report.reason.isEmpty { words.append("– \(report.reason)") }
            if let next = report.nextAttempt {
                words.append("– next attempt in \(max(0, (next - WallClock.system.now() + 999) / 1000)) s")
            }
            if report.phase == .parked { words.append("– start it: \(wish.controlTarget.command) gateway start") }
            return words.joined(separator: " ")
        }

        var json: JSONValue {
            var json = report?.json ?? [:]
            json["version"] = nil
            json["instanceId"] = .string(wish.instanceId)
            json["profile"] = .string(wish.profile)
            json["stateDir"] = .string(wish.stateDirectory)
            json["wanted"] = .bool(wish.isWanted)
            json["up"] = .bool(isUp)
            return json
        }
    }
}
