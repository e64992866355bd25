import ArgumentParser
import JarvisCore

/// `jarvis browser resize`.
struct BrowserResizeCommand: BrowserLeaf {
    static let configuration = leaf("resize", "Set the size of a tab's view.", "resize 1280 720")

    @Argument(help: "The width in pixels.")
    var width: Int

    @Argument(help: "The height in pixels.")
    var height: Int

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .act("resize", tab, ["width": JSONValue(width), "height": JSONValue(height)])
    }
}

/// `jarvis browser wait`.
struct BrowserWaitCommand: BrowserLeaf {
    static let configuration = leaf(
        "wait", "Wait until something is so.", "wait --text Done", "wait '#result' --timeout-ms 20000",
        "wait --url '**/dash' --load networkidle", "wait --fn '() => window.ready === true'")

    @Argument(help: "A CSS selector that must become visible.")
    var selector: String?

    @Option(help: ArgumentHelp("So long, in milliseconds.", valueName: "ms"))
    var time: Int?

    @Option(help: "Until the text is there.")
    var text: String?

    @Option(help: "Until the text is gone.")
    var textGone: String?

    @Option(name: .customLong("url"), help: "Until the address matches; * and ** stand for anything.")
    var address: String?

    @Option(help: "Until the page is loaded: load, domcontentloaded or networkidle.")
    var load: String?

    @Option(help: "Until a JavaScript function says true.")
    var fn: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserPageURLOptions

    func ask() throws -> BrowserAsk {
        guard
            selector != nil || time != nil || text != nil || textGone != nil || address != nil || load != nil
                || fn != nil
        else {
            throw JarvisError(
                "usage.wait", "Wait for what? Give a selector, --time, --text, --text-gone, --url, --load or --fn.",
                hint: "jarvis browser wait --help", exitCode: 2)
        }
        return .act(
            "wait", tab,
            [
                "selector": selector.map(JSONValue.string), "timeMs": time.map(JSONValue.init(_:)),
                "text": text.map(JSONValue.string), "textGone": textGone.map(JSONValue.string),
                "url": address.map(JSONValue.string), "loadState": load.map(JSONValue.string),
                "fn": fn.map(JSONValue.string),
            ], patience: patience)
    }
}

/// `jarvis browser evaluate`.
struct BrowserEvaluateCommand: BrowserLeaf {
    static let configuration = leaf(
        "evaluate", "Run a JavaScript function in a page and print what it returns, as JSON.",
        "evaluate --fn '() => document.title'", "evaluate --ref e12 --fn 'el => el.textContent'")

    @Option(help: ArgumentHelp("The function.", valueName: "js"))
    var fn: String

    @Option(help: "The element that it gets.")
    var ref: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .act("evaluate", tab, ["fn": .string(fn), "ref": ref.map(JSONValue.string)], patience: patience)
    }

    func text(_ answer: JSONValue) -> String { JSONWriter.pretty(answer["result"] ?? .null) }
}
