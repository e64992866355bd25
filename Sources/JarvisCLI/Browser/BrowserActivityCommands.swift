import ArgumentParser
import JarvisCore

/// `jarvis browser console`.
struct BrowserConsoleCommand: BrowserLeaf {
    static let configuration = leaf("console", "Show what a page wrote to its console.", "console --level error")

    @Option(help: "Only this level and worse: error, warning, info or debug.")
    var level: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .get("/console", ["level": level.map(JSONValue.string), "targetId": tab.json])
    }

    func text(_ answer: JSONValue) -> String {
        BrowserText.list(answer["messages"], none: "The console is empty.") { message in
            "\(message["type"]?.stringValue ?? "log"): \(BrowserText.line(message["text"]?.stringValue ?? "", width: 500))"
        }
    }
}

/// `jarvis browser errors`.
struct BrowserErrorsCommand: BrowserLeaf {
    static let configuration = leaf("errors", "Show the errors of a page's scripts.", "errors", "errors --clear")

    @Flag(help: "Forget them afterwards.")
    var clear = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .get("/errors", ["clear": clear ? true : nil, "targetId": tab.json]) }

    func text(_ answer: JSONValue) -> String {
        BrowserText.list(answer["errors"], none: "No errors.") { error in
            BrowserText.line(error["message"]?.stringValue ?? error["text"]?.stringValue ?? "", width: 500)
        }
    }
}

/// `jarvis browser requests`.
struct BrowserRequestsCommand: BrowserLeaf {
    static let configuration = leaf(
        "requests", "Show what a page asked the network for.", "requests --filter api", "requests --clear")

    @Option(help: "Only addresses that hold this text.")
    var filter: String?

    @Flag(help: "Forget them afterwards.")
    var clear = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .get(
            "/requests",
            ["filter": filter.map(JSONValue.string), "clear": clear ? true : nil, "targetId": tab.json])
    }

    func text(_ answer: JSONValue) -> String {
        BrowserText.list(answer["requests"], none: "No requests.") { request in
            let outcome = BrowserText.plain(request["status"]) ?? BrowserText.plain(request["failure"]) ?? "…"
            let words = [request["method"]?.stringValue ?? "GET", outcome, request["resourceType"]?.stringValue ?? ""]
            return words.filter { !$0.isEmpty }.joined(separator: " ") + " "
                + BrowserText.line(request["url"]?.stringValue ?? "")
        }
    }
}

/// `jarvis browser responsebody`.
struct BrowserResponseBodyCommand: BrowserLeaf {
    static let configuration = leaf(
        "responsebody", "Wait for an answer from the network and print its body.",
        "responsebody '**/api/*' --max-chars 5000")

    @Argument(help: "The address; * and ** stand for anything.")
    var address: String

    @Option(help: "The most characters.")
    var maxChars: Int?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var patience: BrowserPatience
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post(
            "/response/body",
            ["url": .string(address), "maxChars": maxChars.map(JSONValue.init(_:)), "targetId": tab.json],
            patience: patience)
    }

    func text(_ answer: JSONValue) -> String {
        Humanize.printable(answer["response"]?["body"]?.stringValue ?? "")
            + (answer["response"]?["truncated"]?.boolValue == true ? "\n… cut; --max-chars gives more" : "")
    }
}
