import JarvisCore

/// Reads what `TarWriter` writes, and refuses everything else: links, devices, directories, odd paths, repeated names,
/// wrong checksums, more than the limits allow, bytes behind the end.
package struct TarReader {
    /// A file of the archive.
    package struct Entry: Sendable, Hashable {
        /// Its path, checked by `TarPath`.
        package var path: String
        /// Its size in bytes.
        package var size: Int
        /// Whether its owner may run it.
        package var isExecutable: Bool
    }

    /// What an archive may hold.
    package struct Limits: Sendable {
        /// The most files.
        package var files = 200_000
        /// The most bytes of all files together.
        package var bytes = 64 << 30

        /// The usual limits.
        package init() {}
    }

    /// Gives up to so many bytes; fewer only at the end.
    private let source: (Int) throws -> [UInt8]
    private let limits: Limits
    private var seen: Set<String> = []
    private var total = 0
    private var left = 0
    private var padding = 0

    /// A reader of the bytes that `source` gives: up to the asked number, fewer only at the end.
    package init(limits: Limits = Limits(), _ source: @escaping (_ count: Int) throws -> [UInt8]) {
        self.limits = limits
        self.source = source
    }

    /// The next file, after the one before was read to its end; nil at the end of the archive.
    ///
    /// - Throws: `tar.invalid`, `tar.path`, `tar.limit`; exit 2.
    package mutating func next() throws -> Entry? {
        while left > 0 { _ = try read() }
        var long: String?
        while true {
            let header = try exactly(TarWriter.block)
            if header.allSatisfy({ $0 == 0 }) {
                guard long == nil else { throw invalid("a long path without its file") }
                try checkEnd()
                return nil
            }
            let fields = try Fields(header)
            switch fields.type {
            case UInt8(ascii: "x"):
                guard long == nil, fields.size <= 4096 else { throw invalid("a strange pax header") }
                long = try path(ofRecord: try padded(fields.size))
            case UInt8(ascii: "0"):
                return try begin(fields, long)
            default:
                throw invalid("“\(Self.shown(fields.name))” is no regular file")
            }
        }
    }

    /// The next bytes of the file that `next` has given; empty at its end.
    ///
    /// - Throws: `tar.invalid` when the archive ends before the file does.
    package mutating func read(limit: Int = 256 << 10) throws -> [UInt8] {
        guard left > 0 else { return [] }
        let bytes = try exactly(min(limit, left))
        left -= bytes.count
        if left == 0, padding > 0 {
            guard try exactly(padding).allSatisfy({ $0 == 0 }) else { throw invalid("bytes between two files") }
            padding = 0
        }
        return bytes
    }

    private mutating func begin(_ fields: Fields, _ long: String?) throws -> Entry {
        let path = long ?? fields.name
        try TarPath.check(path)
        // Also on a disk that does not tell `A` from `a`.
        guard seen.insert(path.lowercased()).inserted else { throw invalid("“\(Self.shown(path))” twice") }
        total += fields.size
        guard seen.count <= limits.files, total <= limits.bytes else {
            throw JarvisError(
                "tar.limit",
                "The archive holds more than \(limits.files) files or \(limits.bytes >> 30) GiB.", exitCode: 2)
        }
        left = fields.size
        padding = (TarWriter.block - fields.size % TarWriter.block) % TarWriter.block
        return Entry(path: path, size: fields.size, isExecutable: fields.mode & 0o100 != 0)
    }

    private func checkEnd() throws {
        guard try exactly(TarWriter.block).allSatisfy({ $0 == 0 }) else { throw invalid("bytes behind its end") }
        // Other writers fill up to a record of 20 blocks.
        for _ in 0..<20 {
            let more = try source(TarWriter.block)
            if more.isEmpty { return }
            guard more.count == TarWriter.block, more.allSatisfy({ $0 == 0 }) else { break }
        }
        throw invalid("bytes behind its end")
    }

    private func padded(_ size: Int) throws -> [UInt8] {
        let rounded = (size + TarWriter.block - 1) / TarWriter.block * TarWriter.block
        return Array(try exactly(rounded).prefix(size))
    }

    private func exactly(_ count: Int) throws -> [UInt8] {
        let bytes = try source(count)
        guard bytes.count == count else { throw invalid("it ends too early") }
        return bytes
    }

    /// Only the one record that the writer makes.
    private func path(ofRecord bytes: [UInt8]) throws -> String {
        guard let space = bytes.firstIndex(of: UInt8(ascii: " ")),
            Int(String(decoding: bytes[..<space], as: UTF8.self)) == bytes.count, bytes.last == UInt8(ascii: "\n"),
            bytes[(space + 1)...].starts(with: Array("path=".utf8)),
            let path = String(validating: bytes[(space + 6)...].dropLast(), as: UTF8.self)
        else { throw invalid("a strange pax header") }
        return path
    }

    private func invalid(_ reason: String) -> JarvisError { Self.invalid(reason) }

    private static func invalid(_ reason: String) -> JarvisError {
        JarvisError("tar.invalid", "This is no archive of a profile: \(reason).", exitCode: 2)
    }

    private static func shown(_ text: String) -> String {
        String(text.unicodeScalars.prefix(80).filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init))
    }

    private struct Fields {
        var name: String
        var size: Int
        var mode: Int
        var type: UInt8

        init(_ header: [UInt8]) throws {
            var sum = 0
            for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
            guard header[257..<263].elementsEqual(Array("ustar".utf8) + [0]), Self.octal(header[148..<156]) == sum,
                let size = Self.octal(header[124..<136]), let mode = Self.octal(header[100..<108])
            else { throw TarReader.invalid("a header is damaged") }
            // The writer knows no prefix and no link name.
            guard header[157..<257].allSatisfy({ $0 == 0 }), header[345...].allSatisfy({ $0 == 0 }),
                let name = String(validating: header[..<100].prefix { $0 != 0 }, as: UTF8.self)
            else { throw TarReader.invalid("a header is strange") }
            self.name = name
            self.size = size
            self.mode = mode
            type = header[156]
        }

        private static func octal(_ bytes: ArraySlice<UInt8>) -> Int? {
            let digits = bytes.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
            guard !digits.isEmpty, digits.count <= 12 else { return nil }
            return Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
        }
    }
}
