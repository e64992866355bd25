import Testing

@testable import JarvisCLI

@Suite("The line editor")
struct LineEditorTests {
    private func type(_ keys: [Key], into editor: inout LineEditor) -> [LineEditor.Action] {
        keys.map { editor.handle($0) }
    }

    @Test("typing, moving and deleting")
    func editing() {
        var editor = LineEditor()
        _ = type([.text("hello world"), .home, .text("> "), .end, .backspace, .wordLeft, .killWord], into: &editor)
        #expect(editor.text == "> worl")
        _ = type([.left, .right, .delete, .killToEnd, .killLine], into: &editor)
        #expect(editor.text == "")
    }

    @Test("a combining character joins what stands before the cursor")
    func combining() {
        var editor = LineEditor()
        _ = type([.text("ae"), .text("\u{301}"), .left], into: &editor)
        #expect(editor.text == "aé")
        #expect(editor.cursor == 1)
        _ = editor.handle(.delete)
        #expect(editor.text == "a")
    }

    @Test("an emoji sequence is one character")
    func emoji() {
        var editor = LineEditor()
        _ = type([.text("👨‍👩‍👧🇩🇪"), .backspace], into: &editor)
        #expect(editor.text == "👨‍👩‍👧")
        _ = editor.handle(.backspace)
        #expect(editor.text.isEmpty)
    }

    @Test("enter submits and empties; history goes up and down and keeps the draft")
    func history() {
        var editor = LineEditor(history: ["one"])
        #expect(type([.text("two"), .enter], into: &editor).last == .submit("two"))
        #expect(editor.text.isEmpty)
        _ = type([.text("draft"), .up], into: &editor)
        #expect(editor.text == "two")
        _ = type([.up, .up], into: &editor)
        #expect(editor.text == "one")
        _ = type([.down, .down], into: &editor)
        #expect(editor.text == "draft")
    }

    @Test("Ctrl-D leaves an empty line and deletes in another; Ctrl-C interrupts")
    func control() {
        var editor = LineEditor()
        #expect(editor.handle(.endOfInput) == .leave)
        _ = type([.text("ab"), .home], into: &editor)
        #expect(editor.handle(.endOfInput) == .changed)
        #expect(editor.text == "b")
        #expect(editor.handle(.interrupt) == .interrupt)
    }

    @Test("the view keeps the cursor visible and counts wide characters")
    func view() {
        var editor = LineEditor()
        _ = editor.handle(.text("日本語日本語"))
        var view = editor.view(columns: 9)
        #expect(view.text == "語日本語")
        #expect(view.cursorColumn == 8)
        _ = editor.handle(.home)
        view = editor.view(columns: 9)
        #expect(view.text == "日本語日")
        #expect(view.cursorColumn == 0)
        _ = editor.handle(.text("a\nb"))
        #expect(editor.view(columns: 20).text.hasPrefix("a↵b"))
    }
}
