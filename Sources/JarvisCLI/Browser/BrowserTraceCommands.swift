import ArgumentParser
import JarvisCore

/// `jarvis browser trace`.
struct BrowserTraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace", abstract: "Record what a tab does.",
        discussion: """
            Examples:
              jarvis browser trace start
              jarvis browser trace stop
            """,
        subcommands: [BrowserTraceStartCommand.self, BrowserTraceStopCommand.self])
}

/// `jarvis browser trace start`.
struct BrowserTraceStartCommand: BrowserLeaf {
    static let configuration = leaf("start", "Begin a record.", "trace start", "trace start --no-screenshots")

    @Flag(name: .customLong("no-screenshots"), help: "Without pictures.")
    var noScreenshots = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post("/trace/start", ["screenshots": noScreenshots ? false : nil, "targetId": tab.json])
    }
}

/// `jarvis browser trace stop`.
struct BrowserTraceStopCommand: BrowserLeaf {
    static let configuration = leaf(
        "stop", "End the record and say where it is.", "trace stop", "trace stop --out run.json")

    @Option(help: "The file's name in the browser's artifact directory.")
    var out: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post("/trace/stop", ["path": out.map(JSONValue.string), "targetId": tab.json])
    }
}
