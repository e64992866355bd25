import JarvisCore
import JarvisHost

/// One run of the doctor: whom it looks at, what it found, what it did.
struct DoctorVisit {
    private let cli: CLIContext
    private let instance: Instance?
    private let isDeep: Bool
    private let isForced: Bool
    private var context: DoctorContext
    private var results: [(footprint: Footprint, findings: [Finding])] = []
    private var done: [FixRunner.Done] = []
    private var failures: [(plan: FixPlan, error: Failure)] = []

    init(context cli: CLIContext, instance: Instance?, isDeep: Bool, isForced: Bool) throws {
        self.cli = cli
        self.instance = instance
        self.isDeep = isDeep
        self.isForced = isForced
        context = try DoctorContext(
            environment: cli.environment, version: Version.text, isDeep: isDeep, isForced: isForced,
            including: instance)
    }

    /// Whether nothing is wrong; information is not wrong.
    var isHealthy: Bool {
        failures.isEmpty && results.allSatisfy { $0.findings.allSatisfy { $0.severity == .info } }
    }

    /// What can be repaired.
    var plans: [FixPlan] { results.flatMap { $0.findings.compactMap(\.fix) } }

    /// The next repair of every gateway: one at a time, because each may change what the others rest on.
    var nextPlans: [FixPlan] { results.compactMap { $0.findings.compactMap(\.fix).first } }

    /// Whether a repair was refused or failed.
    var hasFailures: Bool { !failures.isEmpty }

    mutating func examine() {
        let chosen = context.footprints.filter {
            instance == nil || $0.instance.canonicalStateDirectory == instance?.canonicalStateDirectory
        }
        results = chosen.map { ($0, context.examine($0)) }
    }

    /// Looks at everything anew, after repairs.
    mutating func lookAgain() throws {
        context = try DoctorContext(
            environment: cli.environment, version: Version.text, isDeep: isDeep, isForced: isForced,
            including: instance)
        examine()
    }

    /// Carries the plans out. A plan that is refused stops none of the others. True when at least one was done.
    mutating func apply(_ plans: [FixPlan]) -> Bool {
        var succeeded = false
        for plan in plans {
            do {
                done.append(try FixRunner.apply(plan, context: context))
                succeeded = true
            } catch {
                failures.append((plan, Failure(error)))
            }
        }
        return succeeded
    }

    // MARK: Words

    func output(terminal: Terminal) -> CommandOutput { CommandOutput(json: json, text: text(terminal)) }

    private var json: JSONValue {
        .members([
            "ok": .bool(isHealthy),
            "instances": .array(
                results.map { footprint, findings -> JSONValue in
                    .members([
                        "name": .string(footprint.name), "instanceId": footprint.instanceId.map(JSONValue.string),
                        "stateDir": .string(footprint.instance.stateDirectory),
                        "command": .string(footprint.instance.command), "running": .bool(footprint.isRunning),
                        "findings": .array(findings.map(Self.json)),
                    ])
                }),
            "applied": .array(
                done.map { item in
                    var plan = item.plan.json
                    plan["undoId"] = item.undoId.map(JSONValue.string)
                    plan["undo"] = item.undoId.map { _ in .string(Self.undoCommand(item)) }
                    return plan
                }),
            "failed": .array(
                failures.map {
                    .members([
                        "plan": $0.plan.json, "code": .string($0.error.code), "message": .string($0.error.message),
                        "hint": $0.error.hint.map(JSONValue.string),
                    ])
                }),
        ])
    }

    private static func json(_ finding: Finding) -> JSONValue {
        .members([
            "id": .string(finding.id), "severity": .string(finding.severity.rawValue),
            "message": .string(finding.message), "evidence": JSONValue(finding.evidence),
            "next": finding.next.map(JSONValue.string), "fix": finding.fix?.json,
        ])
    }

    private static func undoCommand(_ done: FixRunner.Done) -> String {
        "\(done.plan.target.command) doctor --undo \(done.undoId ?? "")"
    }

    private func text(_ terminal: Terminal) -> String {
        guard !results.isEmpty else { return "There is no gateway on this host yet. Make one: jarvis setup" }
        var lines: [String] = []
        for item in done {
            lines.append("\(terminal.paint("repaired", .success)) \(item.plan.target.name): \(item.plan.title)")
            lines += item.plan.steps.map { "  \($0.title)" }
            if item.undoId != nil { lines.append("  Undo: \(Self.undoCommand(item))") }
        }
        for item in failures {
            lines.append("\(terminal.paint("not repaired", .error)) \(item.plan.target.name): \(item.error.message)")
            if let hint = item.error.hint { lines.append("  → \(hint)") }
        }
        if !lines.isEmpty { lines.append("") }
        for (footprint, findings) in results {
            lines.append(terminal.paint("\(footprint.name)  \(footprint.instance.stateDirectory)", .bold))
            for finding in findings { lines += Self.describe(finding, terminal) }
            lines.append("")
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    private static func describe(_ finding: Finding, _ terminal: Terminal) -> [String] {
        let style: Terminal.Style =
            switch finding.severity {
            case .info: .muted
            case .warning: .warn
            case .error: .error
            }
        var lines = ["  \(terminal.paint(finding.severity.rawValue, style))  \(finding.message)"]
        lines += finding.evidence.map { "      \($0)" }
        if let fix = finding.fix {
            lines.append("      repair: \(fix.title)")
            lines += fix.steps.map { "        \($0.title)" }
            lines.append("      → \(fix.target.command) doctor --fix")
        } else if let next = finding.next {
            lines.append("      → \(next)")
        }
        return lines
    }

    /// The plans as they are shown before they are carried out.
    static func describe(_ plans: [FixPlan]) -> String {
        plans.map { plan in
            (["\(plan.target.name): \(plan.title)"] + plan.steps.map { "  \($0.title)" }).joined(separator: "\n")
        }.joined(separator: "\n")
    }

    private var summary: String {
        let findings = results.flatMap(\.findings)
        let count = Humanize.count(results.count, "gateway")
        let errors = findings.count { $0.severity == .error }
        let warnings = findings.count { $0.severity == .warning }
        if errors + warnings == 0, failures.isEmpty { return "\(count): nothing is wrong." }
        return "\(count): \(Humanize.count(errors, "error")), \(Humanize.count(warnings, "warning"))."
    }
}
