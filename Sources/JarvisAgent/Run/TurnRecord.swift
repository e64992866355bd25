import JarvisCore
import JarvisKit

/// What one turn of a model brought so far, and what listeners may hear of it.
struct TurnRecord: Sendable {
    private(set) var model: ModelDescriptor
    private(set) var text = ""
    private(set) var usage = Usage()
    private(set) var stopReason: StopReason?
    private var blocks: [ContentBlock] = []
    private var thinking = ""
    /// How much of `text` was told, in UTF-8 bytes: a text that may still become the silent reply is held back.
    private var told = 0

    init(model: ModelDescriptor) { self.model = model }

    var calls: [ToolCall] {
        blocks.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
    }

    mutating func receive(_ event: TurnEvent) -> [RunEvent] {
        switch event {
        case .answering(let model):
            self = TurnRecord(model: model)
            return []
        case .notice(let text): return [.notice(text)]
        case .provider(.textDelta(let delta)):
            guard !delta.isEmpty else { return [] }
            text += delta
            append(delta, isThinking: false)
            return mayBecomeSilent ? [] : release()
        case .provider(.thinkingDelta(let delta)):
            guard !delta.isEmpty else { return [] }
            thinking += delta
            append(delta, isThinking: true)
            return [.thinking(text: thinking, delta: delta)]
        case .provider(.toolCall(var call)):
            // A result belongs to one call: servers that give two the same id mean two.
            let taken = Set(calls.map(\.id))
            if taken.contains(call.id) { call.id = "\(call.id)_\(blocks.count)" }
            while taken.contains(call.id) { call.id += "_" }
            blocks.append(.toolCall(call))
            return []
        case .provider(.usage(let usage)):
            self.usage = usage
            return []
        case .provider(.finished(let reason)):
            stopReason = reason
            return []
        }
    }

    /// Tells what was held back, unless it is the silent reply.
    mutating func release() -> [RunEvent] {
        guard told < text.utf8.count, text.trimmingSpace != RunStateMachine.silentReply else { return [] }
        let delta = String(decoding: text.utf8.dropFirst(told), as: UTF8.self)
        told = text.utf8.count
        return [.assistant(text: text, delta: delta)]
    }

    func message(_ reason: StopReason, at time: EpochMilliseconds) -> AssistantMessage {
        AssistantMessage(
            content: blocks, api: model.api, provider: model.provider, model: model.id, usage: usage,
            stopReason: reason, timestamp: time)
    }

    private var mayBecomeSilent: Bool {
        // Longer texts can't be: no need to look at a long answer again with every delta.
        guard told == 0, text.utf8.count <= 64 else { return false }
        return RunStateMachine.silentReply.hasPrefix(text.trimmingSpace)
    }

    private mutating func append(_ delta: String, isThinking: Bool) {
        switch blocks.last {
        case .text(let text) where !isThinking: blocks[blocks.count - 1] = .text(text + delta)
        case .thinking(let text) where isThinking: blocks[blocks.count - 1] = .thinking(text + delta)
        default: blocks.append(isThinking ? .thinking(delta) : .text(delta))
        }
    }
}
