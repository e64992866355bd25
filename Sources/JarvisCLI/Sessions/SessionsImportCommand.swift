import ArgumentParser
import JarvisCore

/// `jarvis sessions import`.
struct SessionsImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make a conversation from JSON lines (transcript format, version 3).",
        discussion: """
            A line that a crash cut off at the end of the file is dropped and counted; a bad line before that is refused \
            with its number.

            Examples:
              jarvis sessions import main.jsonl --as agent:main:copy
              jarvis sessions import - --as work < work.jsonl

            Exit codes: 0 imported; 1 unreadable file, bad line, key in use or not running; 2 wrong usage.
            """)

    @Argument(help: "The file; - for standard input.")
    var file: String

    @Option(name: .customLong("as"), help: "The key of the new conversation. Default: imported-<start of its id>.")
    var key: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let bytes =
            file == "-" ? try Terminal.readStandardInput() : try DurableFile.read(try context.absolutePath(file))
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        let key = key ?? Self.key(head: lines.first ?? "")
        let client = try await connection.connect(context)
        defer { client.close() }
        let answer = try await client.call(
            "sessions.import", ["key": .string(key), "lines": JSONValue(lines)],
            timeout: max(connection.wait, .seconds(60)))
        let dropped = answer["dropped"]?.intValue ?? 0
        var text = "Imported \(answer["imported"]?.intValue ?? 0) entries as \(answer["key"]?.stringValue ?? key)"
        if dropped > 0 { text += "\n\(dropped) cut-off line at the end was dropped" }
        CommandOutput(json: answer, text: text).show(json: json.isOn)
    }

    /// A key from the id in the transcript's head.
    private static func key(head: String) -> String {
        let id = (try? JSONParser.parse(head))?["id"]?.stringValue ?? ""  // a bad head is refused by the import itself
        let start = id.lowercased().filter { $0.isHexDigit }.prefix(8)
        return "agent:main:imported-\(start.isEmpty ? Substring(Identifiers.randomHex(bytes: 4)) : start)"
    }
}
