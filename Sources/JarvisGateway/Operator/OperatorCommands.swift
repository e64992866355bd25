/// Slash commands that the operator answers even where a model is connected: they are about the gateway.
enum OperatorCommands {
    static let words: Set<String> = [
        "/help", "/commands", "/status", "/health", "/config", "/logs", "/errors", "/restart", "/undo", "/whoami",
        "/id",
        "/sessions", "/operator", "/model", "/models",
    ]
}
