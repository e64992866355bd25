import JarvisCore
import JarvisKit
import NIOCore

/// What the gateway keeps of a run while it lives: its event numbers and who waits for its end.
struct LiveRun {
    let id: String
    let key: SessionKey
    let agentId: String
    let method: String
    /// Numbers of this run's `chat` and `agent` events.
    var chatSeq = 0
    var agentSeq = 0
    /// The answer so far.
    var text = ""
    var lastDeltaAt: EpochMilliseconds = 0
    var pendingDelta: Scheduled<Void>?
    /// Requests that get a second answer when the run ends: connection and request id.
    var waiters: [(connection: Int, requestId: String)] = []
    /// Connections that asked for tool events and started this run.
    var toolListeners: [Int] = []
    /// Whether the credential that sent the message may change the configuration. A run repeated after a crash may not:
    /// nobody can say any more who asked.
    var mayAdminister = false

    mutating func nextChatSeq() -> Int {
        chatSeq += 1
        return chatSeq
    }

    mutating func nextAgentSeq() -> Int {
        agentSeq += 1
        return agentSeq
    }
}

/// A message that is to become a run.
struct NewRun: Sendable {
    /// The run's id: the caller's idempotency key.
    var id: String
    var key: SessionKey
    var agentId: String
    /// The method that brought it; also the scope within which the id is unique.
    var method: String
    var content: [ContentBlock]
    /// What a repetition after a crash needs to know: `thinking`, `timeoutMs`, `extraSystemPrompt`, `operatorOnly`.
    var request: JSONObject
    /// The connection that started it.
    var starter: Int?
}
