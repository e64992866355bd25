import ArgumentParser
import JarvisClient
import JarvisCore
import JarvisHost

/// `jarvis logs`.
struct LogsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show the gateway's log, also of one that does not run.",
        discussion: """
            Examples:
              jarvis logs --limit 50
              jarvis logs --follow --level warn
              jarvis logs --json | tail -1

            Exit codes: 0 shown; 1 a remote gateway did not answer; 2 no such instance.
            """)

    @Flag(help: "Go on with new lines until Ctrl-C.")
    var follow = false

    @Option(help: "At most so many lines, the newest.")
    var limit: Int = 200

    @Option(help: "Look at most so many bytes back.")
    var maxBytes: Int = 250_000

    @Option(help: ArgumentHelp("How often --follow looks, in milliseconds.", valueName: "ms"))
    var interval: Int = 1000

    @Option(help: "Only this level and worse: trace, debug, info, warn, error, fatal.")
    var level: String?

    @Flag(help: "No colours.")
    var plain = false

    @Flag(name: .customLong("json"), help: "Print each line as one JSON object.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    mutating func validate() throws {
        guard (1...5000).contains(limit) else { throw ValidationError("--limit must be 1 to 5000.") }
        guard (1...1_000_000).contains(maxBytes) else { throw ValidationError("--max-bytes must be 1 to 1000000.") }
        guard (50...60_000).contains(interval) else {
            throw ValidationError("--interval must be 50 to 60000 milliseconds.")
        }
    }

    func run() async throws {
        let context = CLIContext.current
        let threshold = try level.map { try GlobalArguments.threshold($0, source: "--level") }
        let terminal =
            plain ? Terminal(noColor: true, environment: context.environment) : context.terminal
        let source = try await LogSource.open(context, connection: connection)
        var (lines, cursor) = try await source.first(limit: limit, maxBytes: maxBytes)
        show(lines, threshold, terminal)
        while follow {
            try await Task.sleep(for: .milliseconds(interval))
            (lines, cursor) = try await source.next(cursor: cursor)
            show(lines, threshold, terminal)
        }
        source.close()
    }

    private func show(_ lines: [String], _ threshold: LogThreshold?, _ terminal: Terminal) {
        var text = ""
        for line in lines.suffix(limit).map(LogLine.init) where threshold.map(line.isAtLeast) ?? true {
            text += (json ? JSONWriter.string(line.json) : line.text(terminal)) + "\n"
        }
        if !text.isEmpty { Terminal.write(text) }
    }
}

/// Where log lines come from: a gateway at a URL, or this instance's own file, which its gateway also reads.
enum LogSource {
    case remote(RPCClient)
    case file(LogFileTail)

    static func open(_ context: CLIContext, connection: ConnectionOptions) async throws -> LogSource {
        if connection.endpoint.url != nil { return .remote(try await connection.connect(context)) }
        return .file(LogFileTail(path: try context.existingInstance().paths.gatewayLog))
    }

    func first(limit: Int, maxBytes: Int) async throws -> ([String], Int) {
        switch self {
        case .remote(let client):
            return Self.read(
                try await client.call("logs.tail", ["limit": JSONValue(limit), "maxBytes": JSONValue(maxBytes)]))
        case .file(let tail):
            let (lines, cursor) = tail.lines(from: nil, maximumBytes: maxBytes)
            return (lines.suffix(limit), cursor)
        }
    }

    func next(cursor: Int) async throws -> ([String], Int) {
        switch self {
        case .remote(let client):
            return Self.read(try await client.call("logs.tail", ["cursor": JSONValue(cursor), "limit": 5000]))
        case .file(let tail): return tail.lines(from: cursor, maximumBytes: 1_000_000)
        }
    }

    func close() {
        if case .remote(let client) = self { client.close() }
    }

    private static func read(_ answer: JSONValue) -> ([String], Int) {
        (answer["lines"]?.arrayValue?.compactMap(\.stringValue) ?? [], answer["cursor"]?.intValue ?? 0)
    }
}
