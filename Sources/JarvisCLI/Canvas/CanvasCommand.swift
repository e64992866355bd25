import ArgumentParser
import JarvisClient
import JarvisCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `jarvis canvas`: pages that agents write and their owner sees. Without a word after it, it tells what is shown.
struct CanvasCommandGroup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "canvas",
        abstract: "Show pages in the control page, run script in them and take pictures.",
        discussion: """
            Examples:
              jarvis canvas present --html '<h1>Hello</h1>'
              jarvis canvas present --file report.html --file data.json --path report.html
              jarvis canvas eval 'document.title'
              jarvis canvas snapshot --output canvas.png
            """,
        subcommands: [
            CanvasStatusCommand.self, CanvasPresentCommand.self, CanvasHideCommand.self, CanvasNavigateCommand.self,
            CanvasEvalCommand.self, CanvasSnapshotCommand.self, CanvasURLCommand.self,
        ],
        defaultSubcommand: CanvasStatusCommand.self)

    /// One call of the gateway, printed.
    static func call(
        _ method: String, _ params: JSONValue, _ connection: ConnectionOptions, json: Bool, atLeast: Duration = .zero,
        text: (JSONValue) -> String
    ) async throws {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let answer = try await client.call(method, params, timeout: max(connection.wait, atLeast))
        CommandOutput(json: answer, text: text(answer)).show(json: json)
    }

    /// What is shown, in a sentence or two.
    static func sentence(_ answer: JSONValue) -> String {
        let command = (try? CLIContext.current.instance().command) ?? "jarvis"  // with --url there may be no instance
        let scene = answer["scene"]
        guard scene?["visible"]?.boolValue == true else { return "The canvas is hidden." }
        let title = scene?["title"]?.stringValue.map { " (\($0))" } ?? ""
        let shown = "The canvas shows \(scene?["path"]?.stringValue ?? "/")\(title)."
        switch answer["renderers"]?.intValue ?? 0 {
        case 0: return shown + " No page is connected: open the control page with `\(command) dashboard`."
        case 1: return shown + " One page is connected."
        case let count: return shown + " \(count) pages are connected."
        }
    }
}

/// `jarvis canvas status`.
struct CanvasStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Tell what the canvas shows and who looks.",
        discussion: """
            Examples:
              jarvis canvas
              jarvis canvas status --json

            Exit codes: 0 told; 1 the gateway is not running; 2 wrong usage.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await CanvasCommandGroup.call("canvas.status", [:], connection, json: json.isOn) { answer in
            guard answer["enabled"]?.boolValue == true else { return "The canvas is turned off." }
            return CanvasCommandGroup.sentence(answer) + "\nFiles: \(answer["root"]?.stringValue ?? "")"
                + "\nLive reload: "
                + (answer["liveReload"]?.boolValue == true
                    ? "on, \(answer["viewers"]?.intValue ?? 0) looking" : "off")
        }
    }
}

/// `jarvis canvas present`.
struct CanvasPresentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "present",
        abstract: "Write files of the canvas and show a page.",
        discussion: """
            Examples:
              jarvis canvas present --html '<h1>Hello</h1>'
              jarvis canvas present --file report.html --file chart.js --path report.html
              jarvis canvas present --path report.html

            A --file keeps its own name, or gets another one with --file name=path.

            Exit codes: 0 shown, or kept until a page connects; 1 not running or a file can't be read; 2 wrong usage.
            """)

    @Option(help: "The page, from the canvas's root. Default: index.html, or what is shown now.")
    var path: String?

    @Option(help: "The page as HTML; - reads it from standard input.")
    var html: String?

    @Option(help: ArgumentHelp("A file to copy into the canvas; may be repeated.", valueName: "[name=]file"))
    var file: [String] = []

    @Option(help: "What the page is called.")
    var title: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let files = try file.map { try Self.read($0, context) }
        var page = html
        if html == "-" { page = String(decoding: try Terminal.readStandardInput(), as: UTF8.self) }
        try await CanvasCommandGroup.call(
            "canvas.present",
            .members([
                "path": path.map(JSONValue.string), "html": page.map(JSONValue.string),
                "files": files.isEmpty ? nil : .array(files), "title": title.map(JSONValue.string),
            ]), connection, json: json.isOn, text: CanvasCommandGroup.sentence)
    }

    private static func read(_ text: String, _ context: CLIContext) throws -> JSONValue {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        let place = parts.count == 2 ? parts[1] : text
        let name = parts.count == 2 ? parts[0] : text.split(separator: "/").last.map(String.init) ?? text
        let bytes = try DurableFile.read(try context.absolutePath(place), limit: 8 << 20)
        return ["path": .string(name), "content": .string(Data(bytes).base64EncodedString()), "encoding": "base64"]
    }
}

/// `jarvis canvas hide`.
struct CanvasHideCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hide",
        abstract: "Take the canvas away.",
        discussion: """
            Examples:
              jarvis canvas hide

            Exit codes: 0 hidden; 1 the gateway is not running; 2 wrong usage.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await CanvasCommandGroup.call(
            "canvas.hide", [:], connection, json: json.isOn, text: CanvasCommandGroup.sentence)
    }
}

/// `jarvis canvas navigate`.
struct CanvasNavigateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "navigate",
        abstract: "Show another page of the canvas.",
        discussion: """
            Examples:
              jarvis canvas navigate report/index.html
              jarvis canvas navigate 'app.html#settings'

            Exit codes: 0 shown; 1 no such page, or not running; 2 wrong usage.
            """)

    @Argument(help: "The page, from the canvas's root.")
    var path: String

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await CanvasCommandGroup.call(
            "canvas.navigate", ["path": .string(path)], connection, json: json.isOn,
            text: CanvasCommandGroup.sentence)
    }
}

/// `jarvis canvas eval`.
struct CanvasEvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Run JavaScript in the shown page, in its sandbox, and print its value.",
        discussion: """
            Examples:
              jarvis canvas eval 'document.title'
              jarvis canvas eval 'await fetch("data.json").then(r => r.json())'

            Exit codes: 0 printed; 1 the script failed, no page is connected, not running; 2 wrong usage.
            """)

    @Argument(help: "The script; its last expression is the value.")
    var script: String

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await CanvasCommandGroup.call(
            "canvas.eval",
            ["javaScript": .string(script), "timeoutMs": JSONValue(min(connection.timeout, 60_000))], connection,
            json: json.isOn, atLeast: connection.wait + .seconds(2)
        ) { answer in
            let result = answer["result"] ?? .null
            return result.stringValue ?? JSONWriter.pretty(result)
        }
    }
}

/// `jarvis canvas snapshot`.
struct CanvasSnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Take a picture of the shown page.",
        discussion: """
            Examples:
              jarvis canvas snapshot --output canvas.png
              jarvis canvas snapshot --output canvas.jpg --format jpeg --max-width 800

            Exit codes: 0 written; 1 no page is connected, not running, the file can't be written; 2 wrong usage.
            """)

    @Option(name: [.short, .long], help: "The file to write (0600). Default: canvas.png or canvas.jpg.")
    var output: String?

    @Option(help: "png or jpeg.")
    var format: String = "png"

    @Option(help: "The largest width in pixels.")
    var maxWidth: Int = 1280

    @Option(help: ArgumentHelp("How long to wait before, in milliseconds.", valueName: "ms"))
    var delay: Int = 0

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        guard ["png", "jpeg", "jpg"].contains(format) else { throw ValidationError("--format must be png or jpeg.") }
        guard (1...4096).contains(maxWidth) else { throw ValidationError("--max-width must be 1 to 4096.") }
        guard (0...10_000).contains(delay) else { throw ValidationError("--delay must be 0 to 10000 milliseconds.") }
    }

    func run() async throws {
        let context = CLIContext.current
        let path = try context.absolutePath(output ?? (format == "png" ? "canvas.png" : "canvas.jpg"))
        let client = try await connection.connect(context)
        defer { client.close() }
        let answer = try await client.call(
            "canvas.snapshot",
            [
                "format": .string(format), "maxWidth": JSONValue(maxWidth), "delayMs": JSONValue(delay),
                "timeoutMs": JSONValue(min(max(connection.timeout, 100), 60_000)),
            ], timeout: connection.wait + .milliseconds(delay) + .seconds(2))
        guard let bytes = Data(base64Encoded: answer["base64"]?.stringValue ?? ""), !bytes.isEmpty else {
            throw JarvisError("canvas.picture", "The gateway gave no picture.")
        }
        try DurableFile.write(bytes, to: path)
        var json = answer
        json["base64"] = nil
        json["output"] = .string(path)
        json["bytes"] = JSONValue(bytes.count)
        let size = "\(answer["width"]?.intValue ?? 0) × \(answer["height"]?.intValue ?? 0)"
        CommandOutput(json: json, text: "Wrote \(path) (\(size), \(bytes.count) bytes)").show(json: self.json.isOn)
    }
}

/// `jarvis canvas url`.
struct CanvasURLCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "url",
        abstract: "Print an address that opens the canvas in any browser, without a credential, for a while.",
        discussion: """
            Whoever has the address can see the canvas until it was not used for ten minutes \
            (canvasHost.capabilityTtlSeconds), or the gateway stops.

            Examples:
              jarvis canvas url
              jarvis canvas url report/index.html

            Exit codes: 0 printed; 1 the gateway is not running; 2 wrong usage.
            """)

    @Argument(help: "The page, from the canvas's root. Default: what is shown.")
    var path: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        try await CanvasCommandGroup.call(
            "canvas.url", .members(["path": path.map(JSONValue.string)]), connection, json: json.isOn
        ) { $0["url"]?.stringValue ?? "" }
    }
}
