import ArgumentParser
import JarvisCore

/// `jarvis browser navigate`.
struct BrowserNavigateCommand: BrowserLeaf {
    static let configuration = leaf(
        "navigate", "Go to an address in a tab; starts the browser.", "navigate https://example.com")

    @Argument(help: "The address.")
    var address: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post("/navigate", ["url": .string(address), "targetId": tab.json], patience: patience)
    }

    func text(_ answer: JSONValue) -> String { BrowserText.tab(answer) }
}

/// `jarvis browser snapshot`.
struct BrowserSnapshotCommand: BrowserLeaf {
    static let configuration = leaf(
        "snapshot", "Show a page as text, with a ref for each element to act on.", "snapshot",
        "snapshot --efficient", "snapshot --interactive --compact --depth 6", "snapshot --selector '#main'",
        "snapshot --format aria --limit 200", "snapshot --labels", "snapshot --out page.txt")

    @Option(help: "ai (text with refs) or aria (a list of nodes).")
    var format: String?

    @Flag(help: "The short form: interactive, compact, depth 6, 10000 characters.")
    var efficient = false

    @Option(help: "efficient: the same as --efficient.")
    var mode: String?

    @Flag(help: "Only elements to act on.")
    var interactive = false

    @Flag(help: "Without elements that say nothing.")
    var compact = false

    @Option(help: "How deep to go.")
    var depth: Int?

    @Option(help: "Only below the element that this CSS selector names.")
    var selector: String?

    @Option(help: "Only in the frame that this CSS selector names.")
    var frame: String?

    @Option(help: "How refs are made: role or aria.")
    var refs: String?

    @Flag(help: "Also take a screenshot that shows the refs.")
    var labels = false

    @Option(help: "The most nodes of the format aria.")
    var limit: Int?

    @Option(help: "The most characters of the format ai.")
    var maxChars: Int?

    @Option(help: ArgumentHelp("Write it into this file (0600) instead of printing it.", valueName: "path"))
    var out: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .get(
            "/snapshot",
            [
                "format": format.map(JSONValue.string),
                "mode": efficient ? "efficient" : mode.map(JSONValue.string), "interactive": interactive ? true : nil,
                "compact": compact ? true : nil, "depth": depth.map(JSONValue.init(_:)),
                "selector": selector.map(JSONValue.string), "frame": frame.map(JSONValue.string),
                "refs": refs.map(JSONValue.string), "labels": labels ? true : nil,
                "limit": limit.map(JSONValue.init(_:)), "maxChars": maxChars.map(JSONValue.init(_:)),
                "targetId": tab.json,
            ])
    }

    func took(_ answer: JSONValue) throws -> String? {
        guard let out else { return nil }
        let path = try CLIContext.current.absolutePath(out)
        let written = options.wantsJSON ? JSONWriter.pretty(answer) : text(answer)
        try DurableFile.write(Array((written + "\n").utf8), to: path)
        return path
    }

    func text(_ answer: JSONValue) -> String {
        guard let nodes = answer["nodes"]?.arrayValue else {
            var lines = [Humanize.printable(answer["snapshot"]?.stringValue ?? "")]
            if let path = answer["imagePath"]?.stringValue { lines.append("picture: \(path)") }
            return lines.joined(separator: "\n")
        }
        return nodes.map { node in
            let indent = String(repeating: "  ", count: min(node["depth"]?.intValue ?? 0, 40))
            let name = BrowserText.line(node["name"]?.stringValue ?? "")
            let value = BrowserText.plain(node["value"]).map { " = \(BrowserText.line($0))" } ?? ""
            return
                "\(indent)\(node["role"]?.stringValue ?? "?") \"\(name)\" [\(node["ref"]?.stringValue ?? "")]\(value)"
        }.joined(separator: "\n")
    }
}

/// `jarvis browser screenshot`.
struct BrowserScreenshotCommand: BrowserLeaf {
    static let configuration = leaf(
        "screenshot", "Take a picture of a tab or an element and print where it is.", "screenshot",
        "screenshot --full-page", "screenshot --ref e12 --type jpeg")

    @Argument(help: "The tab's id or a unique beginning of one.")
    var targetId: String?

    @Flag(help: "The whole page, not only what is in view.")
    var fullPage = false

    @Option(help: "Only the element with this ref.")
    var ref: String?

    @Option(help: "Only the element that this CSS selector names.")
    var element: String?

    @Option(help: "png or jpeg.")
    var type: String?

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post(
            "/screenshot",
            [
                "targetId": targetId.map(JSONValue.string), "fullPage": fullPage ? true : nil,
                "ref": ref.map(JSONValue.string), "element": element.map(JSONValue.string),
                "type": type.map(JSONValue.string),
            ])
    }
}

/// `jarvis browser pdf`.
struct BrowserPDFCommand: BrowserLeaf {
    static let configuration = leaf("pdf", "Print a tab to a PDF file and say where it is.", "pdf")

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/pdf", ["targetId": tab.json]) }
}

/// `jarvis browser highlight`.
struct BrowserHighlightCommand: BrowserLeaf {
    static let configuration = leaf("highlight", "Mark an element in the browser's window.", "highlight e12")

    @Argument(help: "The element's ref.")
    var ref: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/highlight", ["ref": .string(ref), "targetId": tab.json]) }
}
