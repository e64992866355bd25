import ArgumentParser
import JarvisCore

/// `jarvis browser tabs`.
struct BrowserTabsCommand: BrowserLeaf {
    static let configuration = leaf("tabs", "List the tabs.", "tabs", "tabs --json")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .get("/tabs") }
    func text(_ answer: JSONValue) -> String { BrowserText.tabs(answer) }
}

/// `jarvis browser tab`.
struct BrowserTabCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tab", abstract: "Tabs by their place in the list: new, select, close; alone it lists them.",
        discussion: """
            Examples:
              jarvis browser tab
              jarvis browser tab new
              jarvis browser tab select 2
              jarvis browser tab close 2
            """,
        subcommands: [
            BrowserTabListCommand.self, BrowserTabNewCommand.self, BrowserTabSelectCommand.self,
            BrowserTabCloseCommand.self,
        ], defaultSubcommand: BrowserTabListCommand.self)
}

/// `jarvis browser tab list`.
struct BrowserTabListCommand: BrowserLeaf {
    static let configuration = leaf("list", "The same as “tabs”.", "tab list")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/tabs/action", ["action": "list"]) }
    func text(_ answer: JSONValue) -> String { BrowserText.tabs(answer) }
}

/// `jarvis browser tab new`.
struct BrowserTabNewCommand: BrowserLeaf {
    static let configuration = leaf("new", "Open an empty tab.", "tab new")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/tabs/action", ["action": "new"]) }
    func text(_ answer: JSONValue) -> String { BrowserText.tab(answer) }
}

/// The place of a tab in the list.
struct BrowserTabIndex: ParsableArguments {
    @Argument(help: "The tab's place in the list, the first is 1.")
    var index: Int

    mutating func validate() throws { try Self.check(index) }

    /// The value for a request: the interface counts from 0.
    var json: JSONValue { JSONValue(index - 1) }

    static func check(_ index: Int?) throws {
        if let index, index < 1 { throw ValidationError("The tab's place in the list is 1 or more.") }
    }
}

/// `jarvis browser tab select`.
struct BrowserTabSelectCommand: BrowserLeaf {
    static let configuration = leaf("select", "Bring a tab to the front.", "tab select 2")

    @OptionGroup var place: BrowserTabIndex
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/tabs/action", ["action": "select", "index": place.json]) }
    func text(_ answer: JSONValue) -> String { answer["targetId"]?.stringValue ?? "done" }
}

/// `jarvis browser tab close`.
struct BrowserTabCloseCommand: BrowserLeaf {
    static let configuration = leaf(
        "close", "Close a tab: the one at a place in the list, or the one used last.", "tab close 2", "tab close")

    @Argument(help: "The tab's place in the list, the first is 1.")
    var index: Int?

    @OptionGroup var options: BrowserOptions

    mutating func validate() throws { try BrowserTabIndex.check(index) }

    func ask() -> BrowserAsk {
        .post("/tabs/action", ["action": "close", "index": index.map { JSONValue($0 - 1) }])
    }
    func text(_ answer: JSONValue) -> String { "closed \(answer["targetId"]?.stringValue ?? "the tab")" }
}

/// `jarvis browser open`.
struct BrowserOpenCommand: BrowserLeaf {
    static let configuration = leaf(
        "open", "Open an address in a new tab; starts the browser.", "open https://example.com")

    @Argument(help: "The address.")
    var address: String

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/tabs/open", ["url": .string(address)]) }
    func text(_ answer: JSONValue) -> String { BrowserText.tab(answer) }
}

/// `jarvis browser focus`.
struct BrowserFocusCommand: BrowserLeaf {
    static let configuration = leaf("focus", "Bring a tab to the front by its id.", "focus 4F21")

    @Argument(help: "The tab's id or a unique beginning of one.")
    var targetId: String

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/tabs/focus", ["targetId": .string(targetId)]) }
}

/// `jarvis browser close`.
struct BrowserCloseCommand: BrowserLeaf {
    static let configuration = leaf("close", "Close a tab: the one named, or the one used last.", "close", "close 4F21")

    @Argument(help: "The tab's id or a unique beginning of one.")
    var targetId: String?

    @OptionGroup var options: BrowserOptions

    func ask() throws -> BrowserAsk {
        guard let targetId else { return .post("/act", ["kind": "close"]) }
        return .delete("/tabs/\(try BrowserPath.step(targetId, "The tab's id"))")
    }

    func text(_ answer: JSONValue) -> String { "closed" }
}
