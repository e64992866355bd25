import ArgumentParser
import JarvisClient
import JarvisCore
import JarvisFormats
import JarvisTools

/// `jarvis approvals get`.
struct ApprovalsGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show what is allowed for good (exec-approvals.json).",
        discussion: """
            Examples:
              jarvis approvals get
              jarvis approvals get --json > approvals.json

            Exit codes: 0 shown; 1 unreadable file or not running; 2 wrong usage.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let answer = try await client.call("exec.approvals.get", timeout: connection.wait)
        CommandOutput(json: answer, text: try Self.text(answer)).show(json: json.isOn)
    }

    static func text(_ answer: JSONValue) throws -> String {
        let path = answer["path"]?.stringValue ?? ""
        let document = try ApprovalsDocument(answer["file"] ?? [:])
        var lines = [answer["exists"]?.boolValue == true ? path : "\(path) (not there yet)"]
        for (name, rules) in [("defaults", answer["file"]?["defaults"])] {
            let words = (rules?.objectValue ?? [:]).map { "\($0.key) \(JSONWriter.string($0.value))" }
            if !words.isEmpty { lines.append("\(name): \(words.joined(separator: ", "))") }
        }
        if document.entries.isEmpty {
            lines.append("Nothing is allowed for good.")
        } else {
            var table = TextTable(header: ["AGENT", "PATTERN", "ID"])
            for entry in document.entries {
                let note = entry.namesTool ? "" : "  (allows nothing: it names no tool before its star)"
                table.add(
                    VisibleText.escaped(entry.agent, limit: 40),
                    VisibleText.escaped(entry.pattern, limit: 200) + note, VisibleText.escaped(entry.id, limit: 64))
            }
            lines.append(table.text)
        }
        return lines.joined(separator: "\n")
    }
}

/// `jarvis approvals set`.
struct ApprovalsSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Replace exec-approvals.json.",
        discussion: """
            The file is refused as a whole when a member has a wrong form, and when somebody changed the old one since \
            --base-hash was read.

            Examples:
              jarvis approvals set approvals.json
              jarvis approvals set - --base-hash "$HASH" < approvals.json

            Exit codes: 0 written; 1 refused, unreadable file or not running; 2 wrong usage.
            """)

    @Argument(help: "The file; - for standard input. The answer of get --json is taken too.")
    var file: String

    @Option(help: "The hash that get told; without it the one of now.")
    var baseHash: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let context = CLIContext.current
        let bytes =
            file == "-" ? try Terminal.readStandardInput() : try DurableFile.read(try context.absolutePath(file))
        let value: JSONValue
        do {
            value = try JSON5.parse(bytes)
        } catch {
            let place = file == "-" ? "Standard input" : file
            throw JarvisError("usage.file", "\(place) is no JSON: \(error)", exitCode: 2)
        }
        let client = try await connection.connect(context)
        defer { client.close() }
        var base = baseHash
        if base == nil { base = try await ApprovalsEdit.current(client, connection).hash }
        let isAnswer = value["file"]?.objectValue != nil && value["path"] != nil
        let document = (isAnswer ? value["file"] : nil) ?? value
        let answer = try await client.call(
            "exec.approvals.set", ["file": document, "baseHash": JSONValue(base)], timeout: connection.wait)
        CommandOutput(json: answer, text: try ApprovalsGetCommand.text(answer)).show(json: json.isOn)
    }
}

/// `jarvis approvals allowlist`.
struct ApprovalsAllowlistCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allowlist",
        abstract: "Allow something for good, or no longer.",
        discussion: """
            Examples:
              jarvis approvals allowlist add 'browser:upload:/home/me/share/*'
              jarvis approvals allowlist remove 'browser:upload:/home/me/share/*'
            """,
        subcommands: [ApprovalsAllowlistAddCommand.self, ApprovalsAllowlistRemoveCommand.self])
}

/// `jarvis approvals allowlist add`.
struct ApprovalsAllowlistAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Allow what a pattern names, without asking from now on.",
        discussion: """
            * stands for any text. A question shows its pattern behind “always”.

            Examples:
              jarvis approvals allowlist add 'browser:upload:/home/me/share/*'
              jarvis approvals allowlist add 'browser:evaluate:*' --agent work

            Exit codes: 0 written; 1 not running; 2 wrong usage.
            """)

    @Argument(help: "What to allow, for example browser:upload:/home/me/share/*.")
    var pattern: String

    @Option(help: "The agent; * for all.")
    var agent: String = "main"

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    mutating func validate() throws {
        if pattern.allSatisfy(\.isWhitespace) { throw ValidationError("the pattern is empty.") }
        guard ApprovalsDocument.Entry.namesTool(pattern) else {
            throw ValidationError("\"\(pattern)\" names no tool before its star: write for example browser:evaluate:*.")
        }
    }

    func run() async throws {
        let answer = try await ApprovalsEdit.change(connection) {
            $0.adding(pattern: pattern, agent: agent, id: Identifiers.uuid())
        }
        CommandOutput(json: answer, text: try ApprovalsGetCommand.text(answer)).show(json: json.isOn)
    }
}

/// `jarvis approvals allowlist remove`.
struct ApprovalsAllowlistRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a pattern off the allow-list.",
        discussion: """
            Examples:
              jarvis approvals allowlist remove 'browser:upload:/home/me/share/*'

            Exit codes: 0 removed; 1 no such entry or not running; 2 wrong usage.
            """)

    @Argument(help: "The pattern or the id of the entry.")
    var entry: String

    @Option(help: "Only of this agent.")
    var agent: String?

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var json: JSONOption

    func run() async throws {
        let answer = try await ApprovalsEdit.change(connection) { document in
            let new = document.removing(entry, agent: agent)
            guard new.entries.count < document.entries.count else {
                throw JarvisError(
                    "approvals.unknown", "no entry “\(VisibleText.escaped(entry, limit: 100))” is on the allow-list",
                    hint: "See them: jarvis approvals get")
            }
            return new
        }
        CommandOutput(json: answer, text: try ApprovalsGetCommand.text(answer)).show(json: json.isOn)
    }
}

/// Changes of the file over the gateway, which alone writes it.
enum ApprovalsEdit {
    static func current(
        _ client: RPCClient, _ connection: ConnectionOptions
    ) async throws -> (document: ApprovalsDocument, hash: String?) {
        let answer = try await client.call("exec.approvals.get", timeout: connection.wait)
        return (try ApprovalsDocument(answer["file"] ?? [:]), answer["hash"]?.stringValue)
    }

    static func change(
        _ connection: ConnectionOptions, _ change: (ApprovalsDocument) throws -> ApprovalsDocument
    ) async throws -> JSONValue {
        let client = try await connection.connect(.current)
        defer { client.close() }
        let (document, hash) = try await current(client, connection)
        return try await client.call(
            "exec.approvals.set",
            ["file": .object(try change(document).json), "baseHash": JSONValue(hash)], timeout: connection.wait)
    }
}
