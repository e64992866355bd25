/// What one model turn tells its run: the events of whichever model answers, and the attempts around them.
public enum TurnEvent: Sendable, Hashable {
    /// An attempt with this model begins; what an earlier attempt of the turn brought is void.
    case answering(ModelDescriptor)
    /// A model failed and another attempt or model follows; for people, without credentials.
    case notice(String)
    /// An event of the model that answers.
    case provider(ProviderEvent)
}

/// Answers one turn, whatever it takes: one model, or several in order with retries.
public protocol TurnRunner: Sendable {
    /// Runs one turn: calls `emit` in order and returns after the provider's `finished`.
    ///
    /// - Parameter mayShrink: The caller can shorten the conversation, so a `contextOverflow` is thrown at once instead
    ///   of being tried on other models.
    /// - Throws: `ProviderError` when nobody answered, or when an answer broke off after text was emitted; that text
    ///   stays valid (a partial answer).
    func runTurn(
        _ request: ModelRequest, mayShrink: Bool, emit: @escaping @Sendable (TurnEvent) async -> Void
    ) async throws(ProviderError)
}
