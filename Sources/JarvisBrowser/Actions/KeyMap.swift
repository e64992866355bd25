/// One key of a keyboard, as the debugging protocol wants it described.
struct KeyPress: Sendable, Hashable {
    /// `KeyboardEvent.key`.
    var key: String
    /// `KeyboardEvent.code`.
    var code: String
    /// `KeyboardEvent.keyCode`.
    var keyCode: Int
    /// What it types; empty for keys that type nothing.
    var text: String
    /// `KeyboardEvent.location`: 1 left, 2 right, 3 number pad.
    var location = 0
}

/// Keys that others are pressed with.
struct KeyModifiers: OptionSet, Sendable, Hashable {
    let rawValue: Int

    static let alt = KeyModifiers(rawValue: 1)
    static let control = KeyModifiers(rawValue: 2)
    static let meta = KeyModifiers(rawValue: 4)
    static let shift = KeyModifiers(rawValue: 8)

    /// In the order in which they are pressed.
    static let all: [(modifier: KeyModifiers, press: KeyPress)] = [
        (.alt, KeyPress(key: "Alt", code: "AltLeft", keyCode: 18, text: "", location: 1)),
        (.control, KeyPress(key: "Control", code: "ControlLeft", keyCode: 17, text: "", location: 1)),
        (.meta, KeyPress(key: "Meta", code: "MetaLeft", keyCode: 91, text: "", location: 1)),
        (.shift, KeyPress(key: "Shift", code: "ShiftLeft", keyCode: 16, text: "", location: 1)),
    ]

    /// The modifier of a name; `ControlOrMeta` is Control, as the browsers run on Linux.
    init?(name: String) {
        switch name.lowercased() {
        case "alt", "option": self = .alt
        case "control", "ctrl", "controlormeta": self = .control
        case "meta", "cmd", "command", "super": self = .meta
        case "shift": self = .shift
        default: return nil
        }
    }

    init(rawValue: Int) { self.rawValue = rawValue }
}

/// A key with its modifiers: `Control+Shift+T`.
struct KeyChord: Sendable, Hashable {
    var modifiers: KeyModifiers = []
    var press: KeyPress

    /// Reads a chord. A key is a name such as `Enter`, `ArrowDown`, `F5`, `Space`, a code such as `KeyA`, or one
    /// character in any script.
    ///
    /// - Throws: `BrowserError` 400 `invalid_input`.
    init(_ text: String) throws {
        var parts = text.split(separator: "+", omittingEmptySubsequences: false).map(String.init)
        // `+` itself, alone or with modifiers (`Control++`).
        if parts.count >= 2, parts.last == "", parts[parts.count - 2] == "" {
            parts.removeLast(2)
            parts.append("+")
        }
        guard let name = parts.popLast(), !name.isEmpty else {
            throw BrowserError.argument("key is \"\(text.prefix(40))\": a key is missing after the +. \(Self.hint)")
        }
        for part in parts {
            guard let modifier = KeyModifiers(name: part) else {
                throw BrowserError.argument(
                    "key is \"\(text.prefix(40))\": \"\(part.prefix(20))\" is no modifier. Modifiers are Alt, Control,"
                        + " Meta, Shift, ControlOrMeta.")
            }
            modifiers.insert(modifier)
        }
        guard let found = KeyMap.press(name, shifted: modifiers.contains(.shift)) else {
            throw BrowserError.argument("key is \"\(text.prefix(40))\": there is no such key. \(Self.hint)")
        }
        press = found
        // With these held a key is a command and types nothing.
        if !modifiers.isDisjoint(with: [.control, .alt, .meta]) { press.text = "" }
    }

    private static let hint =
        "Keys are names (Enter, Tab, Escape, Backspace, ArrowDown, PageUp, F5, Space …) or single characters, with"
        + " modifiers as in Control+A."
}

/// The keys of a US keyboard.
enum KeyMap {
    /// The key of a name, a code, or a character; nil when a US keyboard has none and it is no single character.
    static func press(_ name: String, shifted: Bool = false) -> KeyPress? {
        if let named = named[aliases[name.lowercased()] ?? name] ?? named[byLowercase[name.lowercased()] ?? ""] {
            return named
        }
        if let found = printable[name] ?? byCode[name] ?? (name.lowercased() == "space" ? printable[" "] : nil) {
            return shifted ? printable[found.shifted]?.press ?? found.press : found.press
        }
        // A character of another layout: pages see the key, and its text, without a place on the keyboard.
        guard name.count == 1 else { return nil }
        return KeyPress(key: name, code: "", keyCode: 0, text: name)
    }

    /// The key that types `character` on a US keyboard and whether Shift is held for it; nil for all others, which are
    /// put in as text.
    static func typing(_ character: Character) -> (press: KeyPress, shift: Bool)? {
        if character == "\n" || character == "\r" || character == "\r\n" { return named["Enter"].map { ($0, false) } }
        if character == "\t" { return named["Tab"].map { ($0, false) } }
        guard let found = printable[String(character)] else { return nil }
        return (found.press, found.needsShift)
    }

    private struct Printable {
        let press: KeyPress
        let shifted: String
        let needsShift: Bool
    }

    private static let named: [String: KeyPress] = {
        var keys: [String: KeyPress] = [:]
        func add(_ key: String, _ keyCode: Int, code: String? = nil, text: String = "", location: Int = 0) {
            keys[key] = KeyPress(
                key: key, code: code ?? key, keyCode: keyCode, text: text, location: location)
        }
        add("Enter", 13, text: "\r")
        add("Tab", 9)
        add("Escape", 27)
        add("Backspace", 8)
        add("Delete", 46)
        add("Insert", 45)
        add("Home", 36)
        add("End", 35)
        add("PageUp", 33)
        add("PageDown", 34)
        add("ArrowLeft", 37)
        add("ArrowUp", 38)
        add("ArrowRight", 39)
        add("ArrowDown", 40)
        add("CapsLock", 20)
        add("NumLock", 144)
        add("ScrollLock", 145)
        add("Pause", 19)
        add("PrintScreen", 44)
        add("ContextMenu", 93)
        add("AudioVolumeMute", 173)
        add("AudioVolumeDown", 174)
        add("AudioVolumeUp", 175)
        add("MediaTrackNext", 176)
        add("MediaTrackPrevious", 177)
        add("MediaStop", 178)
        add("MediaPlayPause", 179)
        add("BrowserBack", 166)
        add("BrowserForward", 167)
        for number in 1...24 { add("F\(number)", 111 + number) }
        for (modifier, press) in KeyModifiers.all where modifier != [] { keys[press.key] = press }
        keys["NumpadEnter"] = KeyPress(key: "Enter", code: "NumpadEnter", keyCode: 13, text: "\r", location: 3)
        for digit in 0...9 {
            keys["Numpad\(digit)"] = KeyPress(
                key: "\(digit)", code: "Numpad\(digit)", keyCode: 96 + digit, text: "\(digit)", location: 3)
        }
        return keys
    }()

    private static let byLowercase = Dictionary(
        named.keys.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })

    private static let aliases = [
        "return": "Enter", "esc": "Escape", "del": "Delete", "ins": "Insert", "up": "ArrowUp", "down": "ArrowDown",
        "left": "ArrowLeft", "right": "ArrowRight", "pgup": "PageUp", "pgdn": "PageDown", "ctrl": "Control",
        "controlormeta": "Control", "cmd": "Meta", "command": "Meta",
    ]

    /// Code, plain and shifted character, key code.
    private static let layout: [(code: String, plain: String, shifted: String, keyCode: Int)] = {
        var rows: [(String, String, String, Int)] = [
            ("Digit0", "0", ")", 48), ("Digit1", "1", "!", 49), ("Digit2", "2", "@", 50), ("Digit3", "3", "#", 51),
            ("Digit4", "4", "$", 52), ("Digit5", "5", "%", 53), ("Digit6", "6", "^", 54), ("Digit7", "7", "&", 55),
            ("Digit8", "8", "*", 56), ("Digit9", "9", "(", 57), ("Minus", "-", "_", 189), ("Equal", "=", "+", 187),
            ("BracketLeft", "[", "{", 219), ("BracketRight", "]", "}", 221), ("Backslash", "\\", "|", 220),
            ("Semicolon", ";", ":", 186), ("Quote", "'", "\"", 222), ("Backquote", "`", "~", 192),
            ("Comma", ",", "<", 188), ("Period", ".", ">", 190), ("Slash", "/", "?", 191), ("Space", " ", " ", 32),
        ]
        for letter in "abcdefghijklmnopqrstuvwxyz" {
            let upper = letter.uppercased()
            rows.append(("Key\(upper)", String(letter), upper, Int(upper.utf8.first ?? 0)))
        }
        return rows
    }()

    private static let printable: [String: Printable] = {
        var keys: [String: Printable] = [:]
        for row in layout {
            keys[row.plain] = Printable(
                press: KeyPress(key: row.plain, code: row.code, keyCode: row.keyCode, text: row.plain),
                shifted: row.shifted, needsShift: false)
            guard row.shifted != row.plain else { continue }
            keys[row.shifted] = Printable(
                press: KeyPress(key: row.shifted, code: row.code, keyCode: row.keyCode, text: row.shifted),
                shifted: row.shifted, needsShift: true)
        }
        return keys
    }()

    private static let byCode: [String: Printable] = Dictionary(
        layout.compactMap { row in printable[row.plain].map { (row.code, $0) } },
        uniquingKeysWith: { first, _ in first })
}
