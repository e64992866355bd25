/// Slash commands that the operator answers even where a model is connected: they are about the gateway.
enum OperatorCommands {
    private static let words: Set<String> = [
        "/help", "/commands", "/status", "/health", "/config", "/logs", "/errors", "/restart", "/undo", "/whoami",
        "/id",
        "/sessions", "/operator", "/model", "/models",
    ]

    /// Whether `text` begins with one of them.
    static func answers(_ text: String) -> Bool {
        guard text.hasPrefix("/") else { return false }
        let word = text.prefix { !$0.isWhitespace }
        return word.utf8.count <= 32 && words.contains(word.lowercased())
    }
}
