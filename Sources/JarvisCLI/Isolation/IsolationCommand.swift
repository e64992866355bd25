import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis isolation`.
struct IsolationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "isolation",
        abstract: "Prove that a gateway stays inside its own places.",
        discussion: """
            Example:
              jarvis isolation test
            """,
        subcommands: [IsolationTestCommand.self])
}

/// `jarvis isolation test`.
struct IsolationTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the profile in a decoy home full of other profiles and report what it touches of them.",
        discussion: """
            Makes a temporary home with a fresh gateway of the profile beside full profiles of others, starts it, uses \
            it, restarts it, stops it, and reports every file outside its own places that was made, changed, renamed, \
            removed or opened. The real gateways, their files and ports are not used. Takes some seconds.

            Examples:
              jarvis isolation test
              jarvis --profile rescue isolation test --json

            Exit codes: 0 nothing was touched; 1 something was, or the gateway could not be run; 2 wrong usage.
            """)

    #if DEBUG
        @Option(help: ArgumentHelp("Also run this planted leak in the decoy home.", visibility: .hidden))
        var plant: [Int] = []
    #endif

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let profile = try context.instance().profile
        let program = try EntryPath.current(name: "", environment: context.environment).path
        let probe = IsolationProbe(program: program, profile: profile, environment: context.environment, extra: plants)
        let report = try probe.run()
        let isClean = report.touches.isEmpty && report.isDriven
        CommandOutput(json: Self.json(report, profile, isClean), text: Self.text(report, isClean))
            .show(json: json.isOn)
        if !isClean { throw ExitCode(1) }
    }

    private var plants: [[String]] {
        #if DEBUG
            plant.map { ["debug", "leak", String($0)] }
        #else
            []
        #endif
    }

    private static func json(
        _ report: IsolationProbe.Report, _ profile: ProfileName?, _ isClean: Bool
    ) -> JSONValue {
        [
            "ok": .bool(isClean), "profile": .string(profile?.text ?? "default"),
            "canaries": JSONValue(report.canaries), "complete": .bool(report.isComplete),
            "touches": .array(
                report.touches.map {
                    [
                        "path": .string($0.path), "action": .string($0.action), "witnesses": JSONValue($0.witnesses),
                    ]
                }),
            "steps": .array(
                report.steps.map { step -> JSONValue in
                    .members([
                        "command": JSONValue(step.words), "exitCode": JSONValue(Int(step.exitCode)),
                        "complaint": step.complaint.map(JSONValue.string),
                    ])
                }),
        ]
    }

    private static func text(_ report: IsolationProbe.Report, _ isClean: Bool) -> String {
        var lines: [String] = []
        for step in report.steps where step.exitCode != 0 {
            lines.append(
                "failed: \(step.words.joined(separator: " ")) ended with \(step.exitCode)"
                    + (step.complaint.map { ": \($0)" } ?? ""))
        }
        var table = TextTable()
        for touch in report.touches { table.add(touch.action, touch.path, touch.witnesses.joined(separator: ", ")) }
        if !report.touches.isEmpty { lines += ["Touched outside its own places:", table.text] }
        if !report.isComplete {
            lines.append("note: this system does not tell who opens a file; only changes were looked for")
        }
        let count = "\(report.canaries) paths of others"
        lines.append(
            isClean
                ? "The gateway was started, used, restarted and stopped beside \(count): none was touched."
                : "\(report.touches.count) touches of \(count).")
        return lines.joined(separator: "\n")
    }
}
