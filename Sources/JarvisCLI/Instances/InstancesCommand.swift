import ArgumentParser
import JarvisCore
import JarvisHost
import Synchronization

/// `jarvis instances`.
struct InstancesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances",
        abstract: "Show every gateway of this user, running or not.",
        discussion: """
            Reads the disk and challenges each running gateway over its control socket. A pid is shown only of a \
            gateway that proved itself; one that is stuck is “not-answering”. Creates nothing.

            Fields of --format: \(InstanceField.names).

            Examples:
              jarvis ls
              jarvis ls --json
              jarvis ls --watch
              jarvis ls --format '{profile} {state} {port}'

            Exit codes: a sum. 0 all well; 4 an instance that should run does not (it has a service, or its last \
            gateway died); 8 one does not answer or can't prove itself; 16 drift or overlap; 32 something is broken. \
            1 and 2 keep their meaning: failed, wrong usage.
            """,
        aliases: ["ls"])

    @Flag(help: "Go on and show changes until Ctrl-C: redrawn on a terminal, else one JSON document a line.")
    var watch = false

    @Option(help: ArgumentHelp("How often --watch looks, in seconds.", valueName: "s"))
    var interval: Double = 2

    @Option(help: ArgumentHelp("One line for each instance, with {field} for its values.", valueName: "template"))
    var format: String?

    @Option(help: ArgumentHelp("How long to wait for one gateway, in milliseconds.", valueName: "ms"))
    var timeout: Int = 1500

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard (0.1...3600).contains(interval) else { throw ValidationError("--interval must be 0.1 to 3600 seconds.") }
        guard (1...60_000).contains(timeout) else {
            throw ValidationError("--timeout must be 1 to 60000 milliseconds.")
        }
        if format != nil, json.isOn { throw ValidationError("--format and --json exclude each other.") }
    }

    func run() async throws {
        let context = CLIContext.current
        let template = try format.map(InstanceTemplate.init)
        if watch {
            try await follow(context, template)
            return
        }
        let reports = try await gather(context)
        let alarm = InstanceAlarm(reports)
        if let template {
            Terminal.write(reports.map { template.line($0) + "\n" }.joined())
        } else {
            let table = InstanceTable(reports: reports, now: WallClock.system.now(), version: Version.text)
            CommandOutput(json: Self.document(reports, alarm), text: table.text(context.terminal)).show(json: json.isOn)
        }
        if !alarm.isEmpty { throw ExitCode(alarm.rawValue) }
    }

    /// The document of the discovery contract.
    private static func document(_ reports: [InstanceReport], _ alarm: InstanceAlarm) -> JSONValue {
        [
            "version": JSONValue(InstanceReport.contractVersion), "program": .string(Version.text),
            "alarm": JSONValue(Int(alarm.rawValue)), "instances": .array(reports.map(\.json)),
        ]
    }

    private func gather(_ context: CLIContext) async throws -> [InstanceReport] {
        let environment = context.environment
        let timeout = Duration.milliseconds(timeout)
        return try await OffThePool.run {
            try InstanceCatalog.gather(
                environment: environment, version: Version.text, timeout: timeout, deadline: timeout * 2)
        }
    }

    private func follow(_ context: CLIContext, _ template: InstanceTemplate?) async throws {
        var changes = InstanceChanges()
        let isDrawn = context.terminal.isInteractive && !json.isOn
        while true {
            let reports = try await gather(context)
            if isDrawn {
                let table = InstanceTable(reports: reports, now: WallClock.system.now(), version: Version.text)
                let text = template.map { template in reports.map { template.line($0) }.joined(separator: "\n") }
                Terminal.write("\u{1B}[H\u{1B}[2J" + (text ?? table.text(context.terminal)) + "\n")
            } else {
                let lines = changes.next(reports).map { change in
                    (template?.line(change.report) ?? JSONWriter.string(change.json)) + "\n"
                }
                if !lines.isEmpty { Terminal.write(lines.joined()) }
            }
            try await Task.sleep(for: .seconds(interval))
        }
    }
}

/// What became of the instances since the last look. Uptime, memory and counters alone are no change.
struct InstanceChanges {
    /// One of them.
    struct Change {
        /// `added`, `changed`, `removed`.
        var event: String
        var report: InstanceReport

        var json: JSONValue {
            [
                "version": JSONValue(InstanceReport.contractVersion), "event": .string(event),
                "atMs": .int(WallClock.system.now()), "instance": report.json,
            ]
        }
    }

    private var known: [String: (key: JSONValue, report: InstanceReport)] = [:]

    /// Compares with the last look and remembers this one.
    mutating func next(_ reports: [InstanceReport]) -> [Change] {
        var changes: [Change] = []
        var seen: Set<String> = []
        for report in reports {
            let place = report.canonicalStateDirectory
            seen.insert(place)
            let key = Self.stable(report.json)
            let old = known.updateValue((key, report), forKey: place)
            if old == nil { changes.append(Change(event: "added", report: report)) }
            if let old, old.key != key { changes.append(Change(event: "changed", report: report)) }
        }
        for place in known.keys.sorted() where !seen.contains(place) {
            if let gone = known.removeValue(forKey: place) {
                changes.append(Change(event: "removed", report: gone.report))
            }
        }
        return changes
    }

    private static func stable(_ json: JSONValue) -> JSONValue {
        var json = json
        for name in ["uptimeMs", "rssBytes", "clients", "activeRuns", "lastMessageAtMs"] { json[name] = nil }
        return json
    }
}
