import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis debug precedence`.
struct DebugPrecedenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "precedence",
        abstract: "Print the truth table of flags and environment, one JSON document a line.",
        discussion: """
            Every combination over one made-up home; the tests check each line and docs/reference/precedence.md is \
            made from the same table.

            Examples:
              jarvis debug precedence | head -1

            Exit codes: 0 printed.
            """)

    @OptionGroup var json: JSONOption

    func run() {
        let lines = PrecedenceTable.combinations(PrecedenceTable.Axis.allCases).map { said in
            JSONWriter.string(PrecedenceTable.cell(said).json) + "\n"
        }
        Terminal.write(lines.joined())
    }
}
