import ArgumentParser
import JarvisCore

/// `jarvis config journal`.
struct ConfigJournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Show who changed what, and the ids to take it back.",
        discussion: """
            Example:
              jarvis config journal --limit 5

            Exit codes: 0 shown; 2 no such instance.
            """)

    @Option(help: "At most so many changes, the newest.")
    var limit: Int = 20

    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be 1 to 10000.") }
    }

    func run() throws {
        let context = CLIContext.current
        let entries = context.configStore(try context.existingInstance()).journal(limit: limit)
        var table = TextTable(header: ["UNDO ID", "WHEN", "WHO", "WHAT", "KEYS"])
        for entry in entries {
            table.add(
                entry.undoId, entry.ts, Humanize.line(entry.actor, width: 24), entry.event,
                Humanize.line(entry.keys.joined(separator: ", "), width: 60))
        }
        CommandOutput(
            json: ["entries": .array(entries.map(\.json))], text: entries.isEmpty ? "No changes yet." : table.text
        ).show(json: json.isOn)
    }
}
