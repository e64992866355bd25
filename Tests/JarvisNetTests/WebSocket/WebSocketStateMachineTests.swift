import NIOCore
import Testing

@testable import JarvisNet

@Suite struct WebSocketStateMachineTests {
    private func frame(
        _ first: UInt8, _ payload: [UInt8] = [], masked: Bool = true, lengthForm: Int? = nil
    ) -> [UInt8] {
        var bytes = [first]
        let bit: UInt8 = masked ? 0x80 : 0
        switch lengthForm ?? (payload.count < 126 ? 1 : payload.count < 65536 ? 2 : 8) {
        case 1: bytes.append(bit | UInt8(payload.count))
        case 2: bytes += [bit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
        default: bytes += [bit | 127] + (0..<8).map { UInt8(payload.count >> (56 - 8 * $0) & 0xFF) }
        }
        guard masked else { return bytes + payload }
        let mask: [UInt8] = [0x11, 0x22, 0xF3, 0x44]
        return bytes + mask + payload.enumerated().map { $1 ^ mask[$0 & 3] }
    }

    private func run(
        _ bytes: [UInt8], role: WebSocketStateMachine.Role = .server, limit: Int = 1 << 20, chunk: Int? = nil
    ) -> (events: [WebSocketStateMachine.Event], failure: WebSocketFailure?) {
        var machine = WebSocketStateMachine(role: role, maximumMessageBytes: limit)
        var events: [WebSocketStateMachine.Event] = []
        for start in stride(from: 0, to: max(bytes.count, 1), by: chunk ?? max(bytes.count, 1)) {
            var input = ByteBuffer(bytes: bytes[start..<min(start + (chunk ?? bytes.count), bytes.count)])
            do throws(WebSocketFailure) {
                while let event = try machine.next(&input) { events.append(event) }
            } catch {
                return (events, error)
            }
        }
        return (events, nil)
    }

    private func text(_ text: String) -> WebSocketStateMachine.Event { .text(ByteBuffer(string: text)) }

    @Test func readsMessagesAtEverySplit() {
        let long = String(repeating: "é😀x", count: 40)
        let bytes =
            frame(0x81, Array("hello".utf8)) + frame(0x01, Array("ab".utf8)) + frame(0x89, [1, 2])
            + frame(0x00, []) + frame(0x80, Array("c".utf8)) + frame(0x82, [0, 255]) + frame(0x81, Array(long.utf8))
            + frame(0x8A, []) + frame(0x88, [0x03, 0xE8] + Array("bye".utf8))
        let expected: [WebSocketStateMachine.Event] = [
            text("hello"), .ping(ByteBuffer(bytes: [1, 2])), text("abc"), .binary(ByteBuffer(bytes: [0, 255])),
            text(long), .pong(ByteBuffer()), .close(code: 1000, reason: "bye"),
        ]
        for chunk in 1...20 { #expect(run(bytes, chunk: chunk).events == expected) }
        #expect(run(bytes).events == expected)
        #expect(run(bytes).failure == nil)
    }

    @Test func readsUnmaskedFramesAsAClient() {
        #expect(run(frame(0x81, [0x61], masked: false), role: .client).events == [text("a")])
        #expect(run(frame(0x81, [0x61], masked: true), role: .client).failure?.code == 1002)
        #expect(run(frame(0x81, [0x61], masked: false), role: .server).failure?.code == 1002)
    }

    @Test(arguments: [0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F, 0x80, 0x00, 0x09, 0x08, 0x0A] as [UInt8])
    func refusesBadFirstBytes(_ first: UInt8) {
        #expect(run([first]).failure?.code == 1002)
    }

    @Test func refusesBrokenSequences() {
        #expect(run(frame(0x01, [0x61]) + frame(0x81, [0x62])).failure?.code == 1002)
        #expect(run(frame(0x81, [0x61]) + frame(0x80, [0x62])).events == [text("a")])
        #expect(run(frame(0x81, [0x61]) + frame(0x80, [0x62])).failure?.code == 1002)
    }

    @Test func refusesBadLengths() {
        #expect(run(frame(0x89, Array(repeating: 0, count: 126))).failure?.code == 1002)
        #expect(run(frame(0x81, [0x61], lengthForm: 2)).failure?.code == 1002)
        #expect(run(frame(0x81, [0x61], lengthForm: 8)).failure?.code == 1002)
        #expect(run([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]).failure?.code == 1002)
        #expect(run([0x82, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]).failure?.code == 1009)
    }

    @Test func limitsMessages() {
        #expect(run(frame(0x82, Array(repeating: 1, count: 100)), limit: 100).failure == nil)
        #expect(run(frame(0x82, Array(repeating: 1, count: 101)), limit: 100).failure?.code == 1009)
        let parts = frame(0x02, Array(repeating: 1, count: 60)) + frame(0x80, Array(repeating: 1, count: 41))
        #expect(run(parts, limit: 100).failure?.code == 1009)
        // The claim alone is enough.
        #expect(run([0x82, 0xFE, 0xFF, 0xFF], limit: 100).failure?.code == 1009)
    }

    @Test func limitsFragments() {
        let empty = frame(0x02) + (0..<2000).flatMap { _ in frame(0x00) }
        #expect(run(empty).failure?.code == 1008)
        let small = frame(0x02) + (0..<4000).flatMap { _ in frame(0x00, Array(repeating: 1, count: 64)) } + frame(0x80)
        #expect(run(small).failure == nil)
        #expect(run(small).events.count == 1)
    }

    @Test func judgesText() {
        #expect(run(frame(0x81, [0xC3])).failure?.code == 1007)
        #expect(run(frame(0x01, [0xC3]) + frame(0x80, [0xA9])).events == [text("é")])
        // Fails while the frame is still arriving.
        #expect(
            run(Array(frame(0x81, [0x61, 0xFF] + Array(repeating: 0x61, count: 50)).prefix(8))).failure?.code == 1007)
    }

    @Test func judgesCloseFrames() {
        #expect(run(frame(0x88)).events == [.close(code: nil, reason: "")])
        #expect(run(frame(0x88, [3])).failure?.code == 1002)
        #expect(run(frame(0x88, [0x03, 0xE8, 0xFF])).failure?.code == 1007)
        for code: UInt16 in [1000, 1003, 1007, 1011, 1012, 1014, 3000, 4999] {
            #expect(run(frame(0x88, [UInt8(code >> 8), UInt8(code & 255)])).events == [.close(code: code, reason: "")])
        }
        for code: UInt16 in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            #expect(run(frame(0x88, [UInt8(code >> 8), UInt8(code & 255)])).failure?.code == 1002)
        }
        #expect(run(frame(0x88) + frame(0x81, [0x61])).events.count == 1)
    }
}

@Suite struct UTF8ValidatorTests {
    @Test func agreesWithTheStandardLibrary() {
        var generator = SystemRandomNumberGenerator()
        let interesting: [UInt8] = [
            0x00, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
            0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                interesting.randomElement(using: &generator) ?? 0
            }
            var validator = UTF8Validator()
            let cut = Int.random(in: 0...bytes.count, using: &generator)
            let valid = [bytes[..<cut], bytes[cut...]].allSatisfy { part in
                Array(part).withUnsafeBytes { validator.consume($0) }
            }
            #expect((valid && validator.isComplete) == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }
}
