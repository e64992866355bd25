import ArgumentParser
import JarvisCore

/// `jarvis browser set`.
struct BrowserSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "What a tab believes of its surroundings.",
        discussion: """
            Examples:
              jarvis browser set viewport 1280 720
              jarvis browser set device "iPhone 14"
              jarvis browser set offline on
            """,
        subcommands: [
            BrowserSetViewportCommand.self, BrowserSetOfflineCommand.self, BrowserSetHeadersCommand.self,
            BrowserSetCredentialsCommand.self, BrowserSetGeoCommand.self, BrowserSetMediaCommand.self,
            BrowserSetTimezoneCommand.self, BrowserSetLocaleCommand.self, BrowserSetDeviceCommand.self,
        ])
}

/// `jarvis browser set viewport`.
struct BrowserSetViewportCommand: BrowserLeaf {
    static let configuration = leaf("viewport", "The size of the view.", "set viewport 1280 720")

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

/// `jarvis browser set offline`.
struct BrowserSetOfflineCommand: BrowserLeaf {
    static let configuration = leaf("offline", "Whether there is no network.", "set offline on", "set offline off")

    @Argument(help: "on or off.")
    var value: BrowserSwitch

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/set/offline", ["offline": .bool(value == .on), "targetId": tab.json]) }
}

/// On or off.
enum BrowserSwitch: String, ExpressibleByArgument, CaseIterable {
    case on, off
}

/// `jarvis browser set headers`.
struct BrowserSetHeadersCommand: BrowserLeaf {
    static let configuration = leaf(
        "headers", "Headers that every request carries.", #"set headers '{"X-Debug":"1"}'"#,
        #"set headers --headers-json '{}'"#)

    @Argument(help: "A JSON object; an empty one takes them away.")
    var object: String?

    @Option(help: ArgumentHelp("The same.", valueName: "json"))
    var headersJson: String?

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    mutating func validate() throws {
        guard (object == nil) != (headersJson == nil) else { throw ValidationError("Give the headers once, as JSON.") }
    }

    func ask() throws -> BrowserAsk {
        let headers = try BrowserFile.json(
            object ?? headersJson ?? "", "The headers", "an object of texts", kind: "object")
        return .post("/set/headers", ["headers": headers, "targetId": tab.json])
    }
}

/// `jarvis browser set credentials`.
struct BrowserSetCredentialsCommand: BrowserLeaf {
    static let configuration = leaf(
        "credentials", "The user and password for HTTP authentication.", "set credentials ada secret",
        "set credentials --clear")

    @Argument(help: "The user.")
    var username: String?

    @Argument(help: "The password; without it, it is read from standard input.")
    var password: String?

    @Flag(help: "Forget them.")
    var clear = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    mutating func validate() throws {
        guard clear == (username == nil) else { throw ValidationError("Give a user and a password, or --clear.") }
    }

    func ask() throws -> BrowserAsk {
        guard !clear else { return .post("/set/credentials", ["clear": true, "targetId": tab.json]) }
        let secret = try password ?? Self.typed()
        return .post(
            "/set/credentials",
            ["username": JSONValue(username), "password": .string(secret), "targetId": tab.json])
    }

    private static func typed() throws -> String {
        let text = String(decoding: try Terminal.readStandardInput(limit: 4096), as: UTF8.self)
        let line = text.prefix { !$0.isNewline }
        guard !line.isEmpty else {
            throw JarvisError(
                "usage.password", "No password: give it behind the user, or as a line of standard input.", exitCode: 2)
        }
        return String(line)
    }
}

/// `jarvis browser set geo`.
struct BrowserSetGeoCommand: BrowserLeaf {
    static let configuration = leaf(
        "geo", "Where the browser is.", "set geo 48.14 11.58 --origin https://example.com", "set geo -- -33.9 151.2",
        "set geo --clear")

    @Argument(help: "The latitude in degrees.")
    var latitude: Double?

    @Argument(help: "The longitude in degrees.")
    var longitude: Double?

    @Option(help: ArgumentHelp("How exact that is, in metres.", valueName: "metres"))
    var accuracy: Double?

    @Option(help: "The site that may know without asking.")
    var origin: String?

    @Flag(help: "Nowhere in particular.")
    var clear = false

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    mutating func validate() throws {
        guard clear == (latitude == nil), clear == (longitude == nil) else {
            throw ValidationError("Give latitude and longitude, or --clear.")
        }
    }

    func ask() -> BrowserAsk {
        .post(
            "/set/geolocation",
            [
                "latitude": latitude.map(JSONValue.double), "longitude": longitude.map(JSONValue.double),
                "accuracy": accuracy.map(JSONValue.double), "origin": origin.map(JSONValue.string),
                "clear": clear ? true : nil, "targetId": tab.json,
            ])
    }
}

/// `jarvis browser set media`.
struct BrowserSetMediaCommand: BrowserLeaf {
    static let configuration = leaf("media", "The colour scheme that pages are asked for.", "set media dark")

    @Argument(help: "dark, light, no-preference or none.")
    var scheme: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/set/media", ["colorScheme": .string(scheme), "targetId": tab.json]) }
}

/// `jarvis browser set timezone`.
struct BrowserSetTimezoneCommand: BrowserLeaf {
    static let configuration = leaf("timezone", "The time zone of a tab.", "set timezone Europe/Berlin")

    @Argument(help: "A name such as America/New_York.")
    var timezone: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/set/timezone", ["timezoneId": .string(timezone), "targetId": tab.json]) }
}

/// `jarvis browser set locale`.
struct BrowserSetLocaleCommand: BrowserLeaf {
    static let configuration = leaf("locale", "The language of a tab.", "set locale de-DE")

    @Argument(help: "A tag such as en-US.")
    var locale: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/set/locale", ["locale": .string(locale), "targetId": tab.json]) }
}

/// `jarvis browser set device`.
struct BrowserSetDeviceCommand: BrowserLeaf {
    static let configuration = leaf("device", "Pretend to be a device.", "set device 'iPhone 14'")

    @Argument(help: "The device's name.")
    var name: String

    @OptionGroup var tab: BrowserTabOption
    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .post("/set/device", ["name": .string(name), "targetId": tab.json]) }
}
