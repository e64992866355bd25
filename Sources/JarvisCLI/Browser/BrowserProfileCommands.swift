import ArgumentParser
import JarvisCore

/// `jarvis browser profiles`.
struct BrowserProfilesCommand: BrowserLeaf {
    static let configuration = leaf("profiles", "List the browsers of this gateway.", "profiles")

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk { .get("/profiles") }

    func text(_ answer: JSONValue) -> String {
        BrowserText.table(
            answer["profiles"]?.arrayValue, none: "No browser profiles.",
            header: ["NAME", "RUNNING", "TABS", "CDP PORT", "ADDRESS", "COLOUR"]
        ) { profile in
            let name = profile["name"]?.stringValue ?? ""
            return [
                name + (profile["isDefault"]?.boolValue == true ? " (default)" : ""),
                profile["running"]?.boolValue == true ? "yes" : "no", String(profile["tabCount"]?.intValue ?? 0),
                BrowserText.plain(profile["cdpPort"]) ?? "-", BrowserText.plain(profile["cdpUrl"]) ?? "-",
                BrowserText.plain(profile["color"]) ?? "-",
            ]
        }
    }
}

/// `jarvis browser create-profile`.
struct BrowserCreateProfileCommand: BrowserLeaf {
    static let configuration = leaf(
        "create-profile", "Add a browser with data of its own, or one that runs elsewhere.",
        "create-profile --name work", "create-profile --name far --cdp-url https://browser.example:9222")

    @Option(help: "Its name: lower-case letters, digits and -.")
    var name: String

    @Option(help: ArgumentHelp("Its colour.", valueName: "#RRGGBB"))
    var color: String?

    @Option(help: ArgumentHelp("The debugging address of a browser that runs elsewhere.", valueName: "url"))
    var cdpUrl: String?

    @Option(help: "How it comes to be: jarvis (launched) or existing-session.")
    var driver: String?

    @OptionGroup var options: BrowserOptions

    func ask() -> BrowserAsk {
        .post(
            "/profiles/create",
            [
                "name": .string(name), "color": color.map(JSONValue.string), "cdpUrl": cdpUrl.map(JSONValue.string),
                "driver": driver.map(JSONValue.string),
            ])
    }

    func text(_ answer: JSONValue) -> String {
        let place =
            BrowserText.plain(answer["cdpPort"]).map { "CDP port \($0)" } ?? BrowserText.plain(answer["cdpUrl"]) ?? ""
        return "Made \(answer["profile"]?.stringValue ?? name)" + (place.isEmpty ? "." : ", \(place).")
    }
}

/// `jarvis browser delete-profile`.
struct BrowserDeleteProfileCommand: BrowserLeaf {
    static let configuration = leaf(
        "delete-profile", "Take a browser away; its data go to the trash.", "delete-profile --name work")

    @Option(help: "Which.")
    var name: String

    @OptionGroup var options: BrowserOptions

    func ask() throws -> BrowserAsk { .delete("/profiles/\(try BrowserPath.step(name, "--name"))") }

    func text(_ answer: JSONValue) -> String { "Deleted \(answer["profile"]?.stringValue ?? name)." }
}

/// Words that become a step of a path.
enum BrowserPath {
    /// The word, or an error when it could mean more than one step.
    ///
    /// - Throws: `usage.value`, exit 2.
    static func step(_ word: String, _ label: String) throws -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            byte < 0x80
                && (Character(UnicodeScalar(byte)).isLetter || Character(UnicodeScalar(byte)).isNumber
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_"))
        }
        guard isPlain, (1...128).contains(word.utf8.count) else {
            throw JarvisError(
                "usage.value", "\(label) “\(word.prefix(60))” must consist of letters, digits, - and _.", exitCode: 2)
        }
        return word
    }
}
