import Synchronization

/// Prints an answer that grows.
final class AnswerPrinter: Sendable {
    private let shown = Mutex("")
    private let write: @Sendable (String) -> Void

    init(write: @escaping @Sendable (String) -> Void = { Terminal.write($0) }) { self.write = write }

    /// Shows what `text`, the whole answer so far, adds. A text that is no continuation (another model took over)
    /// starts on a new line.
    func update(_ text: String) {
        let added = shown.withLock { shown -> String in
            let text = Humanize.printable(text)
            defer { shown = text }
            // A grapheme may still grow, so the comparison is by bytes.
            if text.utf8.starts(with: shown.utf8) {
                return String(decoding: text.utf8.dropFirst(shown.utf8.count), as: UTF8.self)
            }
            return shown.isEmpty ? text : "\n\(text)"
        }
        if !added.isEmpty { write(added) }
    }

    /// Shows the rest and ends the line.
    func finish(_ text: String) {
        if !text.isEmpty { update(text) }
        if shown.withLock({ !$0.isEmpty && !$0.hasSuffix("\n") }) { write("\n") }
    }
}
