import ArgumentParser
import JarvisCore
import JarvisFormats
import JarvisNet

/// `jarvis debug parse`: the production parsers on a file.
struct DebugParseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse",
        abstract: "Read a file with a production parser and print what it holds.",
        discussion: """
            Examples:
              jarvis debug parse json file.json
              jarvis debug parse sse - < stream.txt

            Exit codes: 0 read; 1 refused.
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable { case json, json5, sse }

    @Argument(help: "json, json5 or sse.")
    var kind: Kind

    @Argument(help: "The file; - for standard input.")
    var file: String

    func run() throws {
        let bytes =
            file == "-"
            ? try Terminal.readStandardInput() : try DurableFile.read(try CLIContext.current.absolutePath(file))
        let text: String
        do {
            text = try Self.render(bytes, as: kind)
        } catch {
            throw JarvisError("debug.parse", String("\(error)".prefix(500)))
        }
        Terminal.write(text + "\n")
    }

    private static func render(_ bytes: [UInt8], as kind: Kind) throws -> String {
        switch kind {
        case .json: return JSONWriter.string(try JSONParser.parse(bytes))
        case .json5: return JSON5.dump(try JSON5.parse(bytes))
        case .sse:
            var parser = SSEParser()
            let events = try parser.push(bytes) + parser.finish()
            return JSONWriter.string(
                .array(
                    events.map {
                        .members([
                            "event": .string($0.event), "data": .string($0.data), "id": $0.id.map(JSONValue.string),
                            "retry": $0.retry.map { JSONValue($0) },
                        ])
                    }))
        }
    }
}
