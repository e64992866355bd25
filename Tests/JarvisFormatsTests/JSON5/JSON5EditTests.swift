import JarvisCore
import JarvisFormats
import Testing

@Suite struct JSON5EditTests {
    private let file = """
        // Mine.
        {
          gateway: {
            port: 18789, // the usual
            /* why */ bind: 'loopback',
            auth: {
              token: '${TOKEN}',
            },
          },
          // agents below
          agents: { defaults: { model: 'a/b' } },
        }

        """

    private func edited(_ text: String, _ change: (inout JSON5Document) throws -> Void) throws -> String {
        var document = try JSON5Document(text)
        try change(&document)
        return document.text
    }

    @Test func changesOnlyTheValue() throws {
        let result = try edited(file) { try $0.set(19001, at: [.key("gateway"), .key("port")]) }
        #expect(result == file.replacing("18789", with: "19001"))
    }

    @Test func writesTextInTheFilesQuotes() throws {
        let result = try edited(file) { try $0.set("lan", at: [.key("gateway"), .key("bind")]) }
        #expect(result == file.replacing("'loopback'", with: "'lan'"))
        let odd = try edited(file) { try $0.set("it's \"x\"", at: [.key("gateway"), .key("bind")]) }
        #expect(odd.contains(#"bind: "it's \"x\"","#))
        let quotes = try edited(file) { try $0.set("say \"x\"\n\\", at: [.key("gateway"), .key("bind")]) }
        #expect(quotes.contains(#"bind: 'say "x"\n\\',"#))
    }

    @Test func insertsBehindTheLastMember() throws {
        let result = try edited(file) { try $0.set("hybrid", at: [.key("gateway"), .key("reload"), .key("mode")]) }
        #expect(
            result
                == file.replacing(
                    "    },\n  },\n  // agents",
                    with: "    },\n    reload: {\n      mode: 'hybrid',\n    },\n  },\n  // agents"))
        let inline = try edited(file) { try $0.set(5, at: [.key("agents"), .key("defaults"), .key("timeoutSeconds")]) }
        #expect(inline == file.replacing("model: 'a/b' }", with: "model: 'a/b', timeoutSeconds: 5 }"))
        let root = try edited(file) { try $0.set(["level": "debug"], at: [.key("logging")]) }
        #expect(root == file.replacing("} },\n}", with: "} },\n  logging: {\n    level: 'debug',\n  },\n}"))
    }

    @Test func keepsPlainJSONPlain() throws {
        let json = "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      1,\n      2\n    ]\n  }\n}\n"
        let result = try edited(json) {
            try $0.set(["d": "x"], at: [.key("e")])
            try $0.set(3, at: [.key("b"), .key("c"), .index(2)])
            try $0.remove(at: [.key("a")])
        }
        #expect(
            result
                == "{\n  \"b\": {\n    \"c\": [\n      1,\n      2,\n      3\n    ]\n  },\n  \"e\": {\n    \"d\": \"x\"\n  }\n}\n"
        )
        let last = try edited(json) { try $0.remove(at: [.key("b")]) }
        #expect(last == "{\n  \"a\": 1\n}\n")
        _ = try JSONParser.parse(result)
        _ = try JSONParser.parse(last)
    }

    @Test func fillsAnEmptyDocument() throws {
        #expect(
            try edited("{}\n") { try $0.set(1, at: [.key("a"), .key("b")]) } == "{\n  \"a\": {\n    \"b\": 1\n  }\n}\n")
        #expect(
            try edited("{\n  // nothing yet\n}\n") { try $0.set(1, at: [.key("a")]) }
                == "{\n  // nothing yet\n  \"a\": 1\n}\n")
        #expect(
            try edited("{ a: {} }") { try $0.set(1, at: [.key("a"), .key("b")]) }
                == "{ a: {b: 1 } }".replacing("{b: 1 }", with: "{b: 1}"))
    }

    @Test func handlesCommentsBehindTheLastMember() throws {
        #expect(
            try edited("{\n  a: 1 // one\n}") { try $0.set(2, at: [.key("b")]) } == "{\n  a: 1, // one\n  b: 2\n}")
        #expect(
            try edited("{\n  a: 1, /* x */ // one\n\n  // end\n}") { try $0.set(2, at: [.key("b")]) }
                == "{\n  a: 1, /* x */ // one\n  b: 2,\n\n  // end\n}")
        #expect(try edited("{ a: 1 /* x */ }") { try $0.set(2, at: [.key("b")]) } == "{ a: 1, /* x */ b: 2 }")
        let odd = try edited("{ a: 1 // x\n}") { try $0.set(2, at: [.key("b")]) }
        #expect(try JSON5.parse(odd) == ["a": 1, "b": 2])
        #expect(odd.contains("// x"))
    }

    @Test func removesMembersAndTheirLines() throws {
        let result = try edited(file) { try $0.remove(at: [.key("gateway"), .key("port")]) }
        #expect(result == file.replacing("    port: 18789, // the usual\n", with: ""))
        let commented = try edited(file) { try $0.remove(at: [.key("gateway"), .key("bind")]) }
        #expect(commented.contains("/* why */"))
        #expect(try JSON5.parse(commented)["gateway"]?["bind"] == nil)
        for text in [
            "{a:1,b:2,c:3}", "{ a: 1, b: 2, c: 3 }", "{ a: 1, b: 2, c: 3, }", "{\n a: 1,\n b: 2,\n c: 3\n}",
            "{a:1/*x*/,b:2/*y*/,c:3/*z*/}",
        ] {
            for key in ["a", "b", "c"] {
                let left = try edited(text) { try $0.remove(at: [.key(key)]) }
                var expected = try JSON5.parse(text)
                expected[key] = nil
                #expect(try JSON5.parse(left) == expected, "\(left)")
            }
            let none = try edited(text) {
                for key in ["b", "a", "c"] { try $0.remove(at: [.key(key)]) }
            }
            #expect(try JSON5.parse(none) == [:], "\(none)")
        }
        #expect(try edited("{ a: 1, b: 2 }") { try $0.remove(at: [.key("b")]) } == "{ a: 1 }")
        #expect(try edited("{ a: 1, b: 2 }") { try $0.remove(at: [.key("a")]) } == "{ b: 2 }")
        #expect(try edited("[1, 2, 3]") { try $0.remove(at: [.index(1)]) } == "[1, 3]")
        var document = try JSON5Document(file)
        #expect(try document.remove(at: [.key("nope"), .key("x")]) == false)
        #expect(document.text == file)
    }

    @Test func settingAnObjectTouchesOnlyWhatDiffers() throws {
        let result = try edited(file) {
            try $0.set(["port": 18789, "bind": "lan", "auth": ["token": "${TOKEN}"]], at: [.key("gateway")])
        }
        #expect(result == file.replacing("'loopback'", with: "'lan'"))
        #expect(try edited(file) { try $0.set(JSON5.parse(file), at: []) } == file)
    }

    @Test func keepsTheFilesIndentationAndLineEnds() throws {
        let tabs = "{\r\n\t'a': {\r\n\t\t'b': 1\r\n\t}\r\n}\r\n"
        let result = try edited(tabs) { try $0.set(["x": [["y": 1]]], at: [.key("a"), .key("c")]) }
        #expect(
            result
                == "{\r\n\t'a': {\r\n\t\t'b': 1,\r\n\t\t'c': {\r\n\t\t\t'x': [\r\n\t\t\t\t{\r\n\t\t\t\t\t'y': 1\r\n\t\t\t\t}\r\n\t\t\t]\r\n\t\t}\r\n\t}\r\n}\r\n"
        )
    }

    @Test func quotesKeysThatNeedIt() throws {
        let result = try edited("{\n  a: 1,\n}") { try $0.set(2, at: [.key("openai/gpt-4.1")]) }
        #expect(result == "{\n  a: 1,\n  \"openai/gpt-4.1\": 2,\n}")
    }

    @Test func refusesWhatCannotBe() throws {
        var document = try JSON5Document("{ a: 1, l: [1] }")
        #expect(throws: JSON5EditError.self) { try document.set(1, at: [.key("a"), .key("b")]) }
        #expect(throws: JSON5EditError.self) { try document.set(1, at: [.key("l"), .key("b")]) }
        #expect(throws: JSON5EditError.self) { try document.set(1, at: [.key("l"), .index(5)]) }
        #expect(throws: JSON5EditError.self) { try document.set(1, at: [.key("m"), .index(1)]) }
        #expect(throws: JSON5EditError.self) { try document.remove(at: []) }
        #expect(document.text == "{ a: 1, l: [1] }")
    }

    @Test func tellsPlacesAndSpellings() throws {
        let document = try JSON5Document(file)
        #expect(
            document.place(of: [.key("gateway"), .key("bind")])
                == JSON5Place(of: file.utf8.distance(to: "bind"), in: Array(file.utf8)))
        #expect(document.place(of: [.key("gateway"), .key("port")])?.line == 4)
        #expect(document.spelling(at: [.key("gateway"), .key("bind")]) == "'loopback'")
        #expect(document.place(of: [.key("nope")]) == nil)
    }

    /// Random edits keep the document readable, its other values and its comments.
    @Test func randomEditsHold() throws {
        var random = SeededGenerator(seed: 7)
        let keys = ["a", "b", "c-d", "e"]
        for round in 0..<150 {
            let starts = ["{}", "{\n}", file, "{ // c\n}", "{a:1,/* k */}", "{\"a\": {\"b\": [1, {\"c-d\": 2}]}}"]
            var document = try JSON5Document(starts[round % starts.count])
            for _ in 0..<12 {
                var path: [PathElement] = []
                for _ in 0..<Int.random(in: 1...3, using: &random) {
                    path.append(.key(keys.randomElement(using: &random) ?? "a"))
                }
                let before = document
                let values: [JSONValue] = [
                    1, "x", [1, 2], ["k": "v"], [["id": "1"], ["id": "2"]], .null, true, [:], [],
                ]
                do {
                    if Bool.random(using: &random) {
                        try document.remove(at: path)
                        #expect(document.value(at: path) == nil)
                    } else {
                        let value = values.randomElement(using: &random) ?? 1
                        try document.set(value, at: path)
                        #expect(document.value(at: path) == value)
                    }
                } catch {
                    #expect(document.text == before.text)
                }
                for key in keys where .key(key) != path.first {
                    #expect(document.value(at: [.key(key)]) == before.value(at: [.key(key)]))
                }
            }
            if starts[round % starts.count] == file { #expect(document.text.contains("// agents below")) }
        }
    }
}

extension String.UTF8View {
    fileprivate func distance(to word: String) -> Int {
        let bytes = Array(self)
        return bytes.indices.first { bytes[$0...].starts(with: word.utf8) } ?? -1
    }
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
