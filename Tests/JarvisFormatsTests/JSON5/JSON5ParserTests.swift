import JarvisCore
import JarvisFormats
import Testing

@Suite struct JSON5ParserTests {
    private static let accepted: [(String, JSONValue)] = [
        // Comments and white space
        ("// before\n1", 1), ("1 // after", 1), ("1 // after without line end", 1), ("/* one */ 1 /* two */", 1),
        ("/**/1", 1), ("/***/1", 1), ("/* * / */1", 1), ("// ends by CR\r1", 1), ("// ends by LS\u{2028}1", 1),
        ("\u{FEFF}1", 1), ("\u{A0}\u{3000}\u{B}\u{C}1\u{2029}", 1),
        ("{/* a */a/* b */:/* c */1/* d */,/* e */}", ["a": 1]),
        ("[ // one\n 1, // two\n 2 // three\n]", [1, 2]),
        // Objects
        ("{}", [:]), ("{ }", [:]), ("{a:1}", ["a": 1]), ("{a:1,}", ["a": 1]), ("{'a':1}", ["a": 1]),
        ("{\"a\":1}", ["a": 1]), ("{$_:1, _$: 2, a9: 3}", ["$_": 1, "_$": 2, "a9": 3]), ("{ünicode:1}", ["ünicode": 1]),
        ("{\\u0061b:1}", ["ab": 1]), ("{a\\u0062:1}", ["ab": 1]),
        ("{null:1, true:2, while:3}", ["null": 1, "true": 2, "while": 3]),
        ("{Infinity:1,NaN:2}", ["Infinity": 1, "NaN": 2]), ("{'':1}", ["": 1]),
        ("{a:{b:{c:[]}}}", ["a": ["b": ["c": []]]]),
        ("{a\u{200D}b:1}", ["a\u{200D}b": 1]), ("{__proto__:1}", ["__proto__": 1]),
        // Arrays
        ("[]", []), ("[\n]", []), ("[1]", [1]), ("[1,]", [1]), ("[1,[2,],]", [1, [2]]),
        // Words
        ("null", .null), ("true", true), ("false", false),
        // Numbers
        ("0", 0), ("7", 7), ("+7", 7), ("-7", -7), (".5", 0.5), ("+.5", 0.5), ("-.5", -0.5), ("5.", 5.0), ("5.0", 5.0),
        ("5.e2", 500.0), ("1e3", 1000.0), ("1E+3", 1000.0), ("1e-2", 0.01), ("1.5e2", 150.0), (".5e1", 5.0),
        ("0.", 0.0),
        ("0e5", 0.0), ("0x0", 0), ("0xC8", 200), ("0Xc8", 200), ("0xdecaf", 912_559), ("-0xC8", -200), ("+0xC8", 200),
        ("Infinity", .double(.infinity)), ("+Infinity", .double(.infinity)), ("-Infinity", .double(-.infinity)),
        ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
        ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("0x7FFFFFFFFFFFFFFF", .int(.max)),
        ("0xFFFFFFFFFFFFFFFF", .double(0x1p64)), ("1/* c */", 1),
        // Strings
        ("'a'", "a"), ("\"a\"", "a"), ("''", ""), ("'\"'", "\""), ("\"'\"", "'"), ("'\\''", "'"), ("'\\\"'", "\""),
        ("'a\\\nb'", "ab"), ("'a\\\r\nb'", "ab"), ("'a\\\rb'", "ab"), ("'a\\\u{2028}b'", "ab"),
        ("'a\u{2028}b'", "a\u{2028}b"),
        ("'\\b\\f\\n\\r\\t\\v\\0\\\\\\/'", "\u{8}\u{C}\n\r\t\u{B}\0\\/"), ("'\\x41\\xe9'", "Aé"), ("'\\u0041'", "A"),
        ("'\\uD83D\\uDE00'", "😀"), ("'\\uD83D'", "\u{FFFD}"), ("'\\uD83Dx\\uDE00'", "\u{FFFD}x\u{FFFD}"),
        ("'\\a\\q\\A\\é'", "aqAé"), ("'tab\there'", "tab\there"), ("'// no comment'", "// no comment"),
        ("'\\0a'", "\0a"),
        ("'Äß漢😀'", "Äß漢😀"),
    ]

    @Test(arguments: 0..<accepted.count) func accepts(_ index: Int) throws {
        let (text, value) = Self.accepted[index]
        #expect(try JSON5.parse(text) == value, "\(text)")
    }

    @Test func notANumberIsADouble() throws {
        for text in ["NaN", "+NaN", "-NaN"] {
            #expect(try JSON5.parse(text).doubleValue?.isNaN == true)
            #expect(try JSON5.dump(JSON5.parse(text)) == "NaN")
        }
        #expect(try JSON5.dump(JSON5.parse("[-Infinity, {a: +Infinity}]")) == "[-Infinity,{\"a\":Infinity}]")
        #expect(try JSON5.parse("-0") == .double(-0.0))
        #expect(try JSON5.parse("-0").doubleValue?.sign == .minus)
    }

    @Test(arguments: [
        // Nothing, or too much
        "", " ", "// only a comment", "/* only a comment */", "1 2", "{} {}", "[]]", "{}}", "1,", ",", "/* open",
        "/* open *", "/", "1 /",
        "# shell", "-- sql",
        // Objects
        "{", "{a", "{a:", "{a:1", "{a:1,", "{,}", "{a:1,,}", "{,a:1}", "{a:1 b:2}", "{a}", "{a b:1}", "{:1}", "{10a:1}",
        "{1:1}",
        "{a-b:1}", "{a.b:1}", "{@a:1}", "{a:}", "{a::1}", "{a=1}", "{a:1;b:2}", "{'a:1}", "{\\u0031a:1}", "{\\x61:1}",
        "{a\\u00zz:1}",
        "{\\uD83D\\uDE00:1}", "{\u{200D}a:1}", "{a:1,a:2}", "{a:1,'a':2}", "{a:1,\\u0061:2}", "{a:1]",
        // Arrays
        "[", "[1", "[1,", "[,]", "[1,,]", "[,1]", "[1 2]", "[1,,2]", "[1}", "[1:2]",
        // Words
        "nul", "nulll", "True", "NULL", "undefined", "truefalse", "true1", "tru e", "infinity", "nan", "hello",
        // Numbers
        "+", "-", ".", "+.", "-.", "e5", ".e5", "1e", "1e+", "1.2.3", "1..2", "01", "010", "080", "098", "-01", "00",
        "0x", "0xg", "0x1g",
        "1a", "1_000", "+-1", "--1", "++1", "- 1", "+ 1", "1e5.5", "1e1e1", "0b1", "0o7", "0x1.8", "1n", "$1", "+true",
        "-null", "1'a'",
        "0.0.", "12\\u0031",
        // Strings
        "'", "\"", "'a", "'a\"", "\"a'", "'a\nb'", "'a\rb'", "\"a\nb\"", "'\\", "'\\x4'", "'\\xg1'", "'\\u004'",
        "'\\u{41}'", "'\\01'", "'\\1'",
        "'\\9'", "'a' 'b'", "`a`", "'a'b",
    ])
    func refuses(_ text: String) {
        #expect(throws: JSON5ParseError.self) { try JSON5.parse(text) }
    }

    @Test func namesThePlace() {
        #expect(
            failure("{\n  a: 1,\n  b: oops,\n}")
                == "line 3, column 6: unexpected word \"oops\", expected a value (text needs quotes)")
        #expect(failure("{\r\n  a: 1\r\n  b: 2\r\n}") == "line 3, column 3: unexpected 'b', expected ',' or '}'")
        #expect(failure("{a: 1,\r b: 2,\r a: 3}") == "line 3, column 2: duplicate key \"a\"")
        #expect(failure("[1,\n 2") == "line 2, column 3: unexpected end of input, ']' is missing for line 1, column 1")
        #expect(failure("/* x") == "line 1, column 1: a comment that begins with /* is not closed")
        #expect(failure("\u{1}") == "line 1, column 1: unexpected U+0001, expected a value")
    }

    @Test func refusesInvalidUTF8() {
        let cases: [([UInt8], Int)] = [
            ([0x22, 0xFF, 0x22], 1), ([0x22, 0xC3], 1), ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
            ([0x31, 0x20, 0xC0, 0x80], 2),
            (Array("'ä' /* ".utf8) + [0xF5], 8),
        ]
        for (bytes, offset) in cases {
            do {
                _ = try JSON5.parse(bytes)
                Issue.record("accepted \(bytes)")
            } catch {
                #expect(error.reason == "invalid UTF-8")
                #expect(error.offset == offset)
            }
        }
    }

    @Test func refusesDeepNesting() throws {
        for text in [String(repeating: "[", count: 100_000), String(repeating: "{a:", count: 100_000)] {
            #expect(failure(text)?.hasSuffix("nested deeper than 256 levels") == true)
        }
        _ = try JSON5.parse(String(repeating: "[", count: 256) + String(repeating: "]", count: 256))
    }

    @Test func jsonIsJSON5() throws {
        let text = #"{"a":[1,-2.5,1e10,true,false,null,"x\u00e9\n"],"b":{"c":{}}}"#
        #expect(try JSON5.parse(text) == JSONParser.parse(text))
    }

    private func failure(_ text: String) -> String? {
        do {
            _ = try JSON5.parse(text)
            return nil
        } catch {
            return error.description
        }
    }
}
