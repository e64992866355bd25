import Testing

@testable import JarvisCLI

@Suite("A table of columns")
struct TextTableTests {
    @Test("columns are aligned by display width, without trailing spaces")
    func alignment() {
        var table = TextTable(header: ["A", "B"])
        table.add("日本", "x")
        table.add("abc", "")
        #expect(table.text == "A     B\n日本  x\nabc")
    }

    @Test(
        "display width of characters",
        arguments: [
            ("a", 1), ("é", 1), ("e\u{301}", 1), ("日", 2), ("😀", 2), ("👨‍👩‍👧", 2), ("🇩🇪", 2), ("\u{200B}", 0), ("ー", 2),
            ("❤️", 2),
        ])
    func width(text: String, columns: Int) {
        #expect(DisplayWidth.of(text) == columns)
    }
}
