import Testing

@testable import JarvisBrowser

@Suite("Messages of a debugging pipe")
struct CDPFramesTests {
    /// The messages; of one that is too large its beginning, after a `!`.
    private func split(_ pieces: [[UInt8]], limit: Int = 1000) -> [String] {
        var frames = CDPFrames(limit: limit)
        var found: [String] = []
        for piece in pieces {
            piece.withUnsafeBytes { bytes in
                var here: [String] = []
                frames.push(
                    bytes, { here.append(String(decoding: $0, as: UTF8.self)) },
                    oversized: { told in
                        #expect(told.limit == limit)
                        here.append("!" + String(decoding: told.head, as: UTF8.self))
                    })
                found += here
            }
        }
        return found
    }

    @Test("Messages come whole and in order, wherever the bytes were cut")
    func anyCut() {
        let text = Array("{\"a\":1}\0\0{\"b\":\"é\"}\0{}\0".utf8)
        for cut in 1...text.count {
            let pieces = stride(from: 0, to: text.count, by: cut).map { Array(text[$0..<min($0 + cut, text.count)]) }
            #expect(split(pieces) == ["{\"a\":1}", "{\"b\":\"é\"}", "{}"])
        }
    }

    @Test("A message that has not ended is not delivered, and is known")
    func partial() {
        var frames = CDPFrames(limit: 10)
        Array("{}\0{\"".utf8).withUnsafeBytes {
            frames.push($0, { #expect($0 == Array("{}".utf8)) }, oversized: { _ in Issue.record("too large") })
        }
        #expect(frames.isMidMessage)
    }

    @Test("Of a message beyond the limit the beginning is told at its end, and those around it come whole")
    func limit() {
        #expect(split([Array("1234567890\0".utf8)], limit: 10) == ["1234567890"])
        let text = Array("ab\0{\"id\":12,\"result\":{}}\0cd\0".utf8)
        for cut in 1...text.count {
            let pieces = stride(from: 0, to: text.count, by: cut).map { Array(text[$0..<min($0 + cut, text.count)]) }
            #expect(split(pieces, limit: 10) == ["ab", #"!{"id":12,"r"#, "cd"])
        }
    }

    @Test("The beginning that is kept is short, whatever the limit")
    func head() {
        let found = split([Array(repeating: 0x61, count: 5000), [0]], limit: 1000)
        #expect(found == ["!" + String(repeating: "a", count: 64)])
    }

    @Test("A command whose answer is too large fails; an event that is too large is nothing")
    func answers() {
        func answer(_ head: String) -> String? {
            CDPMessage.answer(to: CDPFrames.Oversized(head: Array(head.utf8), limit: 10)).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(
            answer(#"{"id":12,"result":{"a"#)
                == #"{"id":12,"error":{"code":-32000,"message":"its answer has more than 10 bytes"}}"#)
        #expect(answer(#"{"method":"A.b","params":{"id":12,"result":{"#) == nil)
    }
}
