import NIOCore
import Testing

@testable import JarvisNet

@Suite struct SSEParserTests {
    private func parse(_ pieces: [[UInt8]]) throws -> [ServerSentEvent] {
        var parser = SSEParser()
        var events: [ServerSentEvent] = []
        for piece in pieces { events += try parser.push(piece) }
        return events + parser.finish()
    }

    private let stream = Array(
        ("\u{FEFF}: hi\ndata: {\"a\":\"é😀\"}\r\n\r\nevent: done\rid: 7\rretry: 250\r"
            + "data:x\rdata\rdata:  y\r\r:\n\ndata: [DONE]").utf8)
    private let expected = [
        ServerSentEvent(data: "{\"a\":\"é😀\"}"),
        ServerSentEvent(event: "done", data: "x\n\n y", id: "7", retry: 250),
        ServerSentEvent(data: "[DONE]", id: "7"),
    ]

    @Test func reads() throws { #expect(try parse([stream]) == expected) }

    @Test func givesTheSameForEverySplit() throws {
        for first in 0...stream.count {
            #expect(try parse([Array(stream[..<first]), Array(stream[first...])]) == expected)
        }
        #expect(try parse(stream.map { [$0] }) == expected)
        for size in 2...7 {
            let pieces = stride(from: 0, to: stream.count, by: size).map {
                Array(stream[$0..<min($0 + size, stream.count)])
            }
            #expect(try parse(pieces) == expected)
        }
    }

    @Test func ignoresWhatIsNoEvent() throws {
        #expect(try parse([Array("event: x\n\nid: 1\n\nunknown: y\nretry: -1\n\n".utf8)]) == [])
        #expect(try parse([Array("data:\n\n".utf8)]) == [ServerSentEvent(data: "")])
        #expect(try parse([Array("id: a\0b\ndata: x\n\n".utf8)]) == [ServerSentEvent(data: "x")])
    }

    @Test func countsCommentsAndRepairsText() throws {
        var parser = SSEParser()
        #expect(try parser.push(Array(": a\n:b\r\n".utf8)) == [])
        #expect(parser.commentCount == 2)
        #expect(
            try parser.push(ByteBuffer(bytes: Array("data: ".utf8) + [0xFF, 0x0A, 0x0A])).map(\.data) == ["\u{FFFD}"])
    }

    @Test func refusesTooLongALine() throws {
        var parser = SSEParser(lineLimit: 8, eventLimit: 12)
        #expect(throws: SSEError.self) { try parser.push(Array("data: 123".utf8)) }
        var other = SSEParser(lineLimit: 8, eventLimit: 4)
        #expect(try other.push(Array("data:12\n".utf8)) == [])
        #expect(throws: SSEError.self) { try other.push(Array("data:12\n".utf8)) }
    }
}
