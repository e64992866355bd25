import JarvisCore

extension Page {
    /// Sends one mouse event at a point of the main frame's viewport.
    func mouse(
        _ type: String, _ x: Double, _ y: Double, button: Click.Button? = nil, held: Int = 0, count: Int = 0,
        modifiers: KeyModifiers = []
    ) async throws {
        _ = try await send(
            "Input.dispatchMouseEvent",
            [
                "type": .string(type), "x": .double(x), "y": .double(y),
                "button": .string(button?.rawValue ?? "none"), "buttons": JSONValue(held),
                "clickCount": JSONValue(count), "modifiers": JSONValue(modifiers.rawValue), "pointerType": "mouse",
            ])
    }

    /// Presses or releases a key.
    func key(_ press: KeyPress, down: Bool, modifiers: KeyModifiers = []) async throws {
        var params: JSONValue = [
            "type": down ? (press.text.isEmpty ? "rawKeyDown" : "keyDown") : "keyUp", "key": .string(press.key),
            "code": .string(press.code), "windowsVirtualKeyCode": JSONValue(press.keyCode),
            "modifiers": JSONValue(modifiers.rawValue), "location": JSONValue(press.location),
            "isKeypad": .bool(press.location == 3),
        ]
        if down, !press.text.isEmpty {
            params["text"] = .string(press.text)
            params["unmodifiedText"] = .string(press.text)
        }
        _ = try await send("Input.dispatchKeyEvent", params)
    }

    /// Presses a key with its modifiers and lets go again.
    func press(_ chord: KeyChord, holding delay: Duration = .zero) async throws {
        try await holding(chord.modifiers) {
            try await key(chord.press, down: true, modifiers: chord.modifiers)
            if delay > .zero { try await Task.sleep(for: delay) }
            try await key(chord.press, down: false, modifiers: chord.modifiers)
        }
    }

    /// Holds modifier keys while `body` runs.
    func holding(_ modifiers: KeyModifiers, _ body: () async throws -> Void) async throws {
        var held: KeyModifiers = []
        for (modifier, press) in KeyModifiers.all where modifiers.contains(modifier) {
            held.insert(modifier)
            try await key(press, down: true, modifiers: held)
        }
        do {
            try await body()
        } catch {
            await release(modifiers)
            throw error
        }
        await release(modifiers)
    }

    private func release(_ modifiers: KeyModifiers) async {
        var held = modifiers
        for (modifier, press) in KeyModifiers.all.reversed() where modifiers.contains(modifier) {
            held.remove(modifier)
            try? await key(press, down: false, modifiers: held)  // a tab that is gone has no keys held
        }
    }

    /// Types text key by key; what a US keyboard does not have is put in as an input method does.
    func type(_ text: String, pause: Duration) async throws {
        for character in text {
            if let (press, shift) = KeyMap.typing(character) {
                let modifiers: KeyModifiers = shift ? .shift : []
                try await key(press, down: true, modifiers: modifiers)
                try await key(press, down: false, modifiers: modifiers)
            } else {
                try await insert(String(character))
            }
            if pause > .zero { try await Task.sleep(for: pause) }
        }
    }

    /// Puts text in where the caret is, in place of what is selected.
    func insert(_ text: String) async throws {
        _ = try await send("Input.insertText", ["text": .string(text)])
    }
}
