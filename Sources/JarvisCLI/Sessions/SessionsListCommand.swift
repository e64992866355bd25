import ArgumentParser
import JarvisCore

/// `jarvis sessions list`.
struct SessionsListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List conversations, newest first.",
        discussion: """
            Examples:
              jarvis sessions list --limit 10
              jarvis sessions list --active 60 --json

            Exit codes: 0 listed; 1 the gateway is not running; 2 wrong usage.
            """)

    @Option(help: "At most so many.")
    var limit: Int = 50

    @Option(help: "Only those with something new in the last so many minutes.")
    var active: Int?

    @Option(help: "Only those of this agent.")
    var agent: String?

    @Option(help: "Only those whose key, title or label holds this text.")
    var search: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be 1 to 10000.") }
        if let active, active < 1 { throw ValidationError("--active must be at least 1 minute.") }
    }

    func run() async throws {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let answer = try await client.call(
            "sessions.list",
            .members([
                "limit": JSONValue(limit), "activeMinutes": active.map { JSONValue($0) },
                "agentId": agent.map(JSONValue.string), "search": search.map(JSONValue.string),
                "includeDerivedTitles": true,
            ]), timeout: connection.wait)
        CommandOutput(json: answer, text: Self.table(answer)).show(json: json.isOn)
    }

    static func table(_ answer: JSONValue) -> String {
        let rows = answer["sessions"]?.arrayValue ?? []
        if rows.isEmpty { return "No conversations yet." }
        let now = Int64(answer["ts"]?.intValue ?? 0)
        var table = TextTable(header: ["KEY", "CHANGED", "TOKENS", "MODEL", "TITLE"])
        for row in rows {
            let updated = Int64(row["updatedAt"]?.intValue ?? 0)
            let title = row["label"]?.stringValue ?? row["derivedTitle"]?.stringValue ?? ""
            table.add(
                row["key"]?.stringValue ?? "", Humanize.duration(milliseconds: now - updated) + " ago",
                String(row["totalTokens"]?.intValue ?? 0), row["model"]?.stringValue ?? "",
                Humanize.line(title, width: 40))
        }
        return table.text
    }
}
