import JarvisCore
import JarvisHost

/// The question before something goes away.
struct Consent {
    let context: CLIContext
    /// Whether `--yes` was given.
    let yes: Bool
    /// Whether stdout belongs to a document: then only `--yes` is an answer.
    let isQuiet: Bool

    /// Shows `list` and asks. The end of the input and everything but yes mean no.
    ///
    /// - Throws: `usage.confirm`, exit 2, when there is nobody to ask and no `--yes`.
    func ask(_ list: String, _ question: String, command: String) throws -> Bool {
        if yes { return true }
        guard context.terminal.canAsk, !isQuiet else {
            throw JarvisError(
                "usage.confirm", "\(list)\nNothing was changed: nobody can be asked here.",
                hint: "If you mean it: \(command)", exitCode: 2)
        }
        Terminal.write(list + "\n")
        do {
            return try Question.confirm(question, fallback: false)
        } catch is Question.Ended {
            Terminal.write("\n")
            return false
        }
    }

    /// Says that nothing happened.
    static func showCancelled(json: Bool) {
        CommandOutput(
            json: ["ok": true, "cancelled": true], text: "Cancelled. Nothing was changed."
        ).show(json: json)
    }
}
