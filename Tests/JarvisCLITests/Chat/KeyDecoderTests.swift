import Testing

@testable import JarvisCLI

@Suite("Keys from bytes")
struct KeyDecoderTests {
    private static let script: [UInt8] = Array("aé日😀\u{1B}[A\u{1B}[1;5C\u{1B}[3~\u{1B}b\r\u{3}\u{4}\u{7F}\u{15}".utf8)
    private static let keys: [Key] = [
        .text("aé日😀"), .up, .wordRight, .delete, .wordLeft, .enter, .interrupt, .endOfInput, .backspace, .killLine,
    ]

    @Test("a whole script")
    func whole() {
        var decoder = KeyDecoder()
        #expect(decoder.push(Self.script) == Self.keys)
    }

    @Test("the same, byte by byte")
    func split() {
        var decoder = KeyDecoder()
        var text = ""
        var keys: [Key] = []
        for byte in Self.script {
            for key in decoder.push([byte]) {
                if case .text(let piece) = key { text += piece } else { keys.append(key) }
            }
        }
        #expect(text == "aé日😀")
        #expect(keys == Array(Self.keys.dropFirst()))
    }

    @Test("a pasted text keeps its lines, submits nothing and steers nothing")
    func paste() {
        var decoder = KeyDecoder()
        #expect(
            decoder.push(Array("\u{1B}[200~one\r\ntwo\u{7}\u{1B}[31m\u{1B}[201~x".utf8)) == [.text("one\ntwo[31mx")])
    }

    @Test("nonsense passes without harm")
    func nonsense() {
        var decoder = KeyDecoder()
        #expect(decoder.push([0xFF, 0xC3, 0x28, 0x1B, 0x5B]).isEmpty == false)
        #expect(decoder.push(Array(repeating: UInt8(ascii: "1"), count: 64)).isEmpty == false)
        #expect(decoder.push([UInt8(ascii: "z")]) == [.text("z")])
    }
}
