import ArgumentParser
import JarvisCore

/// `jarvis health`.
struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask the running gateway for its health.",
        discussion: """
            Examples:
              jarvis health
              jarvis --profile rescue health --json

            Exit codes: 0 healthy; 1 not healthy or not running.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let health = try await client.call("health", timeout: connection.wait)
        let isOk = health["ok"]?.boolValue ?? false
        var lines = [isOk ? "OK" : "not healthy"]
        lines[0] += ", answered in \(health["durationMs"]?.intValue ?? 0) ms"
        let agents = health["agents"]?.arrayValue?.compactMap { $0["agentId"]?.stringValue } ?? []
        lines.append("agents: \(agents.isEmpty ? "none" : agents.joined(separator: ", "))")
        lines.append("sessions: \(health["sessions"]?["count"]?.intValue ?? 0)")
        let channels = health["channels"]?.objectValue?.keys.joined(separator: ", ") ?? ""
        lines.append("channels: \(channels.isEmpty ? "none" : channels)")
        CommandOutput(json: health, text: lines.joined(separator: "\n")).show(json: json.isOn)
        if !isOk { throw ExitCode(1) }
    }
}
