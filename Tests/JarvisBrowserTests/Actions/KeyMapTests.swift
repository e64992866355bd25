import Testing

@testable import JarvisBrowser

@Suite struct KeyMapTests {
    @Test(arguments: [
        ("Enter", "Enter", "Enter", 13, "\r"), ("return", "Enter", "Enter", 13, "\r"), ("a", "a", "KeyA", 65, "a"),
        ("A", "A", "KeyA", 65, "A"), ("KeyA", "a", "KeyA", 65, "a"), ("Shift+a", "A", "KeyA", 65, "A"),
        ("Control+A", "A", "KeyA", 65, ""), ("Shift+Tab", "Tab", "Tab", 9, ""), ("F5", "F5", "F5", 116, ""),
        ("Space", " ", "Space", 32, " "), ("space", " ", "Space", 32, " "), ("esc", "Escape", "Escape", 27, ""),
        ("ArrowDown", "ArrowDown", "ArrowDown", 40, ""), ("Control++", "+", "Equal", 187, ""),
        ("+", "+", "Equal", 187, "+"),
        ("!", "!", "Digit1", 49, "!"), ("Shift+1", "!", "Digit1", 49, "!"), ("ü", "ü", "", 0, "ü"),
        ("漢", "漢", "", 0, "漢"),
        ("ControlOrMeta+c", "c", "KeyC", 67, ""), ("pagedown", "PageDown", "PageDown", 34, ""),
    ])
    func chordsAreRead(text: String, key: String, code: String, keyCode: Int, types: String) throws {
        let press = try KeyChord(text).press
        #expect(press.key == key && press.code == code && press.keyCode == keyCode && press.text == types)
    }

    @Test func modifiersAreRead() throws {
        #expect(try KeyChord("Control+Shift+Alt+Meta+x").modifiers == [.control, .shift, .alt, .meta])
        #expect(try KeyChord("x").modifiers == [])
    }

    @Test(arguments: ["", "Hyper+a", "Control+", "Entr", "ab"])
    func otherKeysAreRefused(text: String) {
        let error = #expect(throws: BrowserError.self) { try KeyChord(text) }
        #expect(error?.status == 400)
    }

    @Test func onlyWhatAUSKeyboardHasIsTypedWithKeys() {
        for scalar in UInt8(32)...126 {
            #expect(KeyMap.typing(Character(Unicode.Scalar(scalar))) != nil)
        }
        #expect(KeyMap.typing("Z")?.shift == true)
        for character in "äш漢🙂ش" { #expect(KeyMap.typing(character) == nil) }
    }
}
