import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis fleet check`.
struct FleetCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Prove that the gateways of this host share nothing.",
        discussion: """
            Finds out for every gateway all that it can touch (places by their real identity, ports, services, bot \
            accounts, browser data, names) and shows what belongs to two. Bot credentials are compared by a keyed \
            hash and never shown. Creates nothing and asks no gateway.

            Examples:
              jarvis fleet check
              jarvis fleet check --json

            Exit codes: 0 they share nothing; 1 something belongs to two; 2 wrong usage.
            """)

    @Flag(help: "Also list everything that each gateway can touch.")
    var all = false

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let footprints = try FleetCheck.footprints(environment: context.environment)
        let report = FleetReport(footprints: footprints, overlaps: FleetCheck.overlaps(footprints))
        report.output(all: all, terminal: context.terminal).show(json: json.isOn)
        if !report.isDisjoint { throw ExitCode(1) }
    }
}

/// What `fleet check` says.
struct FleetReport {
    let footprints: [Footprint]
    let overlaps: [Overlap]

    var isDisjoint: Bool { !overlaps.contains { $0.severity == .conflict } }

    func output(all: Bool, terminal: Terminal) -> CommandOutput {
        CommandOutput(json: json, text: text(all: all, terminal: terminal))
    }

    private var json: JSONValue {
        [
            "ok": .bool(isDisjoint), "instances": .array(footprints.map(\.json)),
            "overlaps": .array(overlaps.map(\.json)),
            "matrix": .array(footprints.map { row in .array(footprints.map { .string(cell(row, $0)) }) }),
        ]
    }

    private func text(all: Bool, terminal: Terminal) -> String {
        guard !footprints.isEmpty else { return "There is no gateway on this host yet. Make one: jarvis setup" }
        var table = TextTable(header: [""] + footprints.map(\.name))
        for row in footprints { table.add([row.name] + footprints.map { cell(row, $0) }) }
        var lines = [table.text, ""]
        for overlap in overlaps { lines += describe(overlap, terminal) }
        for footprint in footprints {
            lines += footprint.unknown.map { "not known of “\(footprint.name)”: \($0)" }
        }
        if all {
            for footprint in footprints {
                lines += ["", "\(footprint.name) (\(footprint.instanceId ?? "no id yet"))"]
                var claims = TextTable()
                for claim in footprint.claims {
                    let idle = claim.isActive ? "" : " (not in use)"
                    claims.add("  \(claim.kind.title)", claim.value, claim.purpose + idle)
                }
                lines.append(claims.text)
            }
            lines.append("")
        }
        lines.append(summary)
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        let conflicts = overlaps.filter { $0.severity == .conflict }.count
        let count = footprints.count == 1 ? "1 gateway" : "\(footprints.count) gateways"
        return conflicts == 0 ? "\(count): they share nothing." : "\(count): \(conflicts) overlaps."
    }

    private func describe(_ overlap: Overlap, _ terminal: Terminal) -> [String] {
        let word = overlap.severity == .conflict ? terminal.paint("overlap", .error) : "note"
        return [
            "\(word): \(overlap.kind.title) \(overlap.value)", "  \(overlap.a.title): \(overlap.a.purpose)",
            "  \(overlap.b.title): \(overlap.b.purpose)", "  \(overlap.why)", "  → \(overlap.next)",
        ]
    }

    /// `·` nothing, `-` itself, else a letter for each sort of overlap with its number when above one; notes are small
    /// letters.
    private func cell(_ row: Footprint, _ column: Footprint) -> String {
        let (one, other) = (row.instance.stateDirectory, column.instance.stateDirectory)
        if one == other { return "-" }
        let shared = overlaps.filter { Set([$0.a.stateDirectory, $0.b.stateDirectory]) == Set([one, other]) }
        var letters: [String] = []
        for kind in Claim.Kind.allCases {
            for (severity, letter) in [(Overlap.Severity.conflict, kind.letter), (.note, kind.letter.lowercased())] {
                let count = shared.filter { $0.kind == kind && $0.severity == severity }.count
                if count > 0 { letters.append(count > 1 ? "\(letter)\(count)" : letter) }
            }
        }
        return letters.isEmpty ? "·" : letters.joined(separator: " ")
    }
}
