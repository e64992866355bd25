import ArgumentParser
import JarvisCore

/// `jarvis sessions export`.
struct SessionsExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a conversation as JSON lines (transcript format, version 3).",
        discussion: """
            Examples:
              jarvis sessions export main > main.jsonl
              jarvis sessions export agent:main:work --output work.jsonl

            Exit codes: 0 written; 1 no such conversation, not running, or the file can't be written; 2 wrong usage.
            """)

    @Argument(help: "The session's key, for example main or agent:main:work.")
    var key: String = "main"

    @Option(name: [.short, .long], help: "The file to write (0600); standard output when absent.")
    var output: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let client = try await connection.connect(context)
        defer { client.close() }
        let answer = try await client.call("sessions.export", ["key": .string(key)], timeout: connection.wait)
        let lines = answer["lines"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let text = lines.map { $0 + "\n" }.joined()
        guard let output else {
            Terminal.write(json.isOn ? JSONWriter.pretty(answer) + "\n" : text)
            return
        }
        let path = try context.absolutePath(output)
        try DurableFile.write(Array(text.utf8), to: path)
        CommandOutput(
            json: [
                "ok": true, "key": answer["key"] ?? .string(key), "sessionId": answer["sessionId"] ?? .null,
                "path": .string(path), "lines": JSONValue(lines.count),
            ], text: "Wrote \(lines.count) lines of \(answer["key"]?.stringValue ?? key) to \(path)"
        ).show(json: json.isOn)
    }
}
