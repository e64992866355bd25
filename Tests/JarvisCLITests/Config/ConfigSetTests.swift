import JarvisCore
import Testing

@testable import JarvisCLI

@Suite("Values of config set")
struct ConfigSetTests {
    @Test(
        "JSON5, else text",
        arguments: [
            ("true", JSONValue.bool(true)), ("5", 5), ("\"5\"", "5"), ("{a: 'x'}", ["a": "x"]),
            ("plain text", "plain text"),
            ("${X}", "${X}"), ("", ""),
        ] as [(String, JSONValue)])
    func lenient(text: String, value: JSONValue) throws {
        #expect(try ConfigSetCommand.parse(text, strict: false) == value)
    }

    @Test("strict refuses text")
    func strict() {
        let error = #expect(throws: JarvisError.self) { try ConfigSetCommand.parse("plain text", strict: true) }
        #expect(error?.exitCode == 2)
    }
}
