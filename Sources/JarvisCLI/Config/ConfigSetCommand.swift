import ArgumentParser
import JarvisConfig
import JarvisCore
import JarvisFormats

/// `jarvis config set`.
struct ConfigSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Change a value; comments, order and references of the file stay.",
        discussion: """
            The value is read as JSON5; what is no JSON5 is text. A change that would be invalid is not written.

            Examples:
              jarvis config set gateway.port 18789
              jarvis config set models.providers.openai.apiKey '${OPENAI_API_KEY}'
              jarvis config set gateway.controlUi.allowedOrigins '["https://example.org"]' --strict-json

            Exit codes: 0 written, or nothing to change; 1 refused or not writable; 2 malformed path or value, or a port that
              belongs to another gateway.
            """)

    @Argument(help: "The path, for example gateway.port.")
    var path: String

    @Argument(help: "The value.")
    var value: String

    @Flag(help: "Refuse a value that is no JSON5 instead of taking it as text.")
    var strictJson = false

    @OptionGroup var json: JSONOption

    func run() async throws {
        let path = try ConfigCommand.path(path)
        let value = try Self.parse(value, strict: strictJson)
        let context = CLIContext.current
        var choice: (PortChoice, Int)?
        if path == ConfigPath("gateway", "port"), let port = value.intValue, (1...65_535).contains(port) {
            choice = (PortChoice(context: context, instance: try context.existingInstance()), port)
        }
        try await ConfigChange.perform(context, title: "Updated \(path)", asksForJSON: json.isOn) {
            store throws(JarvisError) in
            guard let (choice, port) = choice else { return try store.set(path, to: value, actor: "cli") }
            do {
                return try choice.change(to: port) { try store.set(path, to: value, actor: "cli") }
            } catch let error as JarvisError {
                throw error
            } catch {
                throw JarvisError("system", "\(error)", cause: error)
            }
        }
    }

    static func parse(_ text: String, strict: Bool) throws -> JSONValue {
        do {
            return try JSON5.parse(text)
        } catch {
            if !strict { return .string(text) }
            throw JarvisError("usage.value", "the value is no JSON5: \(error)", exitCode: 2)
        }
    }
}
