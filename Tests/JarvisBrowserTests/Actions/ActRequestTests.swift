import JarvisCore
import Testing

@testable import JarvisBrowser

@Suite struct ActRequestTests {
    @Test func everyKindIsRead() throws {
        #expect(
            try ActRequest([
                "kind": "click", "ref": "e1", "doubleClick": true, "button": "right", "modifiers": ["Shift"],
            ])
                == .click(ref: "e1", Click(button: .right, isDouble: true, modifiers: .shift)))
        #expect(try ActRequest(["kind": "click", "ref": 12]) == .click(ref: "12", Click()))
        #expect(
            try ActRequest(["kind": "type", "ref": "e1", "text": "", "submit": true])
                == .type(ref: "e1", text: "", submit: true, slowly: false))
        #expect(
            try ActRequest(["kind": "press", "key": "Enter", "delayMs": 5])
                == .press(try KeyChord("Enter"), delay: .milliseconds(5)))
        #expect(try ActRequest(["kind": "scrollintoview", "ref": "e1"]) == .scrollIntoView(ref: "e1"))
        #expect(try ActRequest(["kind": "drag", "startRef": "e1", "endRef": "e2"]) == .drag(from: "e1", to: "e2"))
        #expect(try ActRequest(["kind": "select", "ref": "e1", "values": "a"]) == .select(ref: "e1", values: ["a"]))
        #expect(
            try ActRequest([
                "kind": "fill",
                "fields": [["ref": "e1", "type": "checkbox", "value": true], ["ref": "e2", "value": 3]],
            ])
                == .fill([
                    FillField(ref: "e1", type: "checkbox", value: "true"),
                    FillField(ref: "e2", type: "text", value: "3"),
                ]))
        #expect(try ActRequest(["kind": "resize", "width": 800, "height": 600]) == .resize(width: 800, height: 600))
        #expect(
            try ActRequest(["kind": "evaluate", "fn": "() => 1"]) == .evaluate(function: "() => 1", ref: nil))
        #expect(try ActRequest(["kind": "wait", "selector": "#a"]) == .wait)
        #expect(try ActRequest(["kind": "close"]) == .close)
    }

    @Test(arguments: ActRequest.kinds.filter { $0 != "wait" })
    func selectorsArePointedToSnapshots(kind: String) {
        let error = #expect(throws: BrowserError.self) { try ActRequest(["kind": .string(kind), "selector": "#a"]) }
        #expect(error?.status == 400)
        #expect(error?.message.contains("/snapshot") == true)
    }

    @Test(
        arguments: [
            (["ref": "e1"], "kind"), (["kind": "poke"], "click, type"), (["kind": "click"], "snapshot"),
            (["kind": "click", "ref": "e1", "button": "side"], "left, right, middle"),
            (["kind": "click", "ref": "e1", "modifiers": ["Hyper"]], "modifiers"),
            (["kind": "type", "ref": "e1"], "text"),
            (["kind": "press"], "key"), (["kind": "press", "key": "Entr"], "Entr"),
            (["kind": "drag", "startRef": "e1"], "endRef"),
            (["kind": "select", "ref": "e1", "values": []], "values"), (["kind": "fill"], "fields"),
            (["kind": "fill", "fields": [["value": "x"]]], "ref"), (["kind": "resize", "width": 100], "height"),
            (["kind": "resize", "width": 0, "height": 5], "width"), (["kind": "evaluate"], "fn"),
            (["kind": "fill", "fields": [["ref": "e1", "value": ["a"]]]], "value"),
        ] as [(JSONValue, String)])
    func whatIsMissingIsNamed(body: JSONValue, word: String) {
        let error = #expect(throws: BrowserError.self) { try ActRequest(body) }
        #expect(error?.status == 400)
        #expect(error?.message.contains(word) == true)
    }

    @Test func timeoutsAreBounded() throws {
        #expect(try ActRequest.timeout([:]) == .milliseconds(8_000))
        #expect(try ActRequest.timeout(["timeoutMs": 500]) == .milliseconds(500))
        #expect(try ActRequest.timeout(["timeoutMs": 999_999_999]) == .milliseconds(120_000))
        #expect(throws: BrowserError.self) { try ActRequest.timeout(["timeoutMs": -1]) }
    }
}
