import ArgumentParser
import JarvisCore
import JarvisFormats

/// `jarvis gateway call`: one method of the protocol.
struct GatewayCallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call",
        abstract: "Call a method of a running gateway and print its answer as JSON.",
        discussion: """
            Examples:
              jarvis gateway call health
              jarvis gateway call sessions.list --params '{"limit": 5}'
              jarvis gateway call health --url ws://127.0.0.1:18789 --token "$TOKEN"

            Exit codes: 0 answered; 1 refused, not running or no answer in time; 2 wrong usage.
            """)

    @Argument(help: "The method, for example health.")
    var method: String

    @Option(help: ArgumentHelp("The parameters, a JSON object.", valueName: "json"))
    var params: String = "{}"

    @Flag(help: "Wait for the second answer of a method that gives two (agent).")
    var expectFinal = false

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let params = try Self.parse(self.params)
        let client = try await connection.connect(.current)
        defer { client.close() }
        var answer: JSONValue
        if expectFinal {
            let call = try await client.callExpectingFinal(
                method, params, timeout: connection.wait, finalTimeout: max(connection.wait, .seconds(660)))
            answer = call.first
            if answer["status"]?.stringValue == "accepted" { answer = try await call.final() }
        } else {
            answer = try await client.call(method, params, timeout: connection.wait)
        }
        Terminal.write(JSONWriter.pretty(answer) + "\n")
    }

    private static func parse(_ text: String) throws -> JSONValue {
        let value: JSONValue
        do {
            value = try JSON5.parse(text)
        } catch {
            throw JarvisError("usage.params", "--params is no JSON: \(error)", exitCode: 2)
        }
        guard value.objectValue != nil else {
            throw JarvisError("usage.params", "--params must be an object, found \(value.kindName)", exitCode: 2)
        }
        return value
    }
}
