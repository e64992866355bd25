import JarvisConfig
import JarvisCore
import Testing

@Suite struct ConfigPathTests {
    @Test(arguments: [
        ("gateway", "gateway"), ("gateway.port", "gateway.port"), ("a.b[0].c", "a.b[0].c"),
        ("a[\"x.y\"]", "a[\"x.y\"]"),
        ("a['x.y'].b", "a[\"x.y\"].b"), ("['a']", "a"), ("a[\"q\\\"q\"]", "a[\"q\\\"q\"]"),
        ("agents.list.0.id", "agents.list.0.id"),
        ("models.openai/gpt-4", "models.openai/gpt-4"), ("ä.ö", "ä.ö"), ("a[\"\"]", "a[\"\"]"), ("a[0][1]", "a[0][1]"),
    ])
    func reads(_ text: String, _ spelled: String) throws {
        let path = try ConfigPath(parsing: text)
        #expect(path.description == spelled)
        #expect(try ConfigPath(parsing: path.description) == path)
    }

    @Test(arguments: [
        ("", "position 1 found the end"), (".a", "position 1 found '.'"), ("a..b", "position 3 found '.'"),
        ("a.", "position 3 found the end"),
        ("a b", "position 2 found ' '"), ("a[", "position 3 found the end"), ("a[x]", "position 3 found 'x'"),
        ("a[1", "position 4 found the end"),
        ("a[\"x]", "position 6 found the end"), ("a]b", "position 2 found ']'"), ("a[1]b", "position 5 found 'b'"),
        ("a[-1]", "position 3 found '-'"),
        ("a\"b", "position 2 found '\"'"), ("a[99999999999999999999]", "position 23 found ']'"),
    ])
    func namesTheBadCharacter(_ text: String, _ words: String) {
        do {
            _ = try ConfigPath(parsing: text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.code == "config.path")
            #expect(error.exitCode == 2)
            #expect(error.message.contains(words), "\(error.message)")
        }
    }

    @Test func numbersAddressLists() throws {
        let value: JSONValue = ["a": [["b": 1]], "m": ["0": 2]]
        #expect(value.value(at: try path("a.0.b").fitted(to: value)) == 1)
        #expect(value.value(at: try path("m.0").fitted(to: value)) == 2)
        #expect(try path("a.b").overlaps(path("a")))
        #expect(try !path("a.b").overlaps(path("a.c")))
    }
}
