import JarvisCore
import JarvisKit
import JarvisTestSupport
import Testing

@testable import JarvisTools

@Suite struct ApprovalDeskTests {
    private func request(_ text: String = "x", always: String? = nil) -> ApprovalRequest {
        ApprovalRequest(
            ToolCall(id: "c", name: "browser", arguments: ["action": .string(text)]),
            ToolAssessment(.outside, "Do it", needsApproval: true, allowPattern: always),
            context: ToolContract.context())
    }

    private func desk(_ ids: String..., always: String? = nil) throws -> ApprovalDesk {
        var desk = ApprovalDesk()
        for id in ids { _ = try desk.ask(id: id, request(always: always), shown: [:], now: 10, timeoutMs: 100) }
        return desk
    }

    @Test func isAnsweredOnce() throws {
        var desk = try desk("aaaa-1")
        let over = try desk.resolve("aaaa-1", .allowOnce, by: "me", now: 20)
        #expect(over.decision == .allowOnce && over.by == "me" && desk.pending.isEmpty)
        #expect(throws: ApprovalDesk.Refusal.settled(id: "aaaa-1", .allowOnce, by: "me")) {
            try desk.resolve("aaaa-1", .deny, by: "you", now: 21)
        }
        // A late second answer that only knows the beginning is told the same.
        #expect(throws: ApprovalDesk.Refusal.settled(id: "aaaa-1", .allowOnce, by: "me")) {
            try desk.resolve("aaaa", .deny, by: "you", now: 21)
        }
        #expect(desk.outcome("aaaa-1")?.decision == .allowOnce)
    }

    @Test func theSameQuestionAgainIsTheSame() throws {
        var desk = try desk("aaaa")
        let again = try desk.ask(id: "aaaa", request(), shown: [:], now: 50, timeoutMs: 100)
        #expect(!again.isNew && again.pending.expiresAt == 110)
        #expect(throws: ApprovalDesk.Refusal.taken("aaaa")) {
            try desk.ask(id: "aaaa", request("another"), shown: [:], now: 50, timeoutMs: 100)
        }
        _ = try desk.resolve("aaaa", .allowOnce, by: "me", now: 60)
        // A yes is not given again to whoever knows the id.
        #expect(throws: ApprovalDesk.Refusal.settled(id: "aaaa", .allowOnce, by: "me")) {
            try desk.ask(id: "aaaa", request(), shown: [:], now: 61, timeoutMs: 100)
        }
    }

    @Test func beginningsNameQuestions() throws {
        var desk = try desk("abcd-1", "abcd-2", "bbbb-1")
        #expect(throws: ApprovalDesk.Refusal.ambiguous("abcd")) { try desk.find("abcd") }
        #expect(throws: ApprovalDesk.Refusal.unknown("bbb")) { try desk.find("bbb") }
        #expect(throws: ApprovalDesk.Refusal.unknown("")) { try desk.find("") }
        #expect(try desk.resolve("bbbb", .deny, by: "me", now: 11).pending.id == "bbbb-1")
        #expect(desk.pending.map(\.id) == ["abcd-1", "abcd-2"])
    }

    @Test func alwaysIsOnlyGivenWhereItIsOffered() throws {
        var plain = try desk("aaaa")
        #expect(throws: ApprovalDesk.Refusal.notAlways("aaaa")) {
            try plain.resolve("aaaa", .allowAlways, by: "me", now: 11)
        }
        #expect(plain.pending.count == 1)
        var offered = try desk("aaaa", always: "browser:upload:/a")
        #expect(try offered.resolve("aaaa", .allowAlways, by: "me", now: 11).decision == .allowAlways)
    }

    @Test func endsWithoutAnAnswer() throws {
        var desk = try desk("aaaa", "bbbb", "cccc")
        #expect(desk.lapse("aaaa", now: 110)?.decision == nil)
        #expect(desk.lapse("aaaa", now: 110) == nil)
        #expect(throws: ApprovalDesk.Refusal.settled(id: "aaaa", nil, by: nil)) {
            try desk.resolve("aaaa", .allowOnce, by: "me", now: 111)
        }
        #expect(desk.denyAll(by: "the gateway stops", now: 120).map(\.decision) == [.deny, .deny])
        #expect(desk.pending.isEmpty)
    }

    @Test func isNotAnsweredAfterItsTime() throws {
        var desk = try desk("aaaa")
        // Nobody said yet that it is over: the host may have slept.
        #expect(throws: ApprovalDesk.Refusal.expired("aaaa")) {
            try desk.resolve("aaaa", .allowOnce, by: "me", now: 110)
        }
        #expect(desk.lapse("aaaa", now: 110)?.decision == nil)
        #expect(ApprovalDesk.Refusal.expired("aaaa").code == "APPROVAL_ALREADY_RESOLVED")
    }

    @Test func remembersSoManyAnswers() throws {
        var desk = ApprovalDesk()
        for number in 0...ApprovalDesk.maximumSettled {
            let now = EpochMilliseconds(number)
            _ = try desk.ask(id: "question-\(number)", request(), shown: [:], now: now, timeoutMs: 10)
            _ = try desk.resolve("question-\(number)", .deny, by: "me", now: now)
        }
        _ = try desk.ask(id: "one more", request(), shown: [:], now: 1000, timeoutMs: 10)
        #expect(desk.outcome("question-0") == nil)
        #expect(desk.outcome("question-1")?.decision == .deny)
    }

    @Test func isBoundedAndForgets() throws {
        var desk = ApprovalDesk()
        for number in 0..<ApprovalDesk.maximumPending {
            _ = try desk.ask(id: "question-\(number)", request(), shown: [:], now: 0, timeoutMs: 10)
        }
        #expect(throws: ApprovalDesk.Refusal.full(ApprovalDesk.maximumPending)) {
            try desk.ask(id: "one more", request(), shown: [:], now: 0, timeoutMs: 10)
        }
        _ = try desk.resolve("question-0", .deny, by: "me", now: 0)
        _ = try desk.ask(id: "later", request(), shown: [:], now: ApprovalDesk.memory + 1, timeoutMs: 10)
        #expect(desk.outcome("question-0") == nil)
    }

    @Test func anApprovalIsForExactlyWhatRuns() {
        func fingerprint(_ arguments: JSONValue, agent: String = "main", tool: String = "browser") -> String {
            ApprovalRequest.fingerprint(
                ToolCall(id: "x", name: tool, arguments: arguments), agentId: agent, workspace: "/w")
        }
        let one: JSONValue = ["action": "act", "request": ["kind": "evaluate", "fn": "1"]]
        let turned: JSONValue = ["request": ["fn": "1", "kind": "evaluate"], "action": "act"]
        #expect(fingerprint(one) == fingerprint(turned))
        #expect(fingerprint(one) != fingerprint(["action": "act", "request": ["kind": "evaluate", "fn": "2"]]))
        #expect(fingerprint(one) != fingerprint(one, agent: "other"))
        #expect(fingerprint(one) != fingerprint(one, tool: "canvas"))
        #expect(fingerprint(["a": 1]) != fingerprint(["a": "1"]))
    }

    @Test func theTextIsWhatRunsAndDoesNotDeceive() {
        let call = ToolCall(
            id: "c", name: "browser",
            arguments: ["fn": .string("a\u{202E}\u{1B}[2J\n" + String(repeating: " ", count: 99) + "b")])
        let request = ApprovalRequest(
            call, ToolAssessment(.outside, "Run it", allowPattern: "browser:upload:/a/*"),
            context: ToolContract.context())
        #expect(request.text == #"browser {"fn":"a\u{202e}\u001b[2J\n ⟨99 spaces⟩ b"}"#)
        // A star in what the model wrote would allow more than what is shown.
        #expect(request.allowPattern == nil)
        #expect(request.isShowable)
        // A letter with ten thousand marks is one character to a string, and a wall to the eye.
        for text in [String(repeating: "x", count: 9000), "x" + String(repeating: "\u{301}", count: 9000)] {
            let long = ToolCall(id: "c", name: "browser", arguments: ["fn": .string(text)])
            #expect(!ApprovalRequest(long, ToolAssessment(.outside, "Run"), context: ToolContract.context()).isShowable)
        }
    }

    @Test(arguments: [
        ("/approve 3f2a allow-once", "3f2a", ApprovalDecision.allowOnce),
        ("/APPROVE 3f2a always", "3f2a", .allowAlways),
        ("/approve deny 3f2a", "3f2a", .deny), ("/approve 3f2a", "3f2a", nil), ("/approve", nil, nil),
        ("/approve 3f2a allow-once and more", "3f2a", nil),
    ])
    func chatCommand(text: String, id: String?, decision: ApprovalDecision?) {
        let command = ApproveCommand(text)
        #expect(command != nil && command?.id == id && command?.decision == decision)
    }

    @Test func otherTextIsNoCommand() {
        for text in ["approve 3f2a", "please /approve 3f2a", "/approved x", ""] {
            #expect(ApproveCommand(text) == nil)
        }
        // However much follows: no model reads it.
        let long = ApproveCommand("/approve 3f2a allow-once " + String(repeating: "x ", count: 600))
        #expect(long?.id == "3f2a" && long?.decision == nil)
    }
}
