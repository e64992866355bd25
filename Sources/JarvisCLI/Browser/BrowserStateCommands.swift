import ArgumentParser
import JarvisCore

/// `jarvis browser cookies`.
struct BrowserCookiesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cookies", abstract: "Cookies: list, set, clear; alone it lists them.",
        discussion: """
            Examples:
              jarvis browser cookies
              jarvis browser cookies set session abc --url https://example.com
              jarvis browser cookies clear
            """,
        subcommands: [
            BrowserCookiesListCommand.self, BrowserCookiesSetCommand.self, BrowserCookiesClearCommand.self,
        ], defaultSubcommand: BrowserCookiesListCommand.self)
}

/// `jarvis browser cookies list`.
struct BrowserCookiesListCommand: BrowserLeaf {
    static let configuration = leaf("list", "List the cookies that the page of a tab can have.", "cookies")

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .get("/cookies", ["targetId": tab.json]) }

    func text(_ answer: JSONValue) -> String {
        BrowserText.table(
            answer["cookies"]?.arrayValue, none: "No cookies.", header: ["NAME", "VALUE", "DOMAIN", "PATH"]
        ) { cookie in
            ["name", "value", "domain", "path"].map { BrowserText.line(cookie[$0]?.stringValue ?? "", width: 60) }
        }
    }
}

/// `jarvis browser cookies set`.
struct BrowserCookiesSetCommand: BrowserLeaf {
    static let configuration = leaf(
        "set", "Set a cookie.", "cookies set session abc --url https://example.com",
        "cookies set session abc --domain example.com --path / --secure")

    @Argument(help: "Its name.")
    var name: String

    @Argument(help: "Its value.")
    var value: String

    @Option(name: .customLong("url"), help: "The address that it is for.")
    var address: String?

    @Option(help: "The domain that it is for, instead of --url.")
    var domain: String?

    @Option(help: "The path that it is for.")
    var path: String?

    @Option(help: ArgumentHelp("When it ends, in seconds since 1970.", valueName: "seconds"))
    var expires: Double?

    @Flag(help: "Hidden from scripts.")
    var httpOnly = false

    @Flag(help: "Only over TLS.")
    var secure = false

    @Option(help: "Lax, Strict or None.")
    var sameSite: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserPageURLOptions

    func ask() -> BrowserAsk {
        .post(
            "/cookies/set",
            [
                "cookie": .members([
                    "name": .string(name), "value": .string(value), "url": address.map(JSONValue.string),
                    "domain": domain.map(JSONValue.string), "path": path.map(JSONValue.string),
                    "expires": expires.map(JSONValue.double), "httpOnly": httpOnly ? true : nil,
                    "secure": secure ? true : nil, "sameSite": sameSite.map(JSONValue.string),
                ]), "targetId": tab.json,
            ])
    }
}

/// `jarvis browser cookies clear`.
struct BrowserCookiesClearCommand: BrowserLeaf {
    static let configuration = leaf("clear", "Forget all cookies of the browser.", "cookies clear")

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/cookies/clear", ["targetId": tab.json]) }
}

/// `jarvis browser storage`.
struct BrowserStorageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "storage", abstract: "What a page keeps in the browser: local or session storage.",
        discussion: """
            Examples:
              jarvis browser storage local get
              jarvis browser storage local set theme dark
              jarvis browser storage session clear
            """,
        subcommands: [BrowserStorageLocalCommand.self, BrowserStorageSessionCommand.self])
}

/// The kind of a storage, at compile time.
protocol BrowserStorageKind {
    static var word: String { get }
}

enum BrowserLocalStorage: BrowserStorageKind { static let word = "local" }
enum BrowserSessionStorage: BrowserStorageKind { static let word = "session" }

/// `jarvis browser storage local`.
struct BrowserStorageLocalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "local", abstract: "Local storage: get, set, clear.",
        discussion: "Example:\n  jarvis browser storage local get theme",
        subcommands: [
            BrowserStorageGet<BrowserLocalStorage>.self, BrowserStorageSet<BrowserLocalStorage>.self,
            BrowserStorageClear<BrowserLocalStorage>.self,
        ])
}

/// `jarvis browser storage session`.
struct BrowserStorageSessionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "session", abstract: "Session storage: get, set, clear.",
        discussion: "Example:\n  jarvis browser storage session get step",
        subcommands: [
            BrowserStorageGet<BrowserSessionStorage>.self, BrowserStorageSet<BrowserSessionStorage>.self,
            BrowserStorageClear<BrowserSessionStorage>.self,
        ])
}

/// `jarvis browser storage … get`.
struct BrowserStorageGet<Kind: BrowserStorageKind>: BrowserLeaf {
    static var configuration: CommandConfiguration {
        leaf("get", "Show all values, or one.", "storage \(Kind.word) get", "storage \(Kind.word) get theme")
    }

    @Argument(help: "Only this key.")
    var key: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .get("/storage/\(Kind.word)", ["key": key.map(JSONValue.string), "targetId": tab.json])
    }

    func text(_ answer: JSONValue) -> String {
        let values = answer["values"]?.objectValue ?? [:]
        if values.isEmpty { return "Nothing is stored." }
        return values.map { key, value in
            "\(BrowserText.line(key)) = \(BrowserText.line(BrowserText.plain(value) ?? ""))"
        }.joined(separator: "\n")
    }
}

/// `jarvis browser storage … set`.
struct BrowserStorageSet<Kind: BrowserStorageKind>: BrowserLeaf {
    static var configuration: CommandConfiguration {
        leaf("set", "Store a value.", "storage \(Kind.word) set theme dark")
    }

    @Argument(help: "The key.")
    var key: String

    @Argument(help: "The value.")
    var value: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post(
            "/storage/\(Kind.word)/set",
            ["key": .string(key), "value": .string(value), "targetId": tab.json])
    }
}

/// `jarvis browser storage … clear`.
struct BrowserStorageClear<Kind: BrowserStorageKind>: BrowserLeaf {
    static var configuration: CommandConfiguration {
        leaf("clear", "Forget all values of the page.", "storage \(Kind.word) clear")
    }

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/storage/\(Kind.word)/clear", ["targetId": tab.json]) }
}
