import ArgumentParser
import JarvisCore
import JarvisProtocol

/// A command that is one request to the control service: it says what to ask and how to show the answer, and this does
/// the rest.
protocol BrowserLeaf: AsyncParsableCommand {
    /// Which gateway and browser, and how to print.
    var options: Options { get }
    associatedtype Options: BrowserDoor
    /// The request.
    ///
    /// - Throws: `usage.…`, exit 2.
    func ask() throws -> BrowserAsk
    /// The answer for people.
    func text(_ answer: JSONValue) -> String
    /// Writes the answer into the file that the caller wants, and returns its path; nil: it is printed.
    ///
    /// - Throws: what writing a file throws.
    func took(_ answer: JSONValue) throws -> String?
}

extension BrowserLeaf {
    /// A configuration in the shape of this family.
    static func leaf(_ name: String, _ abstract: String, _ examples: String..., aliases: [String] = [])
        -> CommandConfiguration
    {
        CommandConfiguration(
            commandName: name, abstract: abstract,
            discussion: (examples.count == 1 ? "Example:\n" : "Examples:\n")
                + examples.map { "  jarvis browser \($0)" }.joined(separator: "\n")
                + "\n\nExit codes: 0 done; 1 refused, failed, or no gateway; 2 wrong usage.", aliases: aliases)
    }

    func text(_ answer: JSONValue) -> String { BrowserText.done(answer) }

    func run() async throws {
        let answer = try await options.send(try ask())
        if let path = try took(answer) {
            let json = JSONValue.members(["ok": true, "out": .string(path), "imagePath": answer["imagePath"]])
            return CommandOutput(json: json, text: "Wrote \(path)").show(json: options.wantsJSON)
        }
        var text = text(answer)
        if let note = answer["note"]?.stringValue {
            text += "\n" + BrowserText.spoken(note, command: try CLIContext.current.instance().command)
        }
        CommandOutput(json: answer, text: text).show(json: options.wantsJSON)
    }

    func took(_ answer: JSONValue) throws -> String? { nil }
}

/// One request to the control service.
struct BrowserAsk {
    var method: String
    var path: String
    var query: JSONValue = [:]
    var body: JSONValue?
    /// How long the browser itself may wait, in milliseconds; nil: its default.
    var patienceMs: Int?

    /// A question. Members that are nil are left out.
    static func get(_ path: String, _ query: KeyValuePairs<String, JSONValue?> = [:]) -> BrowserAsk {
        BrowserAsk(method: "GET", path: path, query: .members(query))
    }

    /// Something to do. Members that are nil are left out.
    static func post(
        _ path: String, _ body: KeyValuePairs<String, JSONValue?> = [:], patience: BrowserPatience? = nil
    ) -> BrowserAsk {
        var body = JSONValue.members(body)
        if let limit = patience?.timeoutMs { body["timeoutMs"] = JSONValue(limit) }
        return BrowserAsk(method: "POST", path: path, body: body, patienceMs: patience?.timeoutMs)
    }

    /// An action in the page.
    static func act(
        _ kind: String, _ tab: BrowserTabOption, _ fields: KeyValuePairs<String, JSONValue?>,
        patience: BrowserPatience? = nil
    ) -> BrowserAsk {
        var ask = post("/act", fields, patience: patience)
        ask.body?["kind"] = .string(kind)
        if let target = tab.targetId { ask.body?["targetId"] = .string(target) }
        return ask
    }

    /// Something to take away.
    static func delete(_ path: String) -> BrowserAsk { BrowserAsk(method: "DELETE", path: path) }
}

/// `--target-id`.
struct BrowserTabOption: ParsableArguments {
    @Option(help: "The tab: its id from “tabs” or a unique beginning of one. Without it the tab used last.")
    var targetId: String?

    /// The value for a request.
    var json: JSONValue? { targetId.map(JSONValue.string) }
}

/// `--timeout-ms`.
struct BrowserPatience: ParsableArguments {
    @Option(help: ArgumentHelp("How long the browser may wait for this, in milliseconds.", valueName: "ms"))
    var timeoutMs: Int?

    mutating func validate() throws {
        if let timeoutMs, !(1...120_000).contains(timeoutMs) {
            throw ValidationError("--timeout-ms must be 1 to 120000 milliseconds.")
        }
    }
}
