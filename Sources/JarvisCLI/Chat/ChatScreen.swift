import Synchronization

/// Draws the chat: what was said scrolls, the line being typed stays below it. While an answer grows the line is hidden;
/// what is typed then is kept.
final class ChatScreen: Sendable {
    private struct State {
        var view: (text: String, cursorColumn: Int) = ("", 0)
        var promptIsShown = false
        var isMidLine = false
    }

    private let prompt: String
    private let paintedPrompt: String
    let isRaw: Bool
    let terminal: Terminal
    private let state = Mutex(State())

    init(prompt: String, paintedPrompt: String, isRaw: Bool, terminal: Terminal) {
        self.prompt = prompt
        self.paintedPrompt = paintedPrompt
        self.isRaw = isRaw
        self.terminal = terminal
    }

    /// How many columns the typed line may take.
    var room: Int { Terminal.columns - DisplayWidth.of(prompt) }

    /// Shows the line being typed, or the change of it.
    func showPrompt(_ editor: LineEditor) {
        guard isRaw else { return }
        let view = editor.view(columns: room)
        state.withLock { state in
            var text = state.isMidLine ? "\r\n" : ""
            state.isMidLine = false
            state.promptIsShown = true
            state.view = view
            text += "\r\u{1B}[K\(paintedPrompt)\(view.text)"
            text += "\r\u{1B}[\(DisplayWidth.of(prompt) + view.cursorColumn)C"
            Terminal.write(text)
        }
    }

    /// Ends the typed line: it stays on the screen as what was said.
    func commit(_ line: String) {
        guard isRaw else { return }
        state.withLock { state in
            if state.promptIsShown { Terminal.write("\r\u{1B}[K") }
            state.promptIsShown = false
            Terminal.write("\(paintedPrompt)\(Self.terminalLines(Humanize.printable(line)))\r\n")
        }
    }

    /// A whole line above the prompt.
    func line(_ text: String, _ style: Terminal.Style? = nil) {
        let shown = Humanize.printable(text)
        let painted = style.map { terminal.paint(shown, $0) } ?? shown
        state.withLock { state in
            var output = ""
            if state.promptIsShown { output += "\r\u{1B}[K" }
            if state.isMidLine { output += "\n" }
            output += painted + "\n"
            state.isMidLine = false
            if state.promptIsShown {
                output +=
                    "\(paintedPrompt)\(state.view.text)\r\u{1B}[\(DisplayWidth.of(prompt) + state.view.cursorColumn)C"
            }
            Terminal.write(isRaw ? Self.terminalLines(output) : output)
        }
    }

    /// A message for the person, not part of the conversation: stderr where stdout is no terminal.
    func note(_ text: String) {
        if isRaw { line(text, .muted) } else { Terminal.error(text) }
    }

    /// A piece of a growing answer. Hides the prompt.
    func stream(_ text: String) {
        guard !text.isEmpty else { return }
        state.withLock { state in
            let erase = state.promptIsShown ? "\r\u{1B}[K" : ""
            state.promptIsShown = false
            state.isMidLine = !text.hasSuffix("\n")
            Terminal.write(erase + (isRaw ? Self.terminalLines(text) : text))
        }
    }

    /// Ends a growing answer.
    func endStream() {
        state.withLock { state in
            if state.isMidLine { Terminal.write(isRaw ? "\r\n" : "\n") }
            state.isMidLine = false
        }
    }

    /// Ctrl-L.
    func clear(_ editor: LineEditor) {
        guard isRaw else { return }
        Terminal.write("\u{1B}[2J\u{1B}[H")
        showPrompt(editor)
    }

    /// Takes the prompt away at the end.
    func close() {
        state.withLock { state in
            if state.promptIsShown || state.isMidLine { Terminal.write("\r\n") }
            state.promptIsShown = false
            state.isMidLine = false
        }
    }

    /// The terminal still turns a line feed into a new line; the carriage return makes it one even where it does not.
    private static func terminalLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    }
}
