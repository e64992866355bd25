import JarvisCore
import JarvisProtocol
import Testing

@testable import JarvisGateway

@Suite("A gateway in this process", .timeLimit(.minutes(2)))
struct GatewayTests {
    @Test("the operator answers a message when no model is configured")
    func operatorAnswers() async throws {
        let fixture = try await GatewayFixture()
        let client = try await fixture.client()
        #expect(client.hello["type"] == "hello-ok")
        #expect(client.hello["server"]?["instanceId"]?.stringValue == fixture.running.instanceId)
        let (first, final) = try await client.callExpectingFinal(
            "agent", ["message": "who are you?", "idempotencyKey": "run-1"])
        #expect(first["status"] == "accepted")
        let answer = try await final()
        #expect(answer["status"] == "ok")
        let text = answer["result"]?["payloads"]?[0]?["text"]?.stringValue ?? ""
        #expect(text.lowercased().contains("operator"))
        let history = try await client.call("chat.history", ["sessionKey": "main"])
        #expect(history["messages"]?.arrayValue?.count == 2)
        await fixture.stop()
    }

    @Test("a message sent twice is answered once")
    func idempotency() async throws {
        let fixture = try await GatewayFixture()
        let client = try await fixture.client()
        let params: JSONValue = ["sessionKey": "main", "message": "status", "idempotencyKey": "same"]
        #expect(try await client.call("chat.send", params)["status"] == "started")
        _ = try await client.call("agent.wait", ["runId": "same", "timeoutMs": 10_000])
        #expect(try await client.call("chat.send", params)["status"] == "ok")
        let history = try await client.call("chat.history", ["sessionKey": "main"])
        #expect(history["messages"]?.arrayValue?.count == 2)
        await fixture.stop()
    }

    @Test("wrong calls get the words that clients match on")
    func refusals() async throws {
        let fixture = try await GatewayFixture()
        let client = try await fixture.client()
        await #expect(throws: WireError.invalidRequest("unknown method: nonsense")) {
            try await client.call("nonsense")
        }
        await #expect(
            throws: WireError.invalidRequest("invalid chat.send params: must have required property 'sessionKey'")
        ) { try await client.call("chat.send", ["message": "x", "idempotencyKey": "k"]) }
        await #expect(throws: (any Error).self) {
            try await client.call("chat.send", ["sessionKey": "main", "message": "", "idempotencyKey": "k"])
        }
        await fixture.stop()
    }

    @Test("sessions are listed, patched, reset, exported, imported and deleted")
    func sessions() async throws {
        let fixture = try await GatewayFixture()
        let client = try await fixture.client()
        try await client.call("chat.send", ["sessionKey": "agent:main:work", "message": "help", "idempotencyKey": "a"])
        _ = try await client.call("agent.wait", ["runId": "a", "timeoutMs": 10_000])
        let list = try await client.call("sessions.list", ["includeDerivedTitles": true])
        #expect(list["sessions"]?[0]?["key"] == "agent:main:work")
        try await client.call("sessions.patch", ["key": "agent:main:work", "label": "Work"])
        #expect(try await client.call("sessions.resolve", ["label": "Work"])["key"] == "agent:main:work")
        let export = try await client.call("sessions.export", ["key": "agent:main:work"])
        #expect((export["lines"]?.arrayValue?.count ?? 0) >= 3)
        try await client.call("sessions.import", ["key": "agent:main:copy", "lines": export["lines"] ?? []])
        let copy = try await client.call("chat.history", ["sessionKey": "agent:main:copy"])
        #expect(copy["messages"]?.arrayValue?.count == 2)
        try await client.call("sessions.reset", ["key": "agent:main:work"])
        #expect(try await client.call("chat.history", ["sessionKey": "agent:main:work"])["messages"] == [])
        #expect(try await client.call("sessions.delete", ["key": "agent:main:copy"])["deleted"] == true)
        await fixture.stop()
    }

    @Test("configuration is read redacted, written against a hash, and takes effect")
    func config() async throws {
        let fixture = try await GatewayFixture()
        let client = try await fixture.client()
        let document = try await client.call("config.get")
        #expect(!JSONWriter.string(document).contains("test-token"))
        let hash = document["hash"] ?? .null
        await #expect(throws: (any Error).self) {
            try await client.call("config.patch", ["raw": #"{ui: {assistant: {name: "Ada"}}}"#])
        }
        let result = try await client.call(
            "config.patch", ["raw": #"{ui: {assistant: {name: "Ada"}}}"#, "baseHash": hash])
        #expect(result["ok"] == true)
        #expect(try await client.call("agent.identity.get")["name"] == "Ada")
        await fixture.stop()
    }

    @Test("who came in while no secret was asked for goes when one is; the new one stays out of every record")
    func secretAppears() async throws {
        let fixture = try await GatewayFixture(
            config: #"{ gateway: { mode: "local", auth: { mode: "none", token: "old-token-0123456789abcdef" } } }"#)
        let owner = try await fixture.client()
        let stranger = try await fixture.stranger()
        #expect(stranger.hello["type"] == "hello-ok")
        let hash = try await owner.call("config.get")["hash"] ?? .null
        let patch = #"{gateway: {auth: {mode: "token", token: "new-token-0123456789abcdef"}}}"#
        try await owner.call("config.patch", ["raw": .string(patch), "baseHash": hash])
        await #expect(throws: (any Error).self) {
            while true { try await stranger.call("status") }
        }
        await #expect(throws: (any Error).self) { _ = try await fixture.stranger(token: "old-token-0123456789abcdef") }
        let known = try await fixture.stranger(token: "new-token-0123456789abcdef")
        #expect(known.hello["type"] == "hello-ok")
        #expect(!fixture.redactor.redact("got new-token-0123456789abcdef").contains("new-token"))
        await fixture.stop()
    }

    @Test("a port that other hosts reach keeps its credential when the new one is too weak")
    func exposedPort() async throws {
        let fixture = try await GatewayFixture(
            config: """
                { gateway: { mode: "local", bind: "custom", customBindHost: "127.0.0.2",
                    auth: { mode: "token", token: "long-token-0123456789abcdef" } } }
                """)
        let owner = try await fixture.client()
        let hash = try await owner.call("config.get")["hash"] ?? .null
        await #expect(throws: (any Error).self) {
            try await owner.call("config.patch", ["raw": #"{gateway: {auth: {mode: "none"}}}"#, "baseHash": hash])
        }
        #expect(try await owner.call("config.get")["hash"] == hash)
        await #expect(throws: (any Error).self) { _ = try await fixture.stranger(host: "127.0.0.2") }
        let known = try await fixture.stranger(host: "127.0.0.2", token: "long-token-0123456789abcdef")
        #expect(known.hello["type"] == "hello-ok")
        await fixture.stop()
    }
}
