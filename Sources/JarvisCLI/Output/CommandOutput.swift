import ArgumentParser
import JarvisCore

/// What a command has to say: one value with two renderings.
struct CommandOutput: Sendable {
    /// For programs: printed as one document under `--json`.
    var json: JSONValue
    /// For people.
    var text: String

    /// Prints one of the two to stdout.
    func show(json wantsJSON: Bool) {
        Terminal.write((wantsJSON ? JSONWriter.pretty(json) : text) + "\n")
    }
}

/// `--json`, for every command that prints data.
struct JSONOption: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print one JSON document.")
    var isOn = false
}
