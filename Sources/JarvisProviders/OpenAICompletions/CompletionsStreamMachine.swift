import JarvisCore
import JarvisKit

/// Reads one streamed answer of `openai-completions`: the data of each server-sent event goes in, provider events come
/// out. No I/O.
///
/// Complete tool calls and the end are told together when the stream says `[DONE]` or ends after a finish reason,
/// because token counts come behind the finish reason.
package struct CompletionsStreamMachine: Sendable {
    private struct PartialCall {
        var id: String?
        var name = ""
        var arguments = ""
    }

    private let callPrefix: String
    private let secrets: [String]
    private var calls: [(index: Int, call: PartialCall)] = []
    private var finishReason: String?
    private var sawText = false
    private var sawAnything = false

    /// Whether the answer is complete; nothing more needs to be read.
    package private(set) var isFinished = false

    /// Whether the server said why the answer ended; token counts may still follow.
    package var sawFinishReason: Bool { finishReason != nil }

    /// The most bytes of arguments that one answer's tool calls may have together.
    package static let maximumArguments = 4 << 20

    /// A reader of one answer.
    ///
    /// - Parameters:
    ///   - callPrefix: Starts the ids of tool calls that the server left without one; unique in the conversation.
    ///   - secrets: Texts that no error message may show.
    package init(callPrefix: String, secrets: [String] = []) {
        self.callPrefix = callPrefix
        self.secrets = secrets
    }

    /// The `data` of one server-sent event.
    ///
    /// - Throws: `malformed`, or the failure that the stream itself tells of.
    package mutating func receive(_ data: String) throws(ProviderError) -> [ProviderEvent] {
        if isFinished || data.isEmpty { return [] }
        if data == "[DONE]" { return try finish() }
        let json: JSONValue
        do { json = try JSONParser.parse(data) } catch {
            throw ProviderError(.malformed, "The provider sent an event that is no JSON (\(error)).")
        }
        guard case .object = json else {
            throw ProviderError(.malformed, "The provider sent an event that is a \(json.kindName), not an object.")
        }
        if let error = json["error"], !error.isNull { throw CompletionsFailure.object(error, secrets: secrets) }
        return try read(json)
    }

    /// The stream ended without `[DONE]`.
    ///
    /// - Throws: `malformed` unless a finish reason came before.
    package mutating func end() throws(ProviderError) -> [ProviderEvent] {
        if isFinished { return [] }
        guard finishReason != nil else {
            let what = sawAnything ? "The provider's answer broke off." : "The provider sent an empty answer."
            throw ProviderError(.malformed, what)
        }
        return try finish()
    }

    /// A whole answer in one JSON document, as servers send it that ignore `stream`.
    ///
    /// - Throws: As `receive` and `end`.
    package mutating func document(_ bytes: [UInt8]) throws(ProviderError) -> [ProviderEvent] {
        let json: JSONValue
        do { json = try JSONParser.parse(bytes) } catch {
            throw ProviderError(.malformed, bytes.isEmpty ? "The provider sent an empty answer." : "No JSON: \(error).")
        }
        if let error = json["error"], !error.isNull { throw CompletionsFailure.object(error, secrets: secrets) }
        guard json["choices"]?.arrayValue != nil else {
            throw ProviderError(.malformed, "The provider answered with JSON that is no chat completion.")
        }
        return try read(json) + end()
    }

    private mutating func read(_ json: JSONValue) throws(ProviderError) -> [ProviderEvent] {
        var events: [ProviderEvent] = []
        if let choice = json["choices"]?[0] {
            let delta = choice["delta"] ?? choice["message"]
            if let thinking = Self.thinking(delta), !thinking.isEmpty {
                sawAnything = true
                events.append(.thinkingDelta(thinking))
            }
            for text in [Self.text(delta?["content"]), delta?["refusal"]?.stringValue] {
                guard let text, !text.isEmpty else { continue }
                sawAnything = true
                sawText = true
                events.append(.textDelta(text))
            }
            for (position, call) in (delta?["tool_calls"]?.arrayValue ?? []).enumerated() {
                try add(call, position: position)
            }
            if let reason = choice["finish_reason"]?.stringValue { finishReason = reason }
        }
        let usage = json["usage"] ?? json["choices"]?[0]?["usage"]
        if let usage, case .object = usage { events.append(.usage(Self.usage(usage))) }
        return events
    }

    private mutating func add(_ json: JSONValue, position: Int) throws(ProviderError) {
        sawAnything = true
        let id = json["id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        let index = json["index"]?.intValue ?? position
        let slot: Int
        // A server that numbers every call 0 still gives each its own id.
        if let known = calls.lastIndex(where: {
            $0.index == index && (id == nil || $0.call.id == id || $0.call.id == nil)
        }) {
            slot = known
        } else {
            calls.append((index, PartialCall()))
            slot = calls.count - 1
        }
        if let id { calls[slot].call.id = id }
        if let name = json["function"]?["name"]?.stringValue, calls[slot].call.name != name {
            calls[slot].call.name += name
        }
        switch json["function"]?["arguments"] {
        case .string(let piece): calls[slot].call.arguments += piece
        case .object(let whole): calls[slot].call.arguments = JSONWriter.string(.object(whole))
        default: break
        }
        let size = calls.reduce(0) { $0 + $1.call.arguments.utf8.count }
        if size > Self.maximumArguments {
            throw ProviderError(
                .malformed, "The provider sent tool arguments of more than \(Self.maximumArguments) bytes.")
        }
    }

    private mutating func finish() throws(ProviderError) -> [ProviderEvent] {
        var events: [ProviderEvent] = []
        for (position, (_, partial)) in calls.enumerated() {
            events.append(.toolCall(try complete(partial, position: position)))
        }
        if finishReason == "content_filter" {
            throw ProviderError(.format, "The provider's content filter stopped the answer.")
        }
        guard sawText || !events.isEmpty else {
            throw ProviderError(.malformed, "The provider sent an empty answer.")
        }
        let reason: StopReason =
            switch finishReason {
            case "length", "max_tokens": .length
            default: events.isEmpty ? .stop : .toolUse
            }
        events.append(.finished(reason == .length && !events.isEmpty ? .toolUse : reason))
        isFinished = true
        return events
    }

    private func complete(_ partial: PartialCall, position: Int) throws(ProviderError) -> ToolCall {
        guard !partial.name.isEmpty else {
            throw ProviderError(.malformed, "The provider asked for a tool without naming it.")
        }
        let id = partial.id ?? "\(callPrefix)_\(position)"
        let text = partial.arguments.trimmed
        if text.isEmpty { return ToolCall(id: id, name: partial.name, arguments: [:]) }
        let arguments: JSONValue
        do { arguments = try JSONParser.parse(text) } catch {
            throw ProviderError(
                .malformed, "The arguments of the call of \(partial.name) are cut or no JSON (\(error)).")
        }
        guard case .object = arguments else {
            throw ProviderError(.malformed, "The arguments of the call of \(partial.name) are no JSON object.")
        }
        return ToolCall(id: id, name: partial.name, arguments: arguments)
    }

    private static func thinking(_ delta: JSONValue?) -> String? {
        for key in ["reasoning_content", "reasoning", "reasoning_text"] {
            if let text = delta?[key]?.stringValue, !text.isEmpty { return text }
        }
        return nil
    }

    private static func text(_ content: JSONValue?) -> String? {
        switch content {
        case .string(let text): text
        case .array(let parts): parts.compactMap { $0["text"]?.stringValue }.joined()
        default: nil
        }
    }

    private static func usage(_ json: JSONValue) -> Usage {
        let prompt = max(0, json["prompt_tokens"]?.intValue ?? 0)
        let cached = min(prompt, max(0, json["prompt_tokens_details"]?["cached_tokens"]?.intValue ?? 0))
        return Usage(
            input: prompt - cached, output: max(0, json["completion_tokens"]?.intValue ?? 0), cacheRead: cached)
    }
}
