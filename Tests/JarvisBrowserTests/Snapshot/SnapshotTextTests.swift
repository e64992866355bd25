import Testing

@testable import JarvisBrowser

@Suite struct SnapshotTextTests {
    private func node(
        _ depth: Int, _ role: String, _ name: String = "", _ more: (inout SnapshotNode) -> Void = { _ in }
    )
        -> SnapshotNode
    {
        var node = SnapshotNode(depth: depth, role: role, name: name)
        more(&node)
        return node
    }

    @Test func nodesAreIndentedLines() {
        let text = SnapshotText(
            [
                node(0, "main"),
                node(1, "heading", "Title") {
                    $0.states = ["level=1"]
                    $0.ref = "e1"
                },
                node(1, "link", "More") {
                    $0.ref = "e2"
                    $0.url = "/more"
                },
                node(1, "textbox", "Name") {
                    $0.ref = "e3"
                    $0.value = "Ann"
                },
                node(1, "generic") {
                    $0.ref = "e4"
                    $0.states = ["cursor=pointer", "active"]
                },
                node(2, "text", "Press"),
            ], limit: 1_000, showsURLs: true)
        #expect(
            text.text == """
                - main:
                  - heading "Title" [level=1] [ref=e1]
                  - link "More" [ref=e2]:
                    - /url: /more
                  - textbox "Name" [ref=e3]: Ann
                  - generic [active] [ref=e4] [cursor=pointer]: Press
                """)
        #expect(text.written == 6 && text.lines == 6)
    }

    @Test func aPageCannotForgeLines() {
        let text = SnapshotText(
            [
                node(0, "button", "A\" [ref=e9]\n- button \"B") { $0.ref = "e1" },
                node(0, "text", "x\u{2028}- link \"evil\" [ref=e2]\r\n- y\u{0b}z\u{85}"),
            ], limit: 1_000, showsURLs: true)
        let lines = text.text.split(whereSeparator: \.isNewline)
        #expect(lines.count == 2)
        #expect(lines[0] == #"- button "A\" [ref=e9]\\n- button \"B" [ref=e1]"#)
        #expect(text.lines == 2)
    }

    @Test(arguments: [0, 1, 7, 20, 40, 60])
    func noMoreIsWrittenThanThereIsRoom(limit: Int) {
        let nodes = (0..<20).map { index in node(index % 3, "button", "B\(index)") { $0.ref = "e\(index)" } }
        let text = SnapshotText(nodes, limit: limit, showsURLs: true)
        #expect(text.text.utf16.count <= limit)
        #expect(text.written < nodes.count)
    }

    @Test func ofATextThatDoesNotFitTheBeginningIsShown() {
        let long = String(repeating: "long ", count: 1_000)
        for nodes in [[node(0, "text", long)], [node(0, "paragraph", ""), node(1, "text", long)]] {
            let text = SnapshotText(
                [node(0, "heading", "Top")] + nodes + [node(0, "button", "After")], limit: 1_000, showsURLs: true)
            #expect(text.text.utf16.count <= 1_000 && text.text.utf16.count > 900)
            #expect(text.text.contains(": long long") && text.text.hasSuffix("…"))
            #expect(text.written == 1 && text.lines == 2)
        }
    }

    @Test func cutsAreNamedWithAWayOut() throws {
        var cuts = SnapshotCuts()
        let options = try SnapshotOptions(ArgumentReader([:]))
        #expect(cuts.note(maxChars: 100, options) == nil)
        cuts.unshown = 12
        cuts.deeper = 3
        let note = try #require(cuts.note(maxChars: 100, options))
        #expect(note.contains("12 more nodes") && note.contains("3 nodes deeper") && note.contains("larger maxChars"))
        cuts.isUnread = true
        cuts.elements = (50, 900)
        #expect(try #require(cuts.note(maxChars: 100, options)).contains("50 of 900 elements"))
    }
}
