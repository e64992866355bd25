import JarvisCore
import JarvisKit

/// A conversation ready to be shown to a model.
package struct BuiltContext: Sendable {
    /// Oldest first; every tool call has its result, except those in `pendingCalls`.
    package var messages: [Message]
    /// Tool calls of an earlier attempt of this run that have no result, in order.
    package var pendingCalls: [ToolCall]
    /// Ids of those among them that began and must not be repeated.
    package var begunCalls: Set<String> = []
}

/// Makes what the journal holds fit for a model. Pure.
package enum ContextBuilder {
    /// The conversation of run `runId` from journal entries, oldest first.
    package static func build(_ entries: [ContextEntry], runId: String) -> BuiltContext {
        // Servers number calls anew in every turn: only what came after the run's last answer is about its calls.
        let mine = entries.filter { $0.runId == runId }
        let answer = mine.lastIndex { if case .message(.assistant) = $0.kind { true } else { false } } ?? 0
        let begun = mine[answer...].compactMap { entry -> String? in
            if case .toolBegan(let id) = entry.kind { id } else { nil }
        }
        let compacted = applyCompaction(entries)
        // What this run added belongs behind the message that it answers, wherever a restart left the two.
        let others = compacted.filter { $0.runId != runId }.compactMap(\.message)
        let own = compacted.filter { $0.runId == runId }.compactMap(\.message)
        let asked = own.filter { if case .user = $0 { true } else { false } }
        let done = own.filter { if case .user = $0 { false } else { true } }
        let pending = pendingCalls(done)
        let ids = Set(pending.map(\.id))
        return BuiltContext(
            messages: repaired(others + asked + done, keepingOpen: ids), pendingCalls: pending,
            begunCalls: ids.intersection(begun))
    }

    /// `messages` as `model` should read them. A model does not see what the built-in operator said in between: small
    /// models take up its voice, and would then claim to be it.
    package static func addressed(to model: ModelDescriptor, _ messages: [Message]) -> [Message] {
        guard model.api != "operator" else { return messages }
        return messages.filter { message in
            if case .assistant(let answer) = message { return answer.api != "operator" }
            return true
        }
    }

    /// The tokens that the conversation may take: the window without prompt, tools and room for the answer.
    ///
    package static func budget(model: ModelDescriptor, system: String, tools: [ToolDefinition]) -> Int {
        let answer = min(model.maxTokens, model.contextWindow / 4)
        let fixed = tools.reduce(tokens(system)) { $0 + tokens($1) }
        return max(256, model.contextWindow - answer - fixed)
    }

    /// A rough count of the tokens that a request spends on telling the model of a tool.
    package static func tokens(_ tool: ToolDefinition) -> Int {
        tokens(tool.description) + tokens(JSONWriter.string(tool.parameters)) + 20
    }

    /// The tokens that the descriptions of all tools may take of a model's window: half of it, so that
    /// prompt, conversation and answer have the other half.
    package static func toolRoom(contextWindow: Int) -> Int { contextWindow / 2 }

    /// Those of `tools` for which a model's window has no room. Tools are taken in their order; one that is too large
    /// makes way for smaller ones behind it.
    package static func tooLarge(_ tools: [ToolDefinition], contextWindow: Int) -> [ToolDefinition] {
        var room = toolRoom(contextWindow: contextWindow)
        return tools.filter { tool in
            let size = tokens(tool)
            if size > room { return true }
            room -= size
            return false
        }
    }

    /// The newest whole turns of `messages` that fit `budgetTokens`; what was left out is marked. The last turn always
    /// stays; its tool results are shortened when it alone is too long.
    package static func fit(_ messages: [Message], budgetTokens: Int) -> [Message] {
        var turns: [[Message]] = []
        for message in messages {
            if case .user = message {
                turns.append([message])
            } else {
                if turns.isEmpty { turns.append([]) }
                turns[turns.count - 1].append(message)
            }
        }
        guard var last = turns.popLast() else { return [] }
        shorten(&last, budget: budgetTokens)
        var rest = budgetTokens - estimate(last)
        var kept: [[Message]] = []
        while let turn = turns.last {
            let size = estimate(turn)
            if size > rest { break }
            rest -= size
            kept.insert(turn, at: 0)
            turns.removeLast()
        }
        var fitted = withNewestImages(kept.flatMap { $0 } + last)
        let left = turns.reduce(0) { $0 + $1.count }
        if left > 0, let time = turns.first?.first?.timestamp {
            let text = "[\(left) earlier messages of this conversation are left out here: they no longer fit.]"
            fitted.insert(.user(content: [.text(text)], timestamp: time), at: 0)
        }
        return fitted
    }

    /// Images of tools that a request carries: the newest so many. Older ones have told what they had to tell.
    package static let newestImages = 3

    private static func withNewestImages(_ messages: [Message]) -> [Message] {
        var left = newestImages
        let bounded = messages.reversed().map { message -> Message in
            guard case .toolResult(var result) = message else { return message }
            result.content = result.content.reversed().map { block in
                guard case .image = block else { return block }
                left -= 1
                return left >= 0 ? block : .text("[an earlier picture is left out here]")
            }.reversed()
            return .toolResult(result)
        }
        return bounded.reversed()
    }

    /// A rough count of tokens: a quarter of the bytes, which is close for Latin text and cautious for others.
    package static func tokens(_ text: String) -> Int { (text.utf8.count + 3) / 4 }

    /// A rough count of a conversation's tokens.
    package static func estimate(_ messages: [Message]) -> Int { messages.reduce(0) { $0 + estimate($1) } }

    /// A rough count of a message's tokens.
    package static func estimate(_ message: Message) -> Int {
        message.content.reduce(8) { sum, block in
            switch block {
            case .text(let text): sum + tokens(text)
            case .thinking: sum
            case .toolCall(let call): sum + tokens(call.name) + tokens(JSONWriter.string(call.arguments)) + 8
            case .image: sum + 1200
            }
        }
    }

    private static func applyCompaction(_ entries: [ContextEntry]) -> [ContextEntry] {
        guard
            let index = entries.lastIndex(where: { if case .compaction = $0.kind { true } else { false } }),
            case .compaction(let summary, let firstKept) = entries[index].kind
        else { return entries }
        let start = firstKept.flatMap { id in entries[..<index].firstIndex { $0.id == id } } ?? index
        let note = Message.user(content: [.text("[Summary of the conversation so far]\n\(summary)")], timestamp: 0)
        let kept = entries[start...].filter { if case .message = $0.kind { true } else { false } }
        return [ContextEntry(id: entries[index].id, runId: nil, kind: .message(note))] + kept
    }

    private static func pendingCalls(_ messages: [Message]) -> [ToolCall] {
        guard
            let last = messages.lastIndex(where: { if case .assistant = $0 { true } else { false } }),
            case .assistant(let message) = messages[last], message.stopReason == .toolUse
        else { return [] }
        let answered = Set(
            messages[last...].compactMap { if case .toolResult(let result) = $0 { result.toolCallId } else { nil } })
        return message.calls.filter { !answered.contains($0.id) }
    }

    /// Gives every call a result and drops results without a call, empty answers and reasoning: servers refuse a
    /// conversation in which calls and results don't match.
    private static func repaired(_ messages: [Message], keepingOpen: Set<String>) -> [Message] {
        var output: [Message] = []
        var index = 0
        while index < messages.count {
            let message = messages[index]
            index += 1
            switch message {
            case .user: output.append(message)
            case .toolResult: continue
            case .assistant(var answer):
                var results: [String: ToolResultMessage] = [:]
                while index < messages.count, case .toolResult(let result) = messages[index] {
                    results[result.toolCallId] = results[result.toolCallId] ?? result
                    index += 1
                }
                let wasCut = answer.stopReason == .error || answer.stopReason == .aborted
                answer.content.removeAll { block in
                    switch block {
                    case .thinking: true
                    case .toolCall(let call): wasCut && results[call.id] == nil
                    case .text, .image: false
                    }
                }
                if answer.content.plainText.isEmpty, answer.calls.isEmpty { continue }
                output.append(.assistant(answer))
                for call in answer.calls where !keepingOpen.contains(call.id) {
                    output.append(.toolResult(results[call.id] ?? lost(call, at: answer.timestamp)))
                }
            }
        }
        return output
    }

    private static func lost(_ call: ToolCall, at time: EpochMilliseconds) -> ToolResultMessage {
        ToolResultMessage(
            toolCallId: call.id, toolName: call.name, content: [.text("The result of this call was not recorded.")],
            isError: true, timestamp: time)
    }

    private static func shorten(_ turn: inout [Message], budget: Int) {
        var excess = estimate(turn) - budget
        for index in turn.indices {
            guard excess > 0 else { return }
            guard case .toolResult(var result) = turn[index] else { continue }
            let before = estimate(turn[index])
            result.content = ToolResult(content: result.content).bounded(to: 2000).content
            turn[index] = .toolResult(result)
            excess -= before - estimate(turn[index])
        }
    }
}

extension ContextEntry {
    fileprivate var message: Message? {
        if case .message(let message) = kind { return message }
        return nil
    }
}

extension AssistantMessage {
    fileprivate var calls: [ToolCall] {
        content.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
    }
}

extension Message {
    /// When it was said.
    var timestamp: EpochMilliseconds {
        switch self {
        case .user(_, let timestamp): timestamp
        case .assistant(let message): message.timestamp
        case .toolResult(let message): message.timestamp
        }
    }
}
