import ArgumentParser
import JarvisConfig
import JarvisCore

/// `jarvis config validate`.
struct ConfigValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check the configuration with the loader that the gateway boots with.",
        discussion: """
            Examples:
              jarvis config validate
              jarvis config validate --json

            Exit codes: 0 no errors (warnings may be there); 1 errors, or no file; 2 no such instance.
            """)

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let instance = try context.existingInstance()
        let snapshot = context.configStore(instance).load()
        let isGood = snapshot.exists && snapshot.isValid
        CommandOutput(json: Self.json(snapshot), text: Self.text(snapshot, context.terminal)).show(json: json.isOn)
        if !isGood { throw ExitCode(1) }
    }

    private static func json(_ snapshot: ConfigSnapshot) -> JSONValue {
        .members([
            "valid": .bool(snapshot.exists && snapshot.isValid), "path": .string(snapshot.path),
            "exists": .bool(snapshot.exists), "usable": .bool(snapshot.isUsable), "hash": JSONValue(snapshot.hash),
            "sources": JSONValue(snapshot.sources), "issues": .array(snapshot.errors.map(\.json)),
            "warnings": .array(snapshot.warnings.map(\.json)), "disabledSections": JSONValue(snapshot.disabledSections),
        ])
    }

    private static func text(_ snapshot: ConfigSnapshot, _ terminal: Terminal) -> String {
        guard snapshot.exists else { return "No configuration at \(snapshot.path). To make one: jarvis setup" }
        var lines: [String] = []
        for issue in snapshot.errors + snapshot.warnings {
            let word = issue.severity == .error ? terminal.paint("error", .error) : terminal.paint("warning", .warn)
            let file = issue.file ?? snapshot.path
            let place = issue.line.map { "\(file):\($0):\(issue.column ?? 1)" } ?? file
            lines.append(
                "\(word)  \(place)\(issue.line.map { " (line \($0))" } ?? "")\n       \(issue.path): \(issue.message)")
        }
        for section in snapshot.disabledSections { lines.append("off: \(section), until its errors are mended") }
        let errors = snapshot.errors.count
        if errors > 0 {
            lines.append(
                "\(snapshot.path): \(errors) error\(errors == 1 ? "" : "s"), \(snapshot.warnings.count) warnings")
        } else {
            lines.append("\(terminal.paint("OK", .success)) \(snapshot.path), \(snapshot.warnings.count) warnings")
        }
        return lines.joined(separator: "\n")
    }
}
