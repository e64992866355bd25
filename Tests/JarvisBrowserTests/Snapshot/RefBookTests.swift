import Testing

@testable import JarvisBrowser

@Suite struct RefBookTests {
    private let tokens = ["main": "t1", "inner": "t2"]

    private func nodes(_ numbers: [(String, Int)]) -> [SnapshotNode] {
        numbers.map { frame, number in
            var node = SnapshotNode(depth: 0, role: "button", name: "B\(number)", number: number)
            node.frame = frame
            return node
        }
    }

    private func assign(
        _ book: RefBook, _ numbers: [(String, Int)], _ style: RefStyle = .role, tokens: [String: String]? = nil
    ) -> [String?] {
        var nodes = nodes(numbers)
        book.assign(&nodes, style: style, tokens: tokens ?? self.tokens, main: "main") { _ in true }
        return nodes.map(\.ref)
    }

    @Test func roleRefsCountThroughAllFrames() throws {
        let book = RefBook()
        #expect(assign(book, [("main", 5), ("inner", 5), ("main", 2)]) == ["e1", "e2", "e3"])
        let target = try book.target("e2")
        #expect(target.frame == "inner" && target.number == 5 && target.token == "t2" && target.mayBeFoundAgain)
    }

    @Test func ariaRefsNameTheFrame() throws {
        let book = RefBook()
        #expect(assign(book, [("main", 5), ("inner", 5), ("inner", 6)], .aria) == ["1", "f1e1", "f1e2"])
        #expect(try book.target("f1e2").number == 6)
        #expect(try !book.target("1").mayBeFoundAgain)
    }

    @Test func anElementKeepsItsRefAndNoOtherGetsIt() throws {
        let book = RefBook()
        _ = assign(book, [("main", 1), ("main", 2)])
        #expect(assign(book, [("main", 2), ("main", 3)]) == ["e2", "e3"])
        #expect(throws: BrowserError.self) { try book.target("e1") }
        // Another document begins anew.
        #expect(assign(book, [("main", 2)], tokens: ["main": "t9"]) == ["e1"])
        #expect(throws: BrowserError.self) { try book.target("e2") }
    }

    @Test(arguments: ["e1", "@e1", "[ref=e1]", "ref=e1", " e1 ", "1"])
    func refsAreReadAsPeopleSpellThem(spelling: String) throws {
        let book = RefBook()
        _ = assign(book, [("main", 4)])
        #expect(try book.target(spelling).number == 4)
    }

    @Test func unknownRefsSayWhatToDo() {
        let book = RefBook()
        let first = #expect(throws: BrowserError.self) { try book.target("e1") }
        #expect(first?.status == 404 && first?.code == "unknown_ref")
        #expect(first?.message.contains("no snapshot") == true)
        _ = assign(book, [("main", 4)])
        book.forget(["e1"])
        let second = #expect(throws: BrowserError.self) { try book.target("e1") }
        #expect(second?.message.contains("new snapshot") == true)
    }
}
