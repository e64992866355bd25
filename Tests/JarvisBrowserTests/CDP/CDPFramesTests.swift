import Testing

@testable import JarvisBrowser

@Suite("Messages of a debugging pipe")
struct CDPFramesTests {
    private func split(_ pieces: [[UInt8]], limit: Int = 1000) throws -> [String] {
        var frames = CDPFrames(limit: limit)
        var found: [String] = []
        for piece in pieces {
            try piece.withUnsafeBytes { bytes in
                try frames.push(bytes) { found.append(String(decoding: $0, as: UTF8.self)) }
            }
        }
        return found
    }

    @Test("Messages come whole and in order, wherever the bytes were cut")
    func anyCut() throws {
        let text = Array("{\"a\":1}\0\0{\"b\":\"é\"}\0{}\0".utf8)
        for cut in 1...text.count {
            let pieces = stride(from: 0, to: text.count, by: cut).map { Array(text[$0..<min($0 + cut, text.count)]) }
            #expect(try split(pieces) == ["{\"a\":1}", "{\"b\":\"é\"}", "{}"])
        }
    }

    @Test("A message that has not ended is not delivered, and is known")
    func partial() throws {
        var frames = CDPFrames(limit: 10)
        try Array("{}\0{\"".utf8).withUnsafeBytes { try frames.push($0) { #expect($0 == Array("{}".utf8)) } }
        #expect(frames.isMidMessage)
    }

    @Test("A message beyond the limit is an error, in one piece or many; one at the limit is not")
    func limit() throws {
        #expect(try split([Array("1234567890\0".utf8)], limit: 10) == ["1234567890"])
        #expect(throws: CDPFrames.TooLarge(limit: 10)) { try split([Array("12345678901\0".utf8)], limit: 10) }
        #expect(throws: CDPFrames.TooLarge(limit: 10)) {
            try split(Array(repeating: Array("123".utf8), count: 4), limit: 10)
        }
    }
}
