import ArgumentParser
import JarvisCore
import JarvisHost

/// `jarvis profile list`.
struct ProfileListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the profiles of this home, and those in the trash.",
        discussion: """
            Reads files and locks only; asks no gateway.

            Examples:
              jarvis profile list
              jarvis profile list --json

            Exit codes: 0 listed; 2 wrong usage.
            """)

    @OptionGroup var json: JSONOption

    func run() throws {
        let context = CLIContext.current
        let target = ProfileTarget(context)
        let found = try InstanceScanner.all(
            environment: target.environment, configuredPort: context.configuredPort)
        let trashed = try target.trash.entries()
        CommandOutput(
            json: [
                "profiles": .array(found.map(Self.json)),
                "trash": .array(trashed.map(ProfileTrashCommand.json)),
            ], text: text(found, trashed)
        ).show(json: json.isOn)
    }

    private static func json(_ sibling: SiblingInstance) -> JSONValue {
        .members([
            "profile": .string(sibling.displayName), "stateDir": .string(sibling.stateDirectory),
            "configPath": .string(sibling.configPath), "instanceId": JSONValue(sibling.instanceId),
            "port": sibling.port.map { JSONValue($0) } ?? .null, "running": .bool(sibling.isRunning),
        ])
    }

    private func text(_ found: [SiblingInstance], _ trashed: [Trash.Entry]) -> String {
        if found.isEmpty, trashed.isEmpty { return "There is no profile yet. Make one: jarvis setup" }
        var table = TextTable(header: ["profile", "port", "running", "state directory"])
        for sibling in found {
            table.add(
                sibling.displayName, sibling.port.map(String.init) ?? "-", sibling.isRunning ? "yes" : "no",
                sibling.stateDirectory)
        }
        for entry in trashed {
            table.add(entry.profile, "-", "in the trash", "jarvis profile trash restore \(entry.name)")
        }
        return table.text
    }
}
