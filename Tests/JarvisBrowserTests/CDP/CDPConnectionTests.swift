import JarvisCore
import Synchronization
import Testing

@testable import JarvisBrowser

/// A transport whose other end is the test.
private final class FakeTransport: CDPTransport {
    private struct State {
        var receive: (@Sendable ([UInt8]) -> Void)?
        var closed: (@Sendable (String) -> Void)?
        var sent: [JSONValue] = []
    }

    private let state = Mutex(State())
    private let answer: @Sendable (JSONValue) -> [String]

    /// - Parameter answer: what comes back at once for a command.
    init(_ answer: @escaping @Sendable (JSONValue) -> [String] = { _ in [] }) { self.answer = answer }

    var sent: [JSONValue] { state.withLock(\.sent) }

    func start(receive: @escaping @Sendable ([UInt8]) -> Void, closed: @escaping @Sendable (String) -> Void) {
        state.withLock { state in
            state.receive = receive
            state.closed = closed
        }
    }

    func send(_ message: [UInt8]) {
        guard let value = try? JSONParser.parse(message) else { return }  // a test that sends no JSON fails elsewhere
        let receive = state.withLock { state in
            state.sent.append(value)
            return state.receive
        }
        for text in answer(value) { receive?(Array(text.utf8)) }
    }

    func close() { end("closed") }

    func end(_ reason: String) {
        let closed = state.withLock { state in
            defer { state.closed = nil }
            return state.closed
        }
        closed?(reason)
    }
}

@Suite("The debugging protocol")
struct CDPConnectionTests {
    @Test("An answer belongs to its command, and events before it are handled first")
    func order() async throws {
        let transport = FakeTransport { command in
            let id = command["id"]?.intValue ?? 0
            return [
                #"{"method":"A.one","params":{"n":1},"sessionId":"s"}"#, #"{"method":"A.two"}"#,
                #"{"id":\#(id),"result":{"value":\#(id)}}"#, #"{"method":"A.three"}"#,
            ]
        }
        let connection = CDPConnection(transport: transport)
        let seen = Mutex<[String]>([])
        connection.observe { event in
            seen.withLock { $0.append("\(event.method) \(event.session ?? "-") \(event.params["n"]?.intValue ?? 0)") }
        }
        #expect(try await connection.send("B.do", ["x": 1], session: "q")["value"] == 1)
        #expect(seen.withLock { $0 } == ["A.one s 1", "A.two - 0", "A.three - 0"])
        #expect(transport.sent == [["id": 1, "method": "B.do", "sessionId": "q", "params": ["x": 1]]])
    }

    @Test("Commands in one breath are all sent before the first answer, and the first failure is told")
    func oneBreath() async throws {
        let answers = Mutex<[String]>([])
        let fake = FakeTransport { command in
            answers.withLock { answers in
                let id = command["id"]?.intValue ?? 0
                let isRefused = command["method"] == "C.no"
                answers.append(
                    isRefused
                        ? #"{"id":\#(id),"error":{"code":1,"message":"No"}}"# : #"{"id":\#(id),"result":{"n":\#(id)}}"#)
                // Nothing is answered before the third command has come.
                guard answers.count >= 3 else { return [] }
                defer { answers = [] }
                return answers.reversed()
            }
        }
        let connection = CDPConnection(transport: fake)
        let told = try await connection.send([("A.a", [:]), ("B.b", [:]), ("C.c", [:])])
        #expect(told == [["n": 1], ["n": 2], ["n": 3]])
        await #expect(throws: CDPFailure.remote(method: "C.no", code: 1, message: "No")) {
            try await connection.send([("A.a", [:]), ("C.no", [:]), ("C.c", [:])])
        }
    }

    @Test("A refusal carries the browser's words; an answer to nobody is nothing")
    func refusal() async {
        let connection = CDPConnection(
            transport: FakeTransport { command in
                [
                    #"{"id":999,"result":{}}"#,
                    #"{"id":\#(command["id"]?.intValue ?? 0),"error":{"code":-32000,"message":"No","data":"why"}}"#,
                ]
            })
        await #expect(throws: CDPFailure.remote(method: "B.do", code: -32000, message: "No (why)")) {
            try await connection.send("B.do")
        }
        #expect(connection.isOpen)
    }

    @Test("The browser's words steer no terminal")
    func refusalIsShown() async {
        let connection = CDPConnection(
            transport: FakeTransport { command in
                [#"{"id":\#(command["id"]?.intValue ?? 0),"error":{"code":1,"message":"a\u001b[2Jb\nc"}}"#]
            })
        await #expect(throws: CDPFailure.remote(method: "B.do", code: 1, message: #"a\u{1b}[2Jb\nc"#)) {
            try await connection.send("B.do")
        }
    }

    @Test("Who waits too long is told, and so is who is cancelled")
    func late() async {
        let connection = CDPConnection(transport: FakeTransport())
        await #expect(throws: CDPFailure.timeout(method: "B.do")) {
            try await connection.send("B.do", timeout: .milliseconds(1))
        }
        let task = Task { try await connection.send("B.do") }
        task.cancel()
        await #expect(throws: CDPFailure.cancelled(method: "B.do")) { try await task.value }
    }

    @Test("The end fails who waits and who comes later, and is told once")
    func end() async {
        let transport = FakeTransport { _ in [] }
        let connection = CDPConnection(transport: transport)
        let told = Mutex<[String]>([])
        connection.onClose { reason in told.withLock { $0.append(reason) } }
        let waiting = Task { try await connection.send("B.do") }
        while transport.sent.isEmpty { await Task.yield() }
        transport.end("it died")
        await #expect(throws: CDPFailure.closed("it died")) { try await waiting.value }
        await #expect(throws: CDPFailure.closed("it died")) { try await connection.send("B.do") }
        connection.onClose { reason in told.withLock { $0.append(reason) } }
        #expect(told.withLock { $0 } == ["it died", "it died"] && !connection.isOpen)
    }

    @Test(
        "What is no message ends the connection with the reason",
        arguments: ["teapot", "[]", #"{"a":1}"#, #"{"method":"#])
    func nonsense(_ text: String) async throws {
        let connection = CDPConnection(transport: FakeTransport { _ in [text] })
        await #expect {
            try await connection.send("B.do")
        } throws: { error in
            guard case CDPFailure.closed(let reason) = error else { return false }
            return reason.contains("no message of the debugging protocol")
        }
    }

    @Test("An answer of the page's making that can't be read fails its own command only")
    func unreadable() async throws {
        let connection = CDPConnection(
            transport: FakeTransport { command in
                [#"{"id":\#(command["id"]?.intValue ?? 0),"result":{"a":1,"a":2}}"#]
            })
        await #expect {
            try await connection.send("B.do")
        } throws: { error in
            guard case CDPFailure.remote("B.do", -32700, let message) = error else { return false }
            return message.contains("duplicate key")
        }
        #expect(connection.isOpen)
    }

    @Test("An event of the page's making that can't be read is left out, and the next one is heard")
    func unusable() async throws {
        let deep = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)
        let connection = CDPConnection(
            transport: FakeTransport { command in
                [
                    #"{"method":"A.bad","params":{"a":1,"a":2}}"#,
                    #"{"method":"A.deep","params":\#(deep)}"#,
                    #"{"method":"A.good"}"#, #"{"id":\#(command["id"]?.intValue ?? 0),"result":{}}"#,
                ]
            })
        let seen = Mutex<[String]>([])
        connection.observe { event in seen.withLock { $0.append(event.method) } }
        _ = try await connection.send("B.do")
        #expect(seen.withLock { $0 } == ["A.good"] && connection.isOpen)
    }
}
