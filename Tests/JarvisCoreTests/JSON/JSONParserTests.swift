import JarvisCore
import Testing

@Suite struct JSONParserTests {
    @Test(arguments: [
        "[]", "{}", "[ ]", "[1]", "[1,2]", "[[]]", " [1] ", "\n\t\r [1]", "null", "true", "false", "0", "-0", "-1",
        "42", "\"\"", "\"a\"",
        "[0]", "[-0]", "[0.0]", "[0e1]", "[0e+1]", "[0E-1]", "[1e1]", "[1E22]", "[1e-2]", "[1E+2]", "[1.5]",
        "[-1.5e-3]", "[123456789012345678]",
        "[0.4e006699999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999]",
        "[-237462374673276894279832749832423479823246327846]", "[1e-400]", "{\"\":0}", "{\"a\":1,\"b\":2}",
        "{\"a\":{\"a\":1}}",
        "[\"\\u0000\"]", "[\"\\u00e9\"]", "[\"\\uD834\\uDD1E\"]", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]", "[\"\u{7F}\"]",
        "[\"\u{2028}\u{2029}\"]",
        "[\"漢字😀\"]", "[\"\u{FEFF}\"]", "[\"a/*b*/c\"]", "[\"//\"]", "[\"\u{FFFF}\"]", "{\"a\\u0000b\":1}",
    ])
    func accepts(_ text: String) {
        #expect(throws: Never.self) { try JSONParser.parse(text) }
    }

    @Test(arguments: [
        "", " ", "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1]]", "[1]x", "{}}",
        "{,}", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}", "{\"a\":1,,\"b\":2}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{a:1}", "{'a':1}", "{1:1}", "{null:1}",
        "{:1}", "['a']", "[\"a]", "\"a",
        "[\"a\nb\"]", "[\"a\tb\"]", "[\"\u{0}\"]", "[\"\u{1F}\"]", "[\"\\x41\"]", "[\"\\a\"]", "[\"\\u\"]",
        "[\"\\u12\"]", "[\"\\u12g4\"]", "[\"\\\"]", "[\"\\'\"]",
        "[\"\\0\"]", "[\\n]", "[a]", "[nul]", "[nulll]", "[True]", "[tru]", "[fals]", "[NaN]", "[Infinity]",
        "[-Infinity]", "[undefined]",
        "[+1]", "[.5]", "[1.]", "[-.5]", "[01]", "[-01]", "[00]", "[1e]", "[1e+]", "[1E-]", "[1.e1]", "[0x1]", "[0e]",
        "[--1]", "[- 1]", "[-]", "[1a]",
        "[1.2.3]", "[1_0]", "[1,\n1\n,1", "// c\n[]", "[] // c", "[]/**/", "[/**/1]", "\u{FEFF}[]", "[\u{A0}1]",
        "\u{B}[]", "\u{C}[]", "[1;2]",
        "{\"a\":1;\"b\":2}", "[\"a\",\n4\n,1,", "*", "<null>", "{\"a\":\"a\" 123}", "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
    ])
    func refuses(_ text: String) {
        #expect(throws: JSONParseError.self) { try JSONParser.parse(text) }
    }

    @Test func refusesInvalidUTF8() {
        let inner: [[UInt8]] = [
            [0xFF], [0x80], [0xC0, 0xAF], [0xE0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88],
            [0xFC, 0x83, 0xBF], [0xE5],
        ]
        for bytes in inner {
            #expect(throws: JSONParseError.self) { try JSONParser.parse([0x22] + bytes + [0x22]) }
            #expect(throws: JSONParseError.self) { try JSONParser.parse([0x7B, 0x22] + bytes + Array("\":1}".utf8)) }
        }
        #expect(throws: JSONParseError.self) { try JSONParser.parse([0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00]) }
    }

    @Test func replacesHalfSurrogates() throws {
        #expect(try JSONParser.parse(#"["\uD800"]"#) == ["\u{FFFD}"])
        #expect(try JSONParser.parse(#"["\uDC00\uD800x"]"#) == ["\u{FFFD}\u{FFFD}x"])
        #expect(try JSONParser.parse(#"["\uD800\u0041"]"#) == ["\u{FFFD}A"])
        #expect(try JSONParser.parse(#"["\uD83D\uDE00"]"#) == ["😀"])
    }

    @Test func limitsDepth() throws {
        for text in [String(repeating: "[", count: 100_000), String(repeating: "{\"a\":", count: 100_000)] {
            #expect(throws: JSONParseError.self) { try JSONParser.parse(text) }
        }
        _ = try JSONParser.parse(String(repeating: "[", count: 256) + String(repeating: "]", count: 256))
        #expect(throws: JSONParseError.self) {
            try JSONParser.parse(String(repeating: "[", count: 257) + String(repeating: "]", count: 257))
        }
    }

    @Test func keepsNumbersApart() throws {
        #expect(try JSONParser.parse("9223372036854775807") == .int(.max))
        #expect(try JSONParser.parse("-9223372036854775808") == .int(.min))
        #expect(try JSONParser.parse("9223372036854775808") == .double(9_223_372_036_854_775_808))
        #expect(try JSONParser.parse("1.0") == .double(1))
        #expect(try JSONParser.parse("-0") == .double(-0.0))
        #expect(try JSONParser.parse("1e2") == .double(100))
    }

    @Test func keepsOrderAndRoundTrips() throws {
        let text = #"{"z":1,"a":[true,null,"\"\\\n\u0001é😀"],"m":{"x":-1.5}}"#
        let value = try JSONParser.parse(text)
        #expect(value.objectValue?.keys.elements == ["z", "a", "m"])
        #expect(try JSONParser.parse(JSONWriter.encode(value)) == value)
        #expect(try JSONParser.parse(JSONWriter.pretty(value)) == value)
    }

    @Test func namesThePlace() {
        #expect(throws: JSONParseError.self) { try JSONParser.parse("{\n \"a\": x}") }
        do {
            _ = try JSONParser.parse("{\n \"a\": x}")
        } catch {
            #expect(error.line == 2)
            #expect(error.column == 7)
        }
    }
}
