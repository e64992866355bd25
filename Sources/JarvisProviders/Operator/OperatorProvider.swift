import JarvisCore
import JarvisKit

/// The embedded default: answers without any model, deterministically and in plain language.
package struct OperatorProvider: Provider {
    /// The id of provider, dialect and model alike.
    package static let name = "operator"

    /// `operator/operator`.
    package static let model = ModelDescriptor(
        provider: name, id: name, name: "Operator", api: name, contextWindow: 200_000, maxTokens: 8192)

    /// `operator`.
    package let id = OperatorProvider.name

    private let host: any OperatorHost

    /// An operator of the gateway behind `host`.
    package init(host: any OperatorHost) { self.host = host }

    /// Whether the last message of `messages` is a yes or no to a question of the operator. Such a run belongs to the
    /// operator, also when a model could answer again.
    package static func isAwaited(in messages: [Message]) -> Bool {
        guard OperatorDialogue.pending(in: messages) != nil, let last = messages.last else { return false }
        switch OperatorParse.parse(last.plainText).intent {
        case .yes, .no: return true
        default: return false
        }
    }

    /// Answers the last user message: a few text deltas, no tokens, `stop`. Fails only when cancelled.
    package func respond(
        to request: ModelRequest, emit: @Sendable (ProviderEvent) async -> Void
    ) async throws(ProviderError) {
        let text = await OperatorTurn(host: host, request: request).reply()
        for chunk in Self.chunks(text) {
            if Task.isCancelled { throw ProviderError(.cancelled, "the answer was stopped") }
            await emit(.textDelta(chunk))
        }
        await emit(.usage(Usage()))
        await emit(.finished(.stop))
    }

    /// `text` in groups of whole words of about 48 characters, so that clients see it grow. Joined they are `text`.
    static func chunks(_ text: String) -> [String] {
        var chunks: [String] = []
        var current = ""
        for character in text {
            current.append(character)
            if current.count >= 48, character.isWhitespace {
                chunks.append(current)
                current = ""
            }
        }
        if !current.isEmpty { chunks.append(current) }
        return chunks
    }
}
