import JarvisCore
import JarvisKit
import Testing

@testable import JarvisProviders

@Suite struct CompletionsStreamMachineTests {
    /// Feeds `data` and the end; gives the events and the failure.
    private func play(_ data: String...) -> (events: [ProviderEvent], error: ProviderError?) {
        var machine = CompletionsStreamMachine(callPrefix: "call_x", secrets: ["sk-secret-123"])
        var events: [ProviderEvent] = []
        do throws(ProviderError) {
            for item in data { events += try machine.receive(item) }
            events += try machine.end()
            return (events, nil)
        } catch {
            return (events, error)
        }
    }

    private func text(_ text: String) -> String { #"{"choices":[{"index":0,"delta":{"content":"\#(text)"}}]}"# }
    private let stop = #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#

    @Test func streamsTextUsageAndEnd() {
        let usage =
            #"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}"#
        let (events, error) = play(
            #"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#, text("Hel"), text("lo"), stop, usage,
            "[DONE]")
        #expect(error == nil)
        #expect(
            events == [
                .textDelta("Hel"), .textDelta("lo"), .usage(Usage(input: 6, output: 2, cacheRead: 4)), .finished(.stop),
            ])
    }

    @Test func nothingCountsAfterDone() throws {
        var machine = CompletionsStreamMachine(callPrefix: "c")
        _ = try machine.receive(text("a"))
        #expect(try machine.receive("[DONE]") == [.finished(.stop)])
        #expect(machine.isFinished)
        #expect(try machine.receive("not json") == [])
        #expect(try machine.end() == [])
    }

    @Test func missingDoneIsFineAfterAFinishReason() {
        let (events, error) = play(text("a"), stop)
        #expect(error == nil)
        #expect(events == [.textDelta("a"), .finished(.stop)])
    }

    @Test func missingDoneWithoutFinishReasonIsMalformed() {
        let (events, error) = play(text("a"))
        #expect(events == [.textDelta("a")])
        #expect(error?.reason == .malformed)
    }

    @Test(arguments: [[], ["[DONE]"], [#"{"choices":[]}"#], [#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#]])
    func emptyAnswersAreMalformed(data: [String]) {
        var machine = CompletionsStreamMachine(callPrefix: "c")
        var failure: ProviderError?
        do throws(ProviderError) {
            for item in data { _ = try machine.receive(item) }
            _ = try machine.end()
        } catch { failure = error }
        #expect(failure?.reason == .malformed)
        #expect(failure?.message == "The provider sent an empty answer.")
    }

    @Test(arguments: ["{", "null", "7", "[]", #"{"a":1,}"#, "\u{FEFF}{}"])
    func badJSONIsMalformed(data: String) { #expect(play(text("a"), data).error?.reason == .malformed) }

    @Test func errorObjectAfterTextKeepsTheText() {
        let (events, error) = play(
            text("part"), #"{"error":{"message":"Overloaded, key sk-secret-123","type":"overloaded_error"}}"#)
        #expect(events == [.textDelta("part")])
        #expect(error?.reason == .overloaded)
        #expect(error?.message.contains("sk-secret-123") == false)
    }

    @Test func errorCodesDecideTheReason() {
        #expect(play(#"{"error":{"message":"no","code":429}}"#).error?.reason == .rateLimit)
        #expect(play(#"{"error":{"message":"no","code":"401"}}"#).error?.reason == .auth)
        #expect(play(#"{"error":{"message":"x","code":"context_length_exceeded"}}"#).error?.reason == .contextOverflow)
        #expect(play(#"{"error":"rate limit reached"}"#).error?.reason == .rateLimit)
        #expect(play(#"{"error":null,"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}"#).error == nil)
    }

    @Test func assemblesToolCallsFromPieces() {
        let (events, error) = play(
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"look","arguments":""}}]}}]}"#,
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}}]}"#,
            #"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"list","arguments":""}}]}}]}"#,
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
            #"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#, "[DONE]")
        #expect(error == nil)
        #expect(
            events == [
                .toolCall(ToolCall(id: "a", name: "look", arguments: ["x": 1])),
                .toolCall(ToolCall(id: "b", name: "list", arguments: [:])), .finished(.toolUse),
            ])
    }

    @Test func callsWithoutIdAndWithoutIndexGetTheirOwn() {
        let (events, _) = play(
            #"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"a","arguments":"{}"}},{"function":{"name":"b","arguments":{"k":2}}}]},"finish_reason":"stop"}]}"#
        )
        #expect(
            events == [
                .toolCall(ToolCall(id: "call_x_0", name: "a", arguments: [:])),
                .toolCall(ToolCall(id: "call_x_1", name: "b", arguments: ["k": 2])), .finished(.toolUse),
            ])
    }

    @Test func callsThatAreAllNumberedZeroStayApartById() {
        let (events, _) = play(
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"p","function":{"name":"a","arguments":"{}"}}]}}]}"#,
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"q","function":{"name":"b","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#
        )
        #expect(events.count == 3)
    }

    @Test(arguments: [#"{\"x\": "#, #"[1]"#, #"nonsense"#])
    func cutToolArgumentsAreMalformed(arguments: String) {
        let (events, error) = play(
            text("Let me look."),
            #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"look","arguments":"\#(arguments)"}}]},"finish_reason":"length"}]}"#,
            "[DONE]")
        #expect(error?.reason == .malformed)
        #expect(events == [.textDelta("Let me look.")])
    }

    @Test func reasoningAndFinishReasons() {
        #expect(
            play(#"{"choices":[{"delta":{"reasoning_content":"hm","content":"a"},"finish_reason":"length"}]}"#).events
                == [.thinkingDelta("hm"), .textDelta("a"), .finished(.length)])
        #expect(
            play(text("a"), #"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#).error?.reason == .format)
    }

    @Test func readsAWholeDocument() throws {
        var machine = CompletionsStreamMachine(callPrefix: "c")
        let bytes = Array(
            #"{"choices":[{"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
                .utf8)
        #expect(
            try machine.document(bytes) == [.textDelta("hi"), .usage(Usage(input: 1, output: 1)), .finished(.stop)])
        var other = CompletionsStreamMachine(callPrefix: "c")
        #expect(throws: ProviderError.self) { try other.document(Array(#"{"hello":1}"#.utf8)) }
    }

    @Test func endlessArgumentsAreRefused() {
        let piece = String(repeating: "a", count: 1 << 20)
        let data = Array(
            repeating:
                #"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"\#(piece)"}}]}}]}"#,
            count: 5)
        var machine = CompletionsStreamMachine(callPrefix: "c")
        #expect(throws: ProviderError.self) { for item in data { _ = try machine.receive(item) } }
    }
}
