import ArgumentParser
import JarvisConfig
import JarvisCore

/// `jarvis config schema`.
struct ConfigSchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON schema of the configuration, with hints for editors.",
        discussion: """
            Example:
              jarvis config schema > schema.json

            Exit codes: 0 printed.
            """)

    @OptionGroup var json: JSONOption

    func run() { Terminal.write(JSONWriter.pretty(ConfigSchema.document()) + "\n") }
}
