import ArgumentParser
import JarvisCore
import JarvisStore

/// `jarvis debug bench-store`.
struct BenchStoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-store",
        abstract: "Measure durable messages a second against SQLite alone.",
        discussion: """
            Example:
              jarvis debug bench-store --directory /tmp/bench
            """)

    @Option(help: "Where to put fresh databases.")
    var directory: String

    @Option(help: "Senders that wait for each other's sync.")
    var senders: Int = 100

    @Option(help: "Messages a round.")
    var messages: Int = 10_000

    mutating func validate() throws {
        guard senders > 0, messages >= senders else { throw ValidationError("--messages must be at least --senders.") }
    }

    func run() async throws {
        let result = try await StoreBenchmark.run(
            directory: try CLIContext.current.absolutePath(directory), senders: senders, messages: messages)
        Terminal.write(
            JSONWriter.string([
                "senders": JSONValue(result.senders), "acceptsPerSecond": .double(result.acceptsPerSecond),
                "rawRowsPerSecond": .double(result.rawRowsPerSecond), "ratio": .double(result.ratio),
            ]) + "\n")
    }
}
