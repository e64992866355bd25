import JarvisCore
import Testing

@Suite struct PassphraseSealTests {
    @Test func opensWhatItSealed() throws {
        var seal = try PassphraseSeal.sealing(Array("correct horse".utf8))
        let chunks = [try seal.seal([1, 2, 3], isLast: false), try seal.seal([], isLast: true)]
        var same = try PassphraseSeal(header: seal.header, passphrase: Array("correct horse".utf8))
        #expect(try same.open(chunks[0][...], isLast: false) == [1, 2, 3])
        #expect(try same.open(chunks[1][...], isLast: true) == [])
    }

    @Test func refusesWhatWasChangedMovedOrCut() throws {
        var seal = try PassphraseSeal.sealing(Array("correct horse".utf8))
        let chunks = [try seal.seal([1], isLast: false), try seal.seal([2], isLast: true)]
        let fresh = try PassphraseSeal(header: seal.header, passphrase: Array("correct horse".utf8))
        var moved = fresh
        #expect(throws: JarvisError.self) { try moved.open(chunks[1][...], isLast: true) }
        var cut = fresh
        #expect(throws: JarvisError.self) { try cut.open(chunks[0][...], isLast: true) }
        var changed = fresh
        var chunk = chunks[0]
        chunk[0] ^= 1
        #expect(throws: JarvisError.self) { try changed.open(chunk[...], isLast: false) }
        var short = fresh
        #expect(throws: JarvisError.self) { try short.open([1, 2], isLast: false) }
        var header = seal.header
        header[32] ^= 1
        var other = try PassphraseSeal(header: header, passphrase: Array("correct horse".utf8))
        #expect(throws: JarvisError.self) { try other.open(chunks[0][...], isLast: false) }
        var stranger = try PassphraseSeal(header: seal.header, passphrase: Array("correct house".utf8))
        #expect(throws: JarvisError.self) { try stranger.open(chunks[0][...], isLast: false) }
    }

    @Test func wantsAPassphraseAndAHeader() {
        #expect(throws: JarvisError.self) { try PassphraseSeal.sealing(Array("short".utf8)) }
        #expect(throws: JarvisError.self) { try PassphraseSeal(header: [1, 2], passphrase: [1]) }
    }
}
