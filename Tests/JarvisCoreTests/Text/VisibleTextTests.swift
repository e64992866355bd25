import Testing

@testable import JarvisCore

@Suite struct VisibleTextTests {
    @Test func lettersOfEveryScriptStay() {
        for text in ["ls -la ~/x", "Übergröße", "日本語", "مرحبا", "e\u{301}", "👍", "`rm`", "a\\b"] {
            #expect(VisibleText.escaped(text) == text)
        }
    }

    @Test func whatDeceivesTheEyeIsWrittenOut() {
        #expect(VisibleText.escaped("a\u{202E}b") == "a\\u{202e}b")
        #expect(VisibleText.escaped("a\u{1B}[2Jb") == "a\\u{1b}[2Jb")
        #expect(VisibleText.escaped("a\nb\r\tc") == "a\\nb\\r\\tc")
        #expect(VisibleText.escaped("a\u{200B}\u{FEFF}\u{2066}b") == "a\\u{200b}\\u{feff}\\u{2066}b")
        #expect(VisibleText.escaped("a\u{2028}\u{A0}b") == "a\\u{2028}\\u{a0}b")
        #expect(VisibleText.escaped("a\u{E0041}\u{FE0F}\u{0}") == "a\\u{e0041}\\u{fe0f}\\u{0}")
        #expect(VisibleText.escaped("\u{115F}\u{3164}") == "\\u{115f}\\u{3164}")
    }

    @Test func aGapHidesNothing() {
        #expect(VisibleText.escaped("a" + String(repeating: " ", count: 8) + "b") == "a        b")
        #expect(
            VisibleText.escaped("ls" + String(repeating: " ", count: 10_240) + "; rm -rf ~")
                == "ls ⟨10240 spaces⟩ ; rm -rf ~")
    }

    @Test func aWallOfMarksIsWrittenOut() {
        // Letters of living scripts carry few marks and stay as they are.
        #expect(VisibleText.escaped("e\u{302}\u{301} ก็ שָׁ") == "e\u{302}\u{301} ก็ שָׁ")
        let marks = String(repeating: "\u{301}", count: 6)
        #expect(
            VisibleText.escaped("x" + marks + "y") == "x" + marks.unicodeScalars.prefix(4).map(String.init).joined()
                + "\\u{301}\\u{301}y")
    }

    @Test func cutsSayHowMuch() {
        #expect(VisibleText.escaped("abcdef", limit: 6) == "abcdef")
        #expect(VisibleText.escaped("abcdefgh", limit: 3) == "abc … [cut: 5 of 8 characters]")
    }
}
