import JarvisCore
import JarvisFormats
import Testing

@Suite struct TarTests {
    private func archive(_ files: [(String, [UInt8])]) throws -> [UInt8] {
        let bytes = Bytes()
        var tar = TarWriter { bytes.all += $0 }
        for (path, content) in files { try tar.add(path, content) }
        try tar.finish()
        return bytes.all
    }

    private func read(_ bytes: [UInt8], limits: TarReader.Limits = .init()) throws -> [String: [UInt8]] {
        var rest = bytes[...]
        var tar = TarReader(limits: limits) { count in
            let piece = Array(rest.prefix(count))
            rest = rest.dropFirst(count)
            return piece
        }
        var found: [String: [UInt8]] = [:]
        while let entry = try tar.next() {
            var content: [UInt8] = []
            while true {
                let chunk = try tar.read(limit: 100)
                if chunk.isEmpty { break }
                content += chunk
            }
            #expect(content.count == entry.size)
            found[entry.path] = content
        }
        return found
    }

    private final class Bytes {
        var all: [UInt8] = []
    }

    @Test func readsWhatItWrites() throws {
        for size in [0, 1, 511, 512, 513, 5000] {
            let long = String(repeating: "ü", count: 90)
            let files: [(String, [UInt8])] = [
                ("a", [UInt8](repeating: 7, count: size)), ("b/c d", []), (long, [1]), ("x/" + long + "/y", [2, 3]),
            ]
            let bytes = try archive(files)
            #expect(bytes.count % 512 == 0)
            #expect(try read(bytes) == Dictionary(uniqueKeysWithValues: files))
            #expect(try archive(files) == bytes)
        }
    }

    @Test func refusesBadPathsBothWays() throws {
        for path in [
            "", "/a", "a//b", "../a", "a/..", "a/./b", "a\\b", "a\nb", "a/", String(repeating: "x", count: 256),
        ] {
            #expect(throws: JarvisError.self, "\(path)") { try archive([(path, [])]) }
        }
    }

    @Test func refusesEveryDamage() throws {
        let bytes = try archive([("a", [1, 2, 3]), ("b", [])])
        #expect(throws: JarvisError.self) { try read(Array(bytes.dropLast())) }
        #expect(throws: JarvisError.self) { try read(bytes + [0]) }
        #expect(throws: JarvisError.self) { try read(bytes + [UInt8](repeating: 0, count: 21 * 512)) }
        #expect(try read(bytes + [UInt8](repeating: 0, count: 512)).count == 2)
        for place in [0, 100, 124, 148, 156, 257, 500, 600] {
            var damaged = bytes
            damaged[place] ^= 1
            #expect(throws: JarvisError.self, "\(place)") { try read(damaged) }
        }
        for count in stride(from: 0, to: bytes.count, by: 100) {
            #expect(throws: JarvisError.self) { try read(Array(bytes.prefix(count))) }
        }
    }

    @Test func keepsItsLimits() throws {
        var limits = TarReader.Limits()
        limits.files = 1
        #expect(throws: JarvisError.self) { try read(archive([("a", []), ("b", [])]), limits: limits) }
        limits = TarReader.Limits()
        limits.bytes = 4
        #expect(throws: JarvisError.self) { try read(archive([("a", [1, 2, 3]), ("b", [1, 2])]), limits: limits) }
    }

    @Test func holdsTheWriterToWhatWasAnnounced() throws {
        var tar = TarWriter { _ in }
        try tar.begin("a", size: 2)
        #expect(throws: JarvisError.self) { try tar.finish() }
        #expect(throws: JarvisError.self) { try tar.write([1, 2, 3], of: 2) }
    }
}
