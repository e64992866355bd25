import ArgumentParser
import JarvisCore

/// `jarvis config undo`.
struct ConfigUndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo",
        abstract: "Take one change back; what was changed since elsewhere stays.",
        discussion: """
            Example:
              jarvis config undo 3f9a0c12b4d5

            Exit codes: 0 taken back; 1 unknown id, or the same keys were changed again since.
            """)

    @Argument(help: "The id that the change printed; also in “jarvis config journal”.")
    var id: String

    @OptionGroup var json: JSONOption

    func run() async throws {
        let id = id
        try await ConfigChange.perform(.current, title: "Undid \(id)", asksForJSON: json.isOn) {
            store throws(JarvisError) in
            try store.undo(id, actor: "cli")
        }
    }
}
