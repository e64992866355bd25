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
    static let configuration = leaf(
        "start", "Begin a record.", "trace start", "trace start --no-screenshots", "trace start --sources")

    @Flag(name: .customLong("no-screenshots"), help: "Without pictures.")
    var noScreenshots = false

    @Flag(help: "With the text of the scripts that run; the file gets larger.")
    var sources = false

    // A flag of other engines. A recording has no snapshots of pages anyway.
    @Flag(name: .customLong("no-snapshots"), help: .hidden)
    var noSnapshots = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post(
            "/trace/start",
            ["screenshots": .bool(!noScreenshots), "sources": sources ? true : nil, "targetId": tab.json])
    }

    func text(_ answer: JSONValue) -> String { "recording; “trace stop” ends it and says where the file is" }
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
